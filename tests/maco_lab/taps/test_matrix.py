"""The matrix canary by place, from the bytes that the taps of a running lab saw; and what its silence is worth."""

from __future__ import annotations

import base64
import dataclasses
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from maco_client.token import _Token
from maco_lab.background import background_loop
from maco_lab.lab_matrix import matrix_of_poll
from maco_lab.matrix_story import matrix_table
from maco_lab.plain_story import answers
from maco_lab.scenarios.switchboard import Switchboard
from maco_lab.sight import HOPS
from maco_lab.taps.copies import Wiretap
from maco_lab.taps.key_log import KeyLogs
from maco_lab.taps.matrix import PLACES, Cell, Matrix, matrix_of
from maco_lab.topology import RunningLab
from maco_wire.canary import Canary
from maco_wire.observation import CanarySeen, Hop, Party
from mailserver_sim.pop3 import commands
from tests.maco_lab.taps.tapped_labs import (
    Impostor,
    Middle,
    Stripper,
    connection,
    in_the_middle,
    matrix,
    poll,
    sight,
    tapped_lab,
    told,
)
from tests.pop3 import POP3_A, POP3_B, with_pop3

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells what a socket carried")

TUNNEL = "Cloud Connector with Connectivity service"
END_TO_END = "MaCo with Mail server"
BY_CONNECTOR = "Cloud Connector with Mail server"
CLEAR = "in clear"

WAY_A = [
    CLEAR,
    f"inside {END_TO_END}",
    f"inside {END_TO_END}",
    f"inside {TUNNEL} > {END_TO_END}",
    f"inside {END_TO_END}",
    f"inside {END_TO_END}",
    CLEAR,
]
WAY_B = [CLEAR, CLEAR, CLEAR, f"inside {TUNNEL}", CLEAR, f"inside {BY_CONNECTOR}", CLEAR]
UNKNOWN = "unknown"
BEFORE_IMPOSTOR = [CLEAR, CLEAR, CLEAR, f"inside {TUNNEL}", CLEAR, UNKNOWN, UNKNOWN]
NO_KEYS = "TLS that no party's keys have opened"
"""Nobody in the lab has those of an impostor that does not belong to it."""
NO_TLS = [CLEAR, CLEAR, CLEAR, f"inside {TUNNEL}", CLEAR, CLEAR, CLEAR]
TOKEN = [CLEAR, CLEAR, CLEAR, "not there", "not there", "not there", "not there"]
TOKEN_BEFORE_STRANGER = [*TOKEN[:4], UNKNOWN, UNKNOWN, UNKNOWN]
"""Behind somebody who is no party of the lab: none counts the bytes at the LAN's other end, so no silence is proved."""
UNSEEN = Canary(9, "never sent", "NeverSentAnywhere")
SECRETS = ("mailbox password", "line in a mail")


def starttls_optional(data: dict[str, Any]) -> None:
    connection(data, "way-a")["protection"] = "STARTTLS Optional"


def way_b_over_tcp(data: dict[str, Any]) -> None:
    """Protection Off towards port 143 without TLS, by a mapping of protocol TCP."""
    mappings = data["cloud_connectors"][0]["subaccounts"][0]["mappings"]
    mapping = next(each for each in mappings if each["virtual"] == "mailbox.virtual:993")
    mapping.update(internal="mail.stadtwerke.example:143", protocol="TCP")
    data["mail_server"]["offer_starttls"] = False


def pop3_b_over_tcp(data: dict[str, Any]) -> None:
    """Protection Off towards port 110 without TLS, by a mapping of protocol TCP."""
    with_pop3(data)
    mappings = data["cloud_connectors"][0]["subaccounts"][0]["mappings"]
    mapping = next(each for each in mappings if each["virtual"] == "mailbox.virtual:995")
    mapping.update(internal="mail.stadtwerke.example:110", protocol="TCP")
    data["mail_server"]["offer_starttls"] = False


def trust_all(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["back_end_trust_store"] = {"trust_all_backends": True, "certificates": []}


def without_the_root_at_maco(data: dict[str, Any]) -> None:
    data["maco"]["key_store"] = {}


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """Return a lab that was polled by both ways and is not changed any more."""
    with tapped_lab(tmp_path_factory.mktemp("lab")) as lab:
        for name in ("way-a", "way-b"):
            assert poll(lab, name).stored == 1
            matrix(lab, name)  # waits for the parties' last words
        yield lab


@pytest.mark.parametrize(("name", "expected"), [("way-a", WAY_A), ("way-b", WAY_B)])
def test_both_ways(polled: RunningLab, name: str, expected: list[str]) -> None:
    found = matrix(polled, name)

    assert [told(found, secret) for secret in SECRETS] == [expected, expected]
    assert told(found, "token") == TOKEN


def test_both_ways_by_pop3(tmp_path: Path) -> None:
    with tapped_lab(tmp_path, with_pop3) as lab:
        for name, expected in ((POP3_A, WAY_A), (POP3_B, WAY_B)):
            assert poll(lab, name).stored == 1
            found = matrix(lab, name)
            assert [told(found, secret) for secret in SECRETS] == [expected, expected]
            assert [each.missing for each in found.controls] == ["", "", ""]


@pytest.mark.parametrize("has_user", [True, False], ids=["USER", "SASL"])
def test_pop3_in_clear_shows_the_password_to_all_also_in_base64(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_user: bool
) -> None:
    monkeypatch.setattr(commands, "login_allowed", lambda _: has_user)
    with tapped_lab(tmp_path, pop3_b_over_tcp) as lab:
        assert poll(lab, POP3_B).stored == 1
        found = matrix(lab, POP3_B)

        assert [told(found, secret) for secret in SECRETS] == [NO_TLS, NO_TLS]
        assert [each.missing for each in found.controls] == ["", "", ""]
        assert found.controls[-1].marker == "+OK"
        encodings = {o.encoding for o in (e.observation for e in lab.journal.entries()) if isinstance(o, CanarySeen)
                     and o.name.startswith("mailbox password")}  # fmt: skip
        assert encodings == {"plain" if has_user else "base64"}


def test_starttls_optional_with_starttls_stripped_is_in_clear_on_the_lan_and_for_everybody(tmp_path: Path) -> None:
    with tapped_lab(tmp_path, starttls_optional) as lab:
        middle = Stripper(lab.addresses["imaps"])
        with in_the_middle(lab, middle, 143):
            assert poll(lab, "way-a").stored == 1
            found = matrix(lab, "way-a")

        assert [told(found, secret) for secret in SECRETS] == [NO_TLS, NO_TLS]
        assert told(found, "token") == TOKEN_BEFORE_STRANGER
        assert base64.b64encode(b"\0strom@stadtwerke.example\0Strom4711Postfach") in middle.heard


def test_starttls_optional_without_an_attacker_is_end_to_end(tmp_path: Path) -> None:
    with tapped_lab(tmp_path, starttls_optional) as lab:
        middle = Middle(lab.addresses["imap"])
        with in_the_middle(lab, middle, 143):
            assert poll(lab, "way-a").stored == 1
            found = matrix(lab, "way-a")

        assert [told(found, secret) for secret in SECRETS] == [WAY_A, WAY_A]
        assert told(found, "token") == TOKEN_BEFORE_STRANGER
        assert b"Strom4711Postfach" not in middle.heard


def test_protection_off_over_tcp_is_in_clear_on_both_networks(tmp_path: Path) -> None:
    with tapped_lab(tmp_path, way_b_over_tcp) as lab:
        assert poll(lab, "way-b").stored == 1
        found = matrix(lab, "way-b")

    assert [told(found, secret) for secret in SECRETS] == [NO_TLS, NO_TLS]
    assert told(found, "token") == TOKEN


def test_an_impostor_before_a_connector_that_trusts_all_hears_the_password_and_no_wire_shows_it(tmp_path: Path) -> None:
    with tapped_lab(tmp_path, trust_all) as lab:
        middle = Impostor(lab.addresses["imaps"])
        with in_the_middle(lab, middle, 993):
            assert poll(lab, "way-b").stored == 1
            found = matrix(lab, "way-b")

        assert base64.b64encode(b"\0gas@stadtwerke.example\0Gas0815Postfach") in middle.heard, "the impostor's own view"
        assert lab.canaries[1].mail_line.value.encode() in middle.heard
        assert [told(found, secret) for secret in SECRETS] == [BEFORE_IMPOSTOR, BEFORE_IMPOSTOR]
        assert told(found, "token") == TOKEN_BEFORE_STRANGER
        assert found.row("mailbox password").at(Hop.CUSTOMER_LAN).why == NO_KEYS
        session = sight(lab, "way-b").mail_session
        assert session is not None
        assert (session.verified_against, session.agreed) == ("", False)


def test_the_scenarios_impostor_reads_all_and_is_named_in_the_mail_servers_place(tmp_path: Path) -> None:
    with tapped_lab(tmp_path) as lab:
        board = Switchboard(lab.file, lab)
        background_loop().run(board.switch_on("trust-all-impostor"))
        assert poll(lab, "way-b").stored == 1
        found, seen = matrix(lab, "way-b"), sight(lab, "way-b")

    assert [told(found, secret) for secret in SECRETS] == [WAY_B, WAY_B], "its view: the lab has its keys"
    assert told(found, "token") == TOKEN
    answered = dict(text.plain.split(": ", 1) for text in answers(seen, found))
    assert answered["Who could read the mailbox password"] == (
        "MaCo, Connectivity service, Cloud Connector, Impostor and whoever taps the cloud network"
    )
    assert answered["What the impostor in the mail server's place read"] == "password and mail"
    out = io.StringIO()
    Console(file=out, width=120).print(matrix_table(found, seen.called))
    assert "inside TLS of Cloud Connector with Impostor" in out.getvalue()
    assert "Mail server" not in out.getvalue()


def test_an_impostor_before_a_connector_that_trusts_the_root_hears_nothing(tmp_path: Path) -> None:
    with tapped_lab(tmp_path) as lab:
        middle = Impostor(lab.addresses["imaps"])
        with in_the_middle(lab, middle, 993):
            assert not poll(lab, "way-b").succeeded

        assert middle.heard == b""


def test_a_handshake_that_fails_lets_no_secret_pass_anywhere(tmp_path: Path) -> None:
    with tapped_lab(tmp_path, without_the_root_at_maco) as lab:
        assert not poll(lab, "way-a").succeeded

        found = matrix(lab, "way-a")

        assert [told(found, secret) for secret in SECRETS] == [["not there"] * len(PLACES)] * 2
        assert told(found, "token") == TOKEN


def test_the_second_poll_has_a_matrix_of_its_own(tmp_path: Path) -> None:
    with tapped_lab(tmp_path) as lab:
        poll(lab, "way-a")
        assert poll(lab, "way-a").stored == 0

        found = matrix(lab, "way-a")

        assert told(found, "mailbox password") == WAY_A
        assert told(found, "line in a mail") == ["not there"] * len(PLACES)


def test_each_tap_proves_that_it_is_awake(polled: RunningLab) -> None:
    controls = matrix(polled, "way-b").controls

    assert [(each.hop, each.missing) for each in controls] == [(hop, "") for hop in HOPS]
    assert [each.marker for each in controls] == [
        "mailbox.virtual",
        "connectivitytunnel.lab.example",
        "mail.stadtwerke.example",
    ]
    assert len({each.passed for each in controls}) == 1, "all three hops carried the same payload"


@needs_linux
@pytest.mark.parametrize("name", ["way-a", "way-b"])
def test_each_tap_saw_as_many_bytes_as_both_its_ends_have_counted(polled: RunningLab, name: str) -> None:
    controls = matrix(polled, name).controls

    assert [[(each.party, each.of) for each in control.counts] for control in controls] == [
        [(Party.CONNECTIVITY, "payload"), (Party.MACO, "socket")],
        [(Party.CONNECTIVITY, "payload"), (Party.CLOUD_CONNECTOR, "payload")],
        [(Party.CLOUD_CONNECTOR, "payload"), (Party.MAIL_SERVER, "socket")],
    ]
    for each in (each for control in controls for each in control.counts):
        assert (each.counted == each.tapped) or each.note.endswith("MaCo had closed"), each
        assert each.counted is not None


@pytest.mark.parametrize(("party", "hop"), [(Party.MACO, HOPS[0]), (Party.MAIL_SERVER, HOPS[2])])
def test_an_end_that_was_killed_before_it_told_leaves_its_hop_unproved(
    polled: RunningLab, party: Party, hop: Hop
) -> None:
    told = [
        e for e in polled.journal.entries() if (e.observation.kind, e.observation.party) != ("socket_closed", party)
    ]

    found = matrix_of(told, "way-b", evidence(polled)[0], [UNSEEN], evidence(polled)[1])

    assert found is not None
    assert found.rows[0].at(hop) == Cell("unknown", why=f"{party} did not tell how many bytes its socket carried")
    assert [each.hop for each in found.controls if each.missing] == [hop]


def test_a_token_that_was_refused_was_seen_all_the_same(tmp_path: Path) -> None:
    with tapped_lab(tmp_path) as lab:
        expired = lab.cloud.tokens.issue(lab.cloud.settings.clients[0], lifetime_s=-1)
        lab.tokens._cached = _Token(expired, float("inf"))
        assert poll(lab, "way-a").stage == "socks"

        assert told(matrix(lab, "way-a"), "token")[:2] == [CLEAR, CLEAR]


def test_without_taps_there_is_no_matrix(tmp_path: Path) -> None:
    with tapped_lab(tmp_path, tapped=False) as lab:
        poll(lab, "way-a")

        assert background_loop().run(matrix_of_poll(lab, "way-a")) is None


# ------------------------------------------------------------------------------------------- what a silence is worth


def judged(
    lab: RunningLab, wiretap: Wiretap, keys: KeyLogs, *, canary: Canary | None = None, way: str = "way-b"
) -> Matrix:
    """Return a matrix from what is left of its evidence."""
    canary = canary or Canary(1, "mailbox password", "Gas0815Postfach")
    found = matrix_of(lab.journal.entries(), way, wiretap, [canary], keys)
    assert found is not None
    return found


def evidence(lab: RunningLab) -> tuple[Wiretap, KeyLogs]:
    assert lab.taps is not None
    return lab.taps.wiretap(), lab.taps.keys.read()


def states(found: Matrix) -> dict[Hop, str]:
    return {hop: found.rows[0].at(hop).state for hop in HOPS}


def test_without_keys_what_is_in_clear_is_seen_and_the_rest_is_unknown(polled: RunningLab) -> None:
    wiretap, _ = evidence(polled)

    found = judged(polled, wiretap, {})

    assert states(found) == {Hop.CLOUD_NETWORK: CLEAR, Hop.TUNNEL: "unknown", Hop.CUSTOMER_LAN: "unknown"}
    assert "keys" in found.rows[0].at(Hop.TUNNEL).why


def test_the_keys_of_one_party_open_its_sessions_alone(polled: RunningLab) -> None:
    wiretap, keys = evidence(polled)

    found = judged(polled, wiretap, {Party.MAIL_SERVER: keys[Party.MAIL_SERVER]})

    assert states(found)[Hop.TUNNEL] == "unknown"
    assert states(found)[Hop.CUSTOMER_LAN] == "inside TLS"


def test_what_passes_end_to_end_is_unknown_on_every_wire_without_the_mail_servers_keys(polled: RunningLab) -> None:
    wiretap, keys = evidence(polled)

    found = judged(polled, wiretap, {Party.CONNECTIVITY: keys[Party.CONNECTIVITY]}, canary=UNSEEN, way="way-a")

    assert [(each.hop, each.missing) for each in found.controls] == [(hop, "") for hop in HOPS], "all taps were awake"
    assert set(states(found).values()) == {"unknown"}


@pytest.mark.parametrize("hop", HOPS)
def test_a_tap_that_was_asleep_proves_nothing(polled: RunningLab, hop: Hop) -> None:
    wiretap, keys = evidence(polled)
    awake = tuple(each for each in wiretap.chunks if each.connection.hop != hop.value)

    found = judged(polled, dataclasses.replace(wiretap, chunks=awake), keys)

    assert states(found)[hop] == "unknown"
    assert "marker" in found.rows[0].at(hop).why


@pytest.mark.parametrize("hop", HOPS)
def test_a_tap_that_lost_its_last_bytes_proves_nothing_about_what_it_did_not_see(polled: RunningLab, hop: Hop) -> None:
    wiretap, keys = evidence(polled)
    last = [each for each in wiretap.chunks if each.connection.hop == hop.value and not each.from_client][-3:]
    lossy = dataclasses.replace(wiretap, chunks=tuple(each for each in wiretap.chunks if each not in last))

    assert states(judged(polled, lossy, keys, canary=UNSEEN))[hop] == "unknown"


def test_a_tap_that_had_to_forget_bytes_says_so(polled: RunningLab) -> None:
    wiretap, keys = evidence(polled)
    numbers = frozenset(each.number for each in wiretap.connections)

    (row,) = judged(polled, dataclasses.replace(wiretap, incomplete=numbers), keys, canary=UNSEEN).rows

    assert {cell.state for cell in row.cells} == {"unknown"}
    assert "lost" in row.at(Hop.TUNNEL).why


def test_a_secret_that_was_never_sent_is_not_there(polled: RunningLab) -> None:
    (row,) = judged(polled, *evidence(polled), canary=UNSEEN).rows

    assert {cell.state for cell in row.cells} == {"not there"}


def test_tls_that_cannot_be_followed_is_no_proof_of_absence(polled: RunningLab) -> None:
    wiretap, keys = evidence(polled)
    lan = [each for each in wiretap.chunks if each.connection.hop == Hop.CUSTOMER_LAN.value and each.from_client]
    mixed = dataclasses.replace(wiretap, chunks=(*wiretap.chunks, lan[-1]._replace(data=b"a9 NOOP\r\n")))

    (row,) = judged(polled, mixed, keys, canary=UNSEEN).rows

    assert row.at(Hop.CUSTOMER_LAN).state == "unknown"


def test_a_back_end_for_which_there_is_no_tap_left_is_reached_and_nothing_is_claimed(tmp_path: Path) -> None:
    with tapped_lab(tmp_path) as lab:
        assert lab.taps is not None
        lab.taps.max_taps = 2

        assert poll(lab, "way-b").stored == 1

        cell = matrix(lab, "way-b").row("mailbox password").at(Hop.CUSTOMER_LAN)
        assert (cell.state, cell.why) == ("unknown", "no tap saw a connection of this poll here")


def test_an_unknown_secret_is_named_with_those_there_are(polled: RunningLab) -> None:
    with pytest.raises(LookupError, match="mailbox password"):
        matrix(polled, "way-b").row("nothing")
