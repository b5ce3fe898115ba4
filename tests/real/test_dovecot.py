"""The harness that runs a real Dovecot, checked by imaplib: what the tests built on it take for granted."""

from __future__ import annotations

import datetime as dt
import imaplib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from certs.authority import Authority, Issued
from certs.trust import client_context
from tests.real import dovecot as harness
from tests.real.dovecot import HOST, Dovecot, DovecotFailed, dovecot
from tests.real.process_group import living

pytestmark = pytest.mark.real

USER = "strom@stadtwerke.example"
PASSWORD = "Strom:4711"  # the colon separates fields in Dovecot's file of users
TIMEOUT_S = 10.0
# 8-bit text, a line of 1000 octets, a lone dot and no line end at the end: what a careless store would change.
MAIL = b"Subject: UTILMD\r\nFrom: a@b.example\r\n\r\nZ\xc3\xa4hler\r\n.\r\n" + b"x" * 998 + b"\r\n\r\nno end"


USERS = {USER: PASSWORD} | {f"gas{number}@stadtwerke.example": PASSWORD for number in range(8)}
FRESH_USERS = iter(set(USERS) - {USER})


@dataclass(frozen=True)
class Mailbox:
    """A selected INBOX: whose, the unique name of its one mail, and the client that has selected it."""

    server: Dovecot
    user: str
    mail: str
    client: imaplib.IMAP4

    def flags(self) -> frozenset[str]:
        return self.server.flags(self.user)[self.mail]


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority.root("Root of the Dovecot tests", now=dt.datetime.now(dt.UTC))


@pytest.fixture(scope="module")
def issued(root: Authority) -> Issued:
    intermediate = root.intermediate("Intermediate of the Dovecot tests")
    return intermediate.issue(HOST, ip_addresses=[HOST])


@pytest.fixture(scope="module")
def trusting(root: Authority) -> ssl.SSLContext:
    """Trusts the root alone: Dovecot must send the intermediate."""
    return client_context([root.certificate], check_hostname=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, issued: Issued) -> Iterator[Dovecot]:
    with dovecot(tmp_path_factory.mktemp("dovecot"), issued, USERS) as running:
        yield running


@pytest.fixture
def clear(server: Dovecot) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4(*server.imap, timeout=TIMEOUT_S) as client:
        yield client


@pytest.fixture
def mailbox(server: Dovecot, trusting: ssl.SSLContext) -> Iterator[Mailbox]:
    """The INBOX of a user that no other test uses, selected, with one mail just delivered."""
    user = next(FRESH_USERS)
    name = server.deliver(user, MAIL)
    with imaplib.IMAP4_SSL(*server.imaps, ssl_context=trusting, timeout=TIMEOUT_S) as client:
        client.login(user, PASSWORD)
        client.select("INBOX")
        yield Mailbox(server, user, name, client)


def certificate_shown(client: imaplib.IMAP4) -> bytes | None:
    connection = client.socket()
    assert isinstance(connection, ssl.SSLSocket)
    return connection.getpeercert(binary_form=True)


def test_login_is_disabled_before_starttls(clear: imaplib.IMAP4) -> None:
    assert {"STARTTLS", "LOGINDISABLED"} <= set(clear.capabilities)


def test_a_login_before_starttls_is_refused(clear: imaplib.IMAP4) -> None:
    with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):  # RFC 5530, section 3
        clear.login(USER, PASSWORD)


def test_the_user_logs_in_after_starttls(clear: imaplib.IMAP4, trusting: ssl.SSLContext) -> None:
    clear.starttls(trusting)
    assert clear.login(USER, PASSWORD)[0] == "OK"


def test_starttls_shows_the_issued_certificate(clear: imaplib.IMAP4, trusting: ssl.SSLContext, issued: Issued) -> None:
    clear.starttls(trusting)
    assert certificate_shown(clear) == ssl.PEM_cert_to_DER_cert(issued.certificate_pem().decode())


def test_the_user_logs_in_over_imaps(server: Dovecot, trusting: ssl.SSLContext) -> None:
    with imaplib.IMAP4_SSL(*server.imaps, ssl_context=trusting, timeout=TIMEOUT_S) as client:
        assert client.login(USER, PASSWORD)[0] == "OK"


def test_a_wrong_password_is_refused(server: Dovecot, trusting: ssl.SSLContext) -> None:
    with (
        imaplib.IMAP4_SSL(*server.imaps, ssl_context=trusting, timeout=TIMEOUT_S) as client,
        pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"),  # RFC 5530, section 3
    ):
        client.login(USER, PASSWORD.upper())


def test_a_delivered_mail_is_unseen(mailbox: Mailbox) -> None:
    assert mailbox.client.uid("SEARCH", "UNSEEN") == ("OK", [b"1"])
    assert mailbox.flags() == frozenset()


def test_a_delivered_mails_bytes_come_back(mailbox: Mailbox) -> None:
    _, answer = mailbox.client.uid("FETCH", "1", "(BODY.PEEK[])")
    assert isinstance(answer[0], tuple)
    assert answer[0][1] == MAIL


def test_a_mail_that_a_client_marked_as_seen_is_flagged_so(mailbox: Mailbox) -> None:
    mailbox.client.uid("STORE", "1", "+FLAGS.SILENT", "(\\Seen)")
    assert mailbox.flags() == {"\\Seen"}


def test_each_delivered_mail_has_flags_of_its_own(mailbox: Mailbox) -> None:
    second = mailbox.server.deliver(mailbox.user, MAIL)
    mailbox.client.noop()
    mailbox.client.uid("STORE", "2", "+FLAGS.SILENT", "(\\Flagged)")
    assert mailbox.server.flags(mailbox.user) == {mailbox.mail: frozenset(), second: frozenset({"\\Flagged"})}


def test_a_mail_for_an_unknown_user_is_the_callers_mistake(server: Dovecot) -> None:
    with pytest.raises(ValueError, match=r"no user 'wasser@stadtwerke\.example'"):
        server.deliver("wasser@stadtwerke.example", MAIL)


def test_key_and_passwords_are_readable_by_their_owner_alone(server: Dovecot) -> None:
    state = server._homes.parent
    modes = {name: (state / name).stat().st_mode & 0o777 for name in ("key.pem", "users")}
    assert modes == {"key.pem": 0o600, "users": 0o600}


@pytest.mark.slow
def test_the_log_tells_who_logged_in_from_which_socket_and_by_which_tls(
    tmp_path: Path, issued: Issued, trusting: ssl.SSLContext
) -> None:
    with (
        dovecot(tmp_path, issued, {USER: PASSWORD}) as server,
        imaplib.IMAP4_SSL(*server.imaps, ssl_context=trusting, timeout=TIMEOUT_S) as client,
    ):
        connection = client.socket()
        assert isinstance(connection, ssl.SSLSocket)
        peer, version, cipher = connection.getsockname(), connection.version(), connection.cipher()
        client.login(USER, PASSWORD)
    (login,) = server.logins()
    assert (login.user, login.peer, login.tls) == (USER, peer, True)
    assert (login.version, login.cipher) == (version, cipher and cipher[0])


@pytest.mark.slow
def test_nothing_is_left_running_when_the_test_fails(tmp_path: Path, issued: Issued) -> None:
    seen: list[tuple[int, list[int]]] = []

    def failing_test() -> None:
        with dovecot(tmp_path, issued, {USER: PASSWORD}) as server:
            seen.append((server.group, living(server.group)))
            raise AssertionError("the test fails")

    with pytest.raises(AssertionError, match="the test fails"):
        failing_test()
    ((group, alive_inside),) = seen
    assert len(alive_inside) > 1  # the master and at least one of its children
    assert living(group) == []


@pytest.mark.slow
def test_no_files_are_left_but_the_log(tmp_path: Path, issued: Issued) -> None:
    with dovecot(tmp_path, issued, {USER: PASSWORD}) as server:
        state = server._homes.parent
        assert state.is_dir()
    assert not state.exists()
    assert list(tmp_path.iterdir()) == [server.log]


@pytest.mark.slow
def test_a_port_that_was_taken_meanwhile_is_replaced(
    tmp_path: Path, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_ports = harness.free_ports
    with socket.create_server((HOST, 0)) as taken:
        choices = iter([[taken.getsockname()[1], *free_ports(3)], free_ports(4)])
        monkeypatch.setattr(harness, "free_ports", lambda count: next(choices))
        with dovecot(tmp_path, issued, {USER: PASSWORD}) as server:
            assert server.imap[1] != taken.getsockname()[1]


def test_a_start_that_fails_tells_what_dovecot_said(
    tmp_path: Path, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "_CONFIGURATION", "no_such_setting = 1\n")
    with (
        pytest.raises(DovecotFailed, match="Unknown setting: no_such_setting"),
        dovecot(tmp_path, issued, {USER: PASSWORD}),
    ):
        pass
