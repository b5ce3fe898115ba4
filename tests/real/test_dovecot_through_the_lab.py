"""A real Dovecot behind both mappings: MaCo fetches its mail by both ways, and Dovecot's log agrees with the journal.

Dovecot takes the place of the lab's mail server as a customer's own would: by the ``hosts`` table, and with a
certificate of a root that is not the lab's, put into MaCo's key store and into the connector's trust store as a file.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Authority
from certs.summary import summarize
from maco_client.results import PollResult
from maco_lab.lab_file import default_text, parse_lab
from maco_lab.testing.lab import Lab, lab_for_tests
from maco_wire.observation import (
    Address,
    CertificateSummary,
    ClientHelloPassed,
    Handshake,
    Login,
    Party,
    StreamOpened,
    TlsSession,
)
from tests.real.dovecot import Dovecot, dovecot
from tests.real.dovecot_log import LoginLine

pytestmark = [pytest.mark.real, pytest.mark.slow]

MAIL_HOST = "mail.stadtwerke.example"
WAY_A, WAY_B = "way-a", "way-b"
USERS = {WAY_A: "strom@stadtwerke.example", WAY_B: "gas@stadtwerke.example"}


def mail_for(way: str) -> bytes:
    """Return a mail that holds what a careless reader of IMAP's literals would take for its end, or change."""
    head = f"From: netz@nachbar.example\r\nTo: {USERS[way]}\r\nSubject: UTILMD {way}\r\nMIME-Version: 1.0\r\n"
    kind = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    like_imap = ".\r\n)\r\n{42}\r\na001 OK done\r\n* BYE\r\n"
    long_line = "x" * 5000 + "\r\n"
    return f"{head}{kind}{like_imap}Z\u00e4hlpunkt\r\n{long_line}no line end".encode()


@dataclass(frozen=True)
class Fetched:
    """What a poll of one way and a second one came to, and what everybody saw of the first."""

    way: str
    first: PollResult
    second: PollResult
    in_inbox: list[bytes]
    flags_before: list[frozenset[str]]
    flags_after: list[frozenset[str]]
    lab: Lab
    logins: list[LoginLine]
    server: Dovecot
    certificate: CertificateSummary

    def handshake(self) -> Handshake:
        """Return the client's end of the first handshake with the mail server."""
        handshakes = [each for each in self.lab.journal.of(Handshake) if each.session is not TlsSession.TUNNEL]
        assert {each.role for each in handshakes} == {"client"}
        return handshakes[0]

    def dialled_by_connector(self) -> tuple[Address, Address]:
        """Return both ends of the socket that the connector first dialled to the mail server."""
        opened = self.lab.journal.of(StreamOpened, Party.CLOUD_CONNECTOR)[0].back_end
        assert opened is not None
        return opened

    def passwords_seen_by(self) -> set[Party]:
        return self.lab.journal.passwords_held_by(USERS[self.way])


def fetch(way: str, folder: Path) -> Iterator[Fetched]:
    """Poll ``way`` twice with one mail waiting; Dovecot has ended, and its log is whole, when the tests look."""
    root = Authority.root("The customer's own root", now=dt.datetime.now(dt.UTC))
    issued = root.intermediate("The customer's own issuing authority").issue(MAIL_HOST, dns_names=[MAIL_HOST])
    (folder / "root.pem").write_bytes(root.identity.certificate_pem())
    with ExitStack() as lab_runs, dovecot(folder, issued, passwords(folder)) as server:
        lab = lab_runs.enter_context(lab_for_tests(lambda data: put_in_place_of_the_mail_server(server, folder, data)))
        server.deliver(USERS[way], mail_for(way))
        before = list(server.flags(USERS[way]).values())
        first = lab.maco.poll(way)
        after = list(server.flags(USERS[way]).values())
        second = lab.maco.poll(way)
        lab_runs_on = lab_runs.pop_all()
    raw = [mail.raw for mail in lab.maco.mails(way)]
    summary = summarize(issued.certificate.public_bytes(Encoding.DER))
    with lab_runs_on:
        yield Fetched(way, first, second, raw, before, after, lab, server.logins(), server, summary)


def passwords(folder: Path) -> dict[str, str]:
    """Return the passwords by user that MaCo's credentials in the default lab file hold."""
    credentials = parse_lab(default_text(), name="lab.yaml", folder=folder).model.maco.credentials
    return {each.user: each.password.get_secret_value() for each in credentials}


def put_in_place_of_the_mail_server(server: Dovecot, folder: Path, data: dict[str, Any]) -> None:
    """Let the names on premise lead to Dovecot, and both trust stores hold its root alone."""
    data["hosts"] = {
        f"{MAIL_HOST}:143": "{}:{}".format(*server.imap),
        f"{MAIL_HOST}:993": "{}:{}".format(*server.imaps),
    }
    root = {"file": str(folder / "root.pem")}
    data["maco"]["key_store"] = {"customer-root": root}
    data["cloud_connectors"][0]["back_end_trust_store"]["certificates"] = [root]


@pytest.fixture(scope="module")
def by_way_a(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fetched]:
    yield from fetch(WAY_A, tmp_path_factory.mktemp("way-a"))


@pytest.fixture(scope="module")
def by_way_b(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fetched]:
    yield from fetch(WAY_B, tmp_path_factory.mktemp("way-b"))


@pytest.fixture(params=["by_way_a", "by_way_b"])
def fetched(request: pytest.FixtureRequest) -> Fetched:
    result = request.getfixturevalue(request.param)
    assert isinstance(result, Fetched)
    return result


def test_maco_fetches_the_mail_from_a_real_dovecot(fetched: Fetched) -> None:
    assert (fetched.first.succeeded, fetched.first.stored, fetched.first.error) == (True, 1, "")


def test_the_mail_in_macos_inbox_is_byte_identical(fetched: Fetched) -> None:
    assert fetched.in_inbox == [mail_for(fetched.way)]


def test_the_mail_is_flagged_as_seen_at_dovecot_only_afterwards(fetched: Fetched) -> None:
    assert fetched.flags_before == [frozenset()]
    assert fetched.flags_after == [frozenset({"\\Seen"})]


def test_a_second_poll_finds_nothing_new(fetched: Fetched) -> None:
    assert (fetched.second.succeeded, fetched.second.stored, fetched.second.mails) == (True, 0, ())


def test_dovecot_saw_the_users_logins_under_tls_and_no_other(fetched: Fetched) -> None:
    assert [(login.user, login.tls) for login in fetched.logins] == [(USERS[fetched.way], True)] * 2


def test_dovecots_client_is_the_socket_that_the_connector_dialled(fetched: Fetched) -> None:
    connectors_end, _ = fetched.dialled_by_connector()
    assert fetched.logins[0].peer == connectors_end


def test_dovecot_and_the_party_that_did_the_handshake_agree_on_version_cipher_and_name(fetched: Fetched) -> None:
    handshake, login = fetched.handshake(), fetched.logins[0]
    assert (handshake.version, handshake.cipher) == (login.version, login.cipher)
    assert handshake.server_name == login.server_name == MAIL_HOST


def test_dovecots_certificate_was_shown_in_the_handshake(fetched: Fetched) -> None:
    assert fetched.handshake().peer_chain[0] == fetched.certificate


def test_the_labs_own_mail_server_took_no_part(fetched: Fetched) -> None:
    assert [entry for entry in fetched.lab.journal if entry.observation.party is Party.MAIL_SERVER] == []


def test_by_way_a_the_connector_dials_dovecots_imap_port(by_way_a: Fetched) -> None:
    _, dovecots_end = by_way_a.dialled_by_connector()
    assert dovecots_end == by_way_a.server.imap


def test_by_way_a_maco_does_the_handshake_and_trusts_by_its_key_store(by_way_a: Fetched) -> None:
    handshake = by_way_a.handshake()
    assert (handshake.party, handshake.session) == (Party.MACO, TlsSession.IMAP_STARTTLS)
    assert handshake.name_checked == MAIL_HOST
    assert by_way_a.first.vouched_by == "customer-root"


def test_by_way_a_macos_login_is_not_in_clear(by_way_a: Fetched) -> None:
    assert [login.in_clear for login in by_way_a.lab.journal.of(Login, Party.MACO)] == [False, False]


def test_by_way_a_the_connector_saw_macos_client_hello_pass(by_way_a: Fetched) -> None:
    passed = by_way_a.lab.journal.of(ClientHelloPassed, Party.CLOUD_CONNECTOR)
    assert [each.server_name for each in passed] == [MAIL_HOST, MAIL_HOST]


def test_by_way_a_nobody_between_maco_and_dovecot_saw_the_password(by_way_a: Fetched) -> None:
    assert by_way_a.passwords_seen_by() == {Party.MACO}


def test_by_way_b_the_connector_dials_dovecots_imaps_port(by_way_b: Fetched) -> None:
    _, dovecots_end = by_way_b.dialled_by_connector()
    assert dovecots_end == by_way_b.server.imaps


def test_by_way_b_the_connector_does_the_handshake_and_trusts_by_its_own_store(by_way_b: Fetched) -> None:
    handshake = by_way_b.handshake()
    assert (handshake.party, handshake.session) == (Party.CLOUD_CONNECTOR, TlsSession.BACK_END)
    assert handshake.verified_against == "Cloud Connector's back-end trust store"


def test_by_way_b_maco_logs_in_in_clear_on_its_own_connection(by_way_b: Fetched) -> None:
    assert [login.in_clear for login in by_way_b.lab.journal.of(Login, Party.MACO)] == [True, True]


def test_by_way_b_everybody_between_maco_and_dovecot_saw_the_password(by_way_b: Fetched) -> None:
    assert by_way_b.passwords_seen_by() == {Party.MACO, Party.CONNECTIVITY, Party.CLOUD_CONNECTOR}
