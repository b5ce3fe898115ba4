from __future__ import annotations

import base64
import hmac
import poplib

import pytest

from maco_wire.observation import Handshake, Login, Starttls, TlsSession
from mailserver_sim.settings import Account
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.pop3.clients import ask, ask_long, log_in, pop3s, raw_pop3s
from tests.mailserver_sim.running import OTHER_PASSWORD, OTHER_USER, PASSWORD, TIMEOUT_S, USER, RunningServer

PLAIN = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode())


def test_a_client_logs_in_after_stls(server: RunningServer) -> None:
    client = poplib.POP3(*server.address("pop3"), timeout=TIMEOUT_S)
    client.stls(context=server.client_context())
    client.user(USER)
    assert client.pass_(PASSWORD).startswith(b"+OK")
    client.quit()
    (handshake,) = server.recorder.wait_for(Handshake)
    assert (handshake.session, handshake.succeeded) == (TlsSession.POP3_STLS, True)
    assert [(each.protocol, each.step) for each in server.recorder.of(Starttls)] == [
        ("POP3", "asked"),
        ("POP3", "accepted"),
    ]
    (login,) = server.recorder.of(Login)
    assert (login.protocol, login.user, login.succeeded, login.in_clear) == ("POP3", USER, True, False)


def test_a_client_logs_in_on_the_port_that_begins_with_tls(server: RunningServer) -> None:
    pop3s(server).quit()
    (handshake,) = server.recorder.wait_for(Handshake)
    assert (handshake.session, handshake.succeeded) == (TlsSession.POP3S, True)


@pytest.mark.parametrize(
    ("line", "sent"),
    [(b"USER edifact", False), (b"PASS x", True), (b"AUTH PLAIN", False), (b"AUTH PLAIN " + PLAIN, True)],
)
def test_no_password_is_looked_at_before_tls(server: RunningServer, line: bytes, *, sent: bool) -> None:
    with server.raw("pop3") as client:
        assert ask(client, line).startswith(b"-ERR STLS first")
    (login,) = server.recorder.wait_for(Login)
    assert (login.succeeded, login.in_clear, login.credentials_sent) == (False, True, sent)


@pytest.mark.parametrize("injected", [b"NOOP\r\n", b"USER edifact\r\nPASS x\r\n", b"x"])
def test_plaintext_behind_stls_is_dropped_and_reported(server: RunningServer, injected: bytes) -> None:
    with server.raw("pop3") as client:
        client.send(b"STLS\r\n" + injected)
        rest = client.rest()
    assert rest == b"-ERR [SYS/PERM] Plaintext behind STLS\r\n"
    steps = [(each.step, each.detail) for each in server.recorder.wait_for(Starttls, 2)]
    assert steps == [("asked", ""), ("injected", f"{len(injected)} bytes")]
    assert server.recorder.of(Login) == []


def test_a_command_behind_stls_in_a_packet_of_its_own_is_no_command_either(server: RunningServer) -> None:
    with server.raw("pop3") as client:
        assert ask(client, b"STLS").startswith(b"+OK")
        client.send(b"NOOP\r\n")
        assert b"+OK" not in client.rest()
    (handshake,) = server.recorder.wait_for(Handshake)
    assert not handshake.succeeded


def test_a_second_stls_is_refused(server: RunningServer) -> None:
    with raw_pop3s(server) as client:
        assert ask(client, b"STLS").startswith(b"-ERR")


def test_an_old_server_takes_passwords_in_clear_and_has_no_stls(start_server: StartServer) -> None:
    server = start_server(offer_starttls=False)
    with server.raw("pop3") as client:
        assert b"STLS" not in ask_long(client, b"CAPA")
        assert ask(client, b"STLS").startswith(b"-ERR")
        log_in(client)
    assert server.recorder.wait_for(Login)[0].in_clear


@pytest.mark.parametrize(
    "lines",
    [
        [b"AUTH PLAIN " + PLAIN],
        [b"AUTH PLAIN", PLAIN],
        [b"auth login", base64.b64encode(USER.encode()), base64.b64encode(PASSWORD.encode())],
        [b"AUTH LOGIN " + base64.b64encode(USER.encode()), base64.b64encode(PASSWORD.encode())],
    ],
)
def test_a_client_logs_in_by_sasl(server: RunningServer, lines: list[bytes]) -> None:
    with raw_pop3s(server) as client:
        answers = [ask(client, line) for line in lines]
        assert [answer[:1] for answer in answers] == [*[b"+"] * (len(lines) - 1), b"+"]
        assert answers[-1].startswith(b"+OK")
        assert ask(client, b"STAT") == b"+OK 0 0"


@pytest.mark.parametrize("response", [b"*", b"!", base64.b64encode(b"no nul"), b"="])
def test_a_response_that_is_none_of_the_mechanism_logs_nobody_in(server: RunningServer, response: bytes) -> None:
    with raw_pop3s(server) as client:
        assert ask(client, b"AUTH PLAIN").startswith(b"+ ")
        assert ask(client, response).startswith(b"-ERR")
        assert ask(client, b"STAT").startswith(b"-ERR")
    assert server.recorder.of(Login) == []


def test_an_unknown_mechanism_is_refused(server: RunningServer) -> None:
    with raw_pop3s(server) as client:
        assert ask(client, b"AUTH CRAM-MD5X").startswith(b"-ERR")
        assert ask_long(client, b"AUTH") == [b"PLAIN", b"LOGIN"]


@pytest.mark.parametrize(("user", "password"), [(b"edifact", b"wrong"), (b"nobody", b"wrong")])
def test_a_wrong_password_and_a_wrong_user_get_the_same_answer(
    server: RunningServer, user: bytes, password: bytes
) -> None:
    with raw_pop3s(server) as client:
        assert ask(client, b"USER " + user) == b"+OK Now the password"
        assert ask(client, b"PASS " + password) == b"-ERR [AUTH] Wrong user name or password"


def test_a_guesser_has_to_connect_again(server: RunningServer) -> None:
    with raw_pop3s(server) as client:
        client.send(b"USER edifact\r\nPASS a\r\n" * 4)
        rest = client.rest()
    assert rest.count(b"-ERR [AUTH]") == 3
    assert rest.endswith(b"-ERR [SYS/TEMP] Too many refused logins\r\n")


def test_a_password_may_contain_spaces(start_server: StartServer) -> None:
    server = start_server(accounts=(Account(USER, "with  space "),))
    with raw_pop3s(server) as client:
        ask(client, b"USER edifact")
        assert ask(client, b"PASS with  space ").startswith(b"+OK")


def test_a_name_is_good_for_one_password(server: RunningServer) -> None:
    with raw_pop3s(server) as client:
        assert ask(client, b"PASS x") == b"-ERR USER comes first"
        ask(client, b"USER edifact")
        ask(client, b"PASS x")
        assert ask(client, b"PASS x") == b"-ERR USER comes first"


def test_two_sessions_of_one_user_are_not_possible(server: RunningServer) -> None:
    with log_in(raw_pop3s(server)) as first, raw_pop3s(server) as second:
        ask(second, b"USER edifact")
        assert ask(second, b"PASS " + PASSWORD.encode()).startswith(b"-ERR [IN-USE] ")
        ask(second, b"USER " + OTHER_USER.encode())
        assert ask(second, b"PASS " + OTHER_PASSWORD.encode()).startswith(b"+OK")
        assert ask(first, b"QUIT").startswith(b"+OK")
        assert first.rest() == b""
    log_in(raw_pop3s(server)).close()


def test_cram_md5_sends_no_password(start_server: StartServer) -> None:
    server = start_server(auth_mechanisms=("CRAM-MD5",))
    with raw_pop3s(server) as client:
        assert ask(client, b"AUTH CRAM-MD5 aGVsbG8=").startswith(b"-ERR")
        challenge = base64.b64decode(ask(client, b"AUTH CRAM-MD5").removeprefix(b"+ "))
        digest = hmac.new(PASSWORD.encode(), challenge, "md5").hexdigest()
        assert ask(client, base64.b64encode(f"{USER} {digest}".encode())).startswith(b"+OK")
    (login,) = server.recorder.of(Login)
    assert (login.succeeded, login.credentials_sent) == (True, False)


def test_mechanisms_that_are_not_offered_are_none(start_server: StartServer) -> None:
    server = start_server(auth_mechanisms=("CRAM-MD5",))
    with raw_pop3s(server) as client:
        names = ask_long(client, b"CAPA")
        assert b"SASL CRAM-MD5" in names
        assert b"USER" not in names
        assert ask(client, b"USER edifact").startswith(b"-ERR")
        assert ask(client, b"AUTH PLAIN " + PLAIN).startswith(b"-ERR")
    assert server.recorder.of(Login) == []


def test_nobody_acts_as_somebody_else(server: RunningServer) -> None:
    with raw_pop3s(server) as client:
        response = base64.b64encode(f"{OTHER_USER}\0{USER}\0{PASSWORD}".encode())
        assert ask(client, b"AUTH PLAIN " + response).startswith(b"-ERR [AUTH] Nobody acts")
