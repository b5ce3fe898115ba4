"""The story fits its terminal, says in words what colours say, and shows nothing that a terminal would obey."""

from __future__ import annotations

import dataclasses
import io
import re
from typing import get_args

import pytest
from rich.cells import cell_len
from rich.console import Console

from maco_lab.maco_model import EmailConnection
from maco_lab.sight import IMPOSTOR, Sight, sight_of
from maco_lab.story import PROTECTIONS, printable, tell, where_tls_ended
from maco_wire.observation import Handshake, Observation, Party, TlsSession
from tests.maco_lab.observed import Connection, entries, plain, tunnel, way_a, way_b

A = Connection("way", maco=50001, lan=60001, trace="t1")
B = Connection("way", maco=50001, lan=60001, trace="t1", protocol="TCPS")
FAILING_A: list[Observation] = [
    *A.opened(),
    A.by_maco(error="unable to find valid certification path to requested target"),
    A.by_mail_server(TlsSession.IMAP_STARTTLS, error="alert", alert="unknown_ca"),
    *A.finished(stage="starttls", error="PKIX path building failed", hint="MaCo's key store"),
]
REFUSED: list[Observation] = [
    *A.refused("no mapping", nearest="virtuel:143"),
    *A.finished(stage="socks", error="SOCKS reply 0x02", hint="the access control"),
]
IMPOSTOR_B: list[Observation] = [
    dataclasses.replace(each, verified_against="", name_checked="")
    if isinstance(each, Handshake) and each.party is Party.CLOUD_CONNECTOR
    else dataclasses.replace(each, system=IMPOSTOR if each.party is Party.MAIL_SERVER else each.system)
    for each in way_b(B)
]
STORIES = {"way a": way_a(A), "way b": way_b(B), "plain": plain(A), "failing": FAILING_A, "refused": REFUSED,
           "impostor": IMPOSTOR_B}  # fmt: skip


def sight(seen: list[Observation]) -> Sight:
    found = sight_of(entries(tunnel(), seen), "way")
    assert found is not None
    return found


def told(seen: list[Observation], *, width: int = 80, color: bool = False) -> str:
    """Return what is printed for observations."""
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=color, no_color=not color, highlight=False, legacy_windows=False,
        color_system="standard" if color else None,
    )  # fmt: skip
    tell(console, sight(seen), "Way A · way: virtual:143, Protection 'STARTTLS Mandatory'")
    return out.getvalue()


def words(seen: list[Observation]) -> str:
    return " ".join(told(seen, width=160).split())


@pytest.mark.parametrize("width", [40, 80, 100, 160])
@pytest.mark.parametrize("story", STORIES)
def test_no_line_is_longer_than_the_terminal(story: str, width: int) -> None:
    lines = told(STORIES[story], width=width).splitlines()

    assert len(lines) > 4
    assert max(cell_len(line) for line in lines) <= width


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("story", ["way a", "way b", "plain", "failing"])
def test_each_line_of_the_drawn_path_is_whole(story: str, width: int) -> None:
    drawn = [line for line in told(STORIES[story], width=width).splitlines() if re.search("[╞├╡┤═┄]", line)]

    assert drawn
    for line in drawn:
        assert re.fullmatch(r" *(╞[^╞╡├┤]+╡|├[^╞╡├┤]+┤) *", line), line


def test_a_terminal_too_narrow_for_the_path_gets_the_table_alone() -> None:
    narrow = told(way_a(A), width=60)

    assert "╞" not in narrow
    assert "1 cloud network" in narrow


def test_the_drawn_sessions_stand_below_the_systems_they_end_at() -> None:
    lines = told(way_b(B)).splitlines()
    labels = next(line for line in lines if "Connectivity service" in line and "Mail server" in line)
    session = next(line for line in lines if "TLS by connector" in line)

    begin, end = session.index("╞"), session.index("╡")
    assert labels.index("Cloud Connector") <= begin < labels.index("Cloud Connector") + len("Cloud Connector")
    assert labels.index("Mail server") <= end < labels.index("Mail server") + len("Mail server")


@pytest.mark.parametrize("story", STORIES)
def test_colours_add_no_meaning_that_is_not_in_the_words(story: str) -> None:
    coloured = told(STORIES[story], color=True)

    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == told(STORIES[story])


def test_way_a_says_that_tls_is_end_to_end_and_where_its_root_belongs() -> None:
    text = words(way_a(A))

    assert "✓ 1 mail fetched and stored: TLS from MaCo to the mail server, end to end." in text
    assert "inside it: MaCo's session of hop 1 3 customer LAN MaCo's session of hop 1" in text
    assert (
        "the root certificate of the CA that issued the mail server's certificate belongs in MaCo's key store" in text
    )
    assert "must be a name in the server's certificate. After STARTTLS the Connectivity service" in text
    assert "in clear ┄" not in text


def test_way_b_says_that_the_connector_originates_tls_and_what_is_in_clear() -> None:
    text = words(way_b(B))

    assert "it originated TLS on the last hop" in text
    assert "1 cloud network nobody: in clear" in text
    assert "inside it: in clear" in text
    assert "Cloud Connector and whoever taps the cloud network could read everything." in text


def test_a_name_that_the_connector_did_not_check_is_told_with_what_follows() -> None:
    assert "somebody on the customer LAN who has one, for whatever name, could answer" in words(way_b(B))


def test_a_name_that_the_connector_checked_is_no_danger() -> None:
    checked = [
        dataclasses.replace(each, name_checked="real") if isinstance(each, Handshake) else each for each in way_b(B)
    ]

    assert "somebody on the customer LAN" not in words(checked)


def test_a_connector_that_trusts_all_is_told_with_what_follows() -> None:
    trusting = [
        dataclasses.replace(each, verified_against="") if isinstance(each, Handshake) else each for each in way_b(B)
    ]

    assert "its back-end trust store trusts all back ends" in words(trusting)
    assert "whoever is on the customer LAN could answer in the mail server's place" in words(trusting)


def test_an_impostor_is_told_in_the_mail_servers_place_with_what_it_got() -> None:
    text = words(IMPOSTOR_B)

    assert "What the impostor in the mail server's place read: password" in text
    assert "Cloud Connector with Impostor" in text
    assert "So an impostor on the customer LAN could answer in the mail server's place, and got the password." in text
    assert "Mail server" not in text


def test_tls_from_the_first_byte_is_not_called_starttls() -> None:
    at_once = [
        dataclasses.replace(each, session=TlsSession.IMAPS) if isinstance(each, Handshake) else each
        for each in way_a(A)
    ]

    assert "certificate. The Connectivity service and the Cloud Connector only copied bytes" in words(at_once)


def test_a_connection_without_tls_says_who_could_read_it() -> None:
    text = words(plain(A))

    assert (
        "spoke no TLS on this connection: every system on the way could read it, and so could whoever taps the" in text
    )


@pytest.mark.parametrize("protection", get_args(EmailConnection.model_fields["protection"].annotation))
def test_each_protection_is_explained_by_a_clause(protection: str) -> None:
    out = io.StringIO()
    tell(Console(file=out, width=120), sight(way_a(A)), "title", protection=protection)

    assert f"Protection '{protection}': {PROTECTIONS[protection]}." in out.getvalue()


def test_who_held_a_secret_is_said_by_yes_and_no() -> None:
    rows = [
        line.split()
        for line in told(way_a(A)).splitlines()
        if line.endswith(("yes", "no")) or " yes" in line or " no " in line
    ]

    assert [row[-1] for row in rows if row[-1] in {"yes", "no"}] == ["yes", "no", "no", "yes"]


def test_a_failure_says_where_what_which_alert_and_where_to_look() -> None:
    text = words(FAILING_A)

    assert "✗ failed at step 'starttls': PKIX path building failed" in text
    assert "TLS by MaCo: IMAP STARTTLS: FAILED" in text
    assert "MaCo with Mail server: failed, alert unknown_ca not verified" in text
    assert "inside it: MaCo's attempt of hop 1" in text
    assert "Look at: MaCo's key store" in text


def test_an_error_that_two_programs_word_is_told_to_be_one() -> None:
    saw = "MaCo saw: unable to find valid certification path to requested target; sent the alert unknown_ca"

    assert f"{saw} (This and the error at ✗ are one, in two programs' words" in words(FAILING_A)


def test_an_error_that_is_worded_once_is_not_told_to_be_two() -> None:
    once: list[Observation] = [*A.opened(), A.by_maco(error="reset"), *A.finished(stage="starttls", error="reset")]

    assert "two programs' words" not in words(once)


def test_a_refusal_says_what_the_others_saw() -> None:
    assert "The others saw: Cloud Connector: no mapping (nearest mapping: virtuel:143)" in words(REFUSED)


def test_a_failure_is_never_told_as_in_clear() -> None:
    """Nothing of a mail was sent: to say "in clear" would claim that something was."""
    assert "in clear" not in words(FAILING_A)


def test_a_session_that_one_end_alone_reported_is_told_as_such() -> None:
    assert "(only one end reported it)" in words([*A.opened(), A.by_maco(), *A.finished()])


def test_what_a_peer_said_is_shown_without_control_characters() -> None:
    hostile = "bad\x1b[2J\x07[red]x[/red]\r\n"
    text = told([*A.opened(), *A.finished(stage="login", error=hostile)])

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]x[/red]" in text, "nor is it mark-up"


def test_printable_keeps_letters_of_every_language() -> None:
    assert printable("Größe → ✓\x9b\x00") == "Größe → ✓\ufffd\ufffd"


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        (way_a(A), "TLS from MaCo to the mail server, end to end"),
        (way_b(B), "TLS from the Cloud Connector to the mail server; in clear before it"),
        (plain(A), "no TLS with the mail server"),
        (FAILING_A, "no TLS with the mail server"),
        (IMPOSTOR_B, "TLS from the Cloud Connector to an impostor in the mail server's place; in clear before it"),
    ],
)
def test_one_sentence_says_where_tls_ended(seen: list[Observation], sentence: str) -> None:
    assert where_tls_ended(sight(seen)) == sentence
