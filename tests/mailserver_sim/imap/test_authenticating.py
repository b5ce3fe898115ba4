from __future__ import annotations

import base64
import hmac
import imaplib
import json
import socket
import ssl

import pytest

from maco_wire.observation import Handshake, Login, Starttls, TlsSession
from mailserver_sim.reports import LONGEST_TEXT
from mailserver_sim.settings import AUTH_MECHANISMS, Account
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import HOST_NAME, PASSWORD, TIMEOUT_S, USER, RawClient, RunningServer

PLAIN = base64.b64encode(b"\0" + USER.encode() + b"\0" + PASSWORD.encode())


def over_starttls(server: RunningServer, client: RawClient) -> RawClient:
    assert client.command(b"s STARTTLS")[-1].startswith(b"s OK")
    return RawClient(server.client_context().wrap_socket(client.connection, server_hostname=HOST_NAME))


def capabilities(client: RawClient) -> set[bytes]:
    return set(client.command(b"c CAPABILITY")[0].split())


def test_before_tls_login_is_disabled_and_no_auth_is_announced(server: RunningServer) -> None:
    with server.raw() as client:
        found = capabilities(client)
    assert {b"STARTTLS", b"LOGINDISABLED"} <= found
    assert not [name for name in found if name.startswith(b"AUTH=")]


def test_after_tls_auth_is_announced_and_starttls_no_longer(server: RunningServer) -> None:
    with server.raw() as client, over_starttls(server, client) as secure:
        found = capabilities(secure)
    assert {b"AUTH=PLAIN", b"AUTH=LOGIN"} <= found
    assert not {b"STARTTLS", b"LOGINDISABLED"} & found


def test_the_greeting_announces_the_same_as_capability(server: RunningServer) -> None:
    with RawClient(socket.create_connection(server.address("imap"), TIMEOUT_S)) as client:
        greeting = client.line()
        assert greeting.startswith(b"* OK [CAPABILITY IMAP4rev1 ")
        announced = greeting.split(b"[CAPABILITY ")[1].split(b"]")[0]
        assert capabilities(client) == {b"*", b"CAPABILITY", *announced.split()}


@pytest.mark.parametrize("password", [b'"se\\"cr\\\\et"', b"wrong"])
def test_login_in_clear_is_refused_without_looking_at_the_password(server: RunningServer, password: bytes) -> None:
    with server.raw() as client:
        # RFC 5530, section 3: PRIVACYREQUIRED
        assert client.command(b"a LOGIN edifact " + password)[-1].startswith(b"a NO [PRIVACYREQUIRED] ")
    (login,) = server.recorder.wait_for(Login)
    assert (login.user, login.succeeded, login.in_clear, login.credentials_sent) == (USER, False, True, True)


@pytest.mark.parametrize(("initial", "sent"), [(b"", False), (b" " + PLAIN, True)])
def test_authenticate_in_clear_is_refused_before_any_challenge(
    server: RunningServer, initial: bytes, *, sent: bool
) -> None:
    with server.raw() as client:
        assert client.command(b"a AUTHENTICATE PLAIN" + initial)[0].startswith(b"a NO [PRIVACYREQUIRED] ")
    (login,) = server.recorder.wait_for(Login)
    assert (login.succeeded, login.credentials_sent) == (False, sent)


@pytest.mark.parametrize("injected", [b"b NOOP\r\n", b"b LOGIN edifact x\r\n", b"x"])
def test_plaintext_behind_starttls_is_dropped_and_reported(server: RunningServer, injected: bytes) -> None:
    with server.raw() as client:
        client.send(b"a STARTTLS\r\n" + injected)
        rest = client.rest()
    assert rest.startswith(b"* BYE ")
    assert b"\r\nb " not in rest
    assert b"a OK" not in rest
    steps = [(each.step, each.detail) for each in server.recorder.wait_for(Starttls, 2)]
    assert steps == [("asked", ""), ("injected", f"{len(injected)} bytes")]
    assert server.recorder.of(Login) == []


def test_the_steps_of_starttls_are_reported_with_the_handshake(server: RunningServer) -> None:
    with server.raw() as client, over_starttls(server, client) as secure:
        secure.command(b"a NOOP")
        (handshake,) = server.recorder.wait_for(Handshake)
    assert [each.step for each in server.recorder.of(Starttls)] == ["asked", "accepted"]
    assert handshake.session is TlsSession.IMAP_STARTTLS
    assert (handshake.succeeded, handshake.role, handshake.server_name) == (True, "server", HOST_NAME)


def test_a_second_starttls_is_refused(server: RunningServer) -> None:
    with server.raw() as client, over_starttls(server, client) as secure:
        assert secure.command(b"a STARTTLS")[-1].startswith(b"a BAD [CLIENTBUG] ")


def test_a_command_behind_starttls_in_a_packet_of_its_own_is_no_command_either(server: RunningServer) -> None:
    with server.raw() as client:
        assert client.command(b"a STARTTLS")[-1].startswith(b"a OK")
        client.send(b"b NOOP\r\n")
        assert b"b OK" not in client.rest()
    (handshake,) = server.recorder.wait_for(Handshake)
    assert not handshake.succeeded


def test_an_old_server_takes_passwords_in_clear_and_has_no_starttls(start_server: StartServer) -> None:
    server = start_server(offer_starttls=False)
    with server.raw() as client:
        assert not {b"STARTTLS", b"LOGINDISABLED"} & capabilities(client)
        assert client.command(b"s STARTTLS")[-1].startswith(b"s BAD ")
        assert client.command(b'a LOGIN edifact "se\\"cr\\\\et"')[-1].startswith(b"a OK ")
    (login,) = server.recorder.wait_for(Login)
    assert (login.succeeded, login.in_clear) == (True, True)


def test_a_wrong_password_is_told_by_its_response_code(server: RunningServer) -> None:
    client = server.imap(login=False)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login(USER, "wrong")
    client.logout()
    (login,) = server.recorder.wait_for(Login)
    assert (login.succeeded, login.in_clear, login.credentials_sent) == (False, False, True)


def test_quotes_and_backslashes_in_a_password_are_understood(server: RunningServer) -> None:
    client = server.imap()  # imaplib sends it as a quoted string with escapes
    assert client.state == "AUTH"
    client.logout()


def login_by(server: RunningServer, *lines: bytes) -> bytes:
    """Send lines, each after the answer to the one before, and return the last answer."""
    plain = socket.create_connection(server.address("imaps"), TIMEOUT_S)
    with RawClient(server.client_context().wrap_socket(plain, server_hostname=HOST_NAME)) as client:
        answer = client.line()
        for line in lines:
            client.send(line + b"\r\n")
            answer = client.line()
        return answer


@pytest.mark.parametrize(
    "lines",
    [
        (b"a LOGIN {7}", b"edifact {8}", PASSWORD.encode()),
        (b"a LOGIN {7+}\r\nedifact {8+}\r\n" + PASSWORD.encode(),),
        (b"a AUTHENTICATE PLAIN", PLAIN),
        (b"a AUTHENTICATE PLAIN " + PLAIN,),
        (b"a authenticate login", base64.b64encode(USER.encode()), base64.b64encode(PASSWORD.encode())),
    ],
    ids=["literals", "non-synchronizing literals", "PLAIN", "PLAIN with initial response", "LOGIN"],
)
def test_every_way_to_log_in_works_under_tls(server: RunningServer, lines: tuple[bytes, ...]) -> None:
    assert login_by(server, *lines).startswith(b"a OK [CAPABILITY ")


@pytest.mark.parametrize(
    "lines",
    [
        (b"a AUTHENTICATE PLAIN", b"*"),
        (b"a AUTHENTICATE PLAIN", b"not base64!"),
        (b"a AUTHENTICATE PLAIN", base64.b64encode(b"no nul")),
        (b"a AUTHENTICATE PLAIN =",),
        (b"a AUTHENTICATE LOGIN", b"*"),
        (b"a LOGIN edifact",),
        (b"a LOGIN edifact x y",),
    ],
)
def test_what_is_no_login_is_bad(server: RunningServer, lines: tuple[bytes, ...]) -> None:
    assert login_by(server, *lines).startswith(b"a BAD ")


def test_a_client_that_refuses_our_certificate_is_a_failed_handshake(server: RunningServer) -> None:
    with server.raw() as client:
        client.command(b"s STARTTLS")
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(client.connection, server_hostname=HOST_NAME)
    (handshake,) = server.recorder.wait_for(Handshake)
    assert (handshake.succeeded, handshake.alert_received) == (False, "unknown_ca")
    assert handshake.peer == client_address(server)


def client_address(server: RunningServer) -> tuple[str, int]:
    peer = server.recorder.of(Starttls)[0].peer
    assert peer is not None
    return peer


def test_the_third_refused_login_ends_the_connection_behind_its_answer(server: RunningServer) -> None:
    wrong = base64.b64encode(b"\0edifact\0wrong")
    plain = socket.create_connection(server.address("imaps"), TIMEOUT_S)
    with RawClient(server.client_context().wrap_socket(plain, server_hostname=HOST_NAME)) as client:
        client.line()
        assert client.command(b"a LOGIN edifact wrong")[-1].startswith(b"a NO ")
        assert client.command(b"b AUTHENTICATE PLAIN " + wrong)[-1].startswith(b"b NO ")
        client.send(b'c LOGIN edifact wrong\r\nd LOGIN edifact "se\\"cr\\\\et"\r\n')
        lines = client.rest().splitlines()
    assert lines[0].startswith(b"c NO [AUTHENTICATIONFAILED] ")
    assert lines[1].startswith(b"* BYE ")
    assert len(lines) == 2
    assert [each.succeeded for each in server.recorder.of(Login)] == [False] * 3


def test_refusals_of_logins_in_clear_count_too(server: RunningServer) -> None:
    with server.raw() as client:
        client.send(b"a LOGIN edifact x\r\n" * 5)
        lines = client.rest().splitlines()
    assert [line.split()[1] for line in lines] == [b"NO", b"NO", b"NO", b"BYE"]
    assert len(server.recorder.of(Login)) == 3


def test_a_long_user_name_is_reported_shortened(server: RunningServer) -> None:
    with server.raw() as client:
        client.command(b"a LOGIN " + b"u" * 5000 + b" x")
    (login,) = server.recorder.wait_for(Login)
    assert login.user == "u" * (LONGEST_TEXT - 1) + "…"


TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="  # RFC 7628, section 4.1
WITH_TOKEN = (Account(USER, PASSWORD, tokens=(TOKEN,)),)


def greeted(server: RunningServer) -> RawClient:
    """Return a client under TLS that is not logged in."""
    plain = socket.create_connection(server.address("imaps"), TIMEOUT_S)
    client = RawClient(server.client_context().wrap_socket(plain, server_hostname=HOST_NAME))
    client.line()
    return client


def oauth(name: str, token: str) -> bytes:
    first = f"user={USER}" if name == "XOAUTH2" else f"n,a={USER},\1host={HOST_NAME}\1port=993"
    return base64.b64encode(f"{first}\1auth=Bearer {token}\1\1".encode())


def test_cram_md5_logs_in_and_reports_that_no_password_was_sent(start_server: StartServer) -> None:
    server = start_server(auth_mechanisms=AUTH_MECHANISMS)
    with greeted(server) as client:
        client.send(b"a AUTHENTICATE CRAM-MD5\r\n")
        challenge = base64.b64decode(client.line().removeprefix(b"+ "))
        digest = hmac.new(PASSWORD.encode(), challenge, "md5").hexdigest()
        client.send(base64.b64encode(f"{USER} {digest}".encode()) + b"\r\n")
        assert client.answer(b"a")[-1].startswith(b"a OK ")
    (login,) = server.recorder.of(Login)
    assert (login.user, login.succeeded, login.credentials_sent) == (USER, True, False)


def test_cram_md5_takes_no_initial_response(start_server: StartServer) -> None:
    server = start_server(auth_mechanisms=AUTH_MECHANISMS)
    with greeted(server) as client:  # RFC 4959, section 3
        response = base64.b64encode(f"{USER} {'0' * 32}".encode())
        assert client.command(b"a AUTHENTICATE CRAM-MD5 " + response)[-1].startswith(b"a BAD ")


@pytest.mark.parametrize("name", ["XOAUTH2", "OAUTHBEARER"])
def test_a_token_logs_in_with_and_without_initial_response(start_server: StartServer, name: str) -> None:
    server = start_server(accounts=WITH_TOKEN)
    response = oauth(name, TOKEN)
    with greeted(server) as client:
        assert client.command(f"a AUTHENTICATE {name} ".encode() + response)[-1].startswith(b"a OK ")
    with greeted(server) as client:
        client.send(f"a AUTHENTICATE {name}\r\n".encode())
        assert client.line() == b"+ "
        client.send(response + b"\r\n")
        assert client.answer(b"a")[-1].startswith(b"a OK ")


@pytest.mark.parametrize("name", ["XOAUTH2", "OAUTHBEARER"])
def test_a_wrong_token_is_told_as_json_and_then_refused(start_server: StartServer, name: str) -> None:
    server = start_server(accounts=WITH_TOKEN)
    with greeted(server) as client:
        client.send(f"a AUTHENTICATE {name} ".encode() + oauth(name, "wrong") + b"\r\n")
        assert "status" in json.loads(base64.b64decode(client.line().removeprefix(b"+ ")))
        client.send(b"AQ==\r\n")
        assert client.answer(b"a") == [b"a NO [AUTHENTICATIONFAILED] Wrong user name or password"]


def test_without_tokens_no_mechanism_by_token_is_announced_or_taken(server: RunningServer) -> None:
    with greeted(server) as client:
        announced = {each for each in capabilities(client) if each.startswith(b"AUTH=")}
        assert announced == {b"AUTH=PLAIN", b"AUTH=LOGIN"}
        assert client.command(b"a AUTHENTICATE XOAUTH2 AQ==")[-1].startswith(b"a NO [CANNOT] ")


def test_only_the_mechanisms_of_the_settings_are_announced_and_taken(start_server: StartServer) -> None:
    server = start_server(auth_mechanisms=("CRAM-MD5",))
    with greeted(server) as client:
        found = capabilities(client)
        assert [each for each in found if each.startswith(b"AUTH=")] == [b"AUTH=CRAM-MD5"]
        assert b"LOGINDISABLED" in found
        assert client.command(b"a AUTHENTICATE PLAIN " + PLAIN)[-1].startswith(b"a NO [CANNOT] ")
        assert client.command(b'b LOGIN edifact "se\\"cr\\\\et"')[-1].startswith(b"b NO [CANNOT] ")


def test_to_act_as_somebody_else_is_not_authorized(server: RunningServer) -> None:
    response = base64.b64encode(b"lieferant" + b"\0" + USER.encode() + b"\0" + PASSWORD.encode())
    with greeted(server) as client:  # RFC 5530, section 3
        assert client.command(b"a AUTHENTICATE PLAIN " + response)[-1].startswith(b"a NO [AUTHORIZATIONFAILED] ")
        assert client.command(b"b SELECT INBOX")[-1].startswith(b"b BAD ")


@pytest.mark.parametrize("name", [b"PLAIN", b"LOGIN", b"CRAM-MD5"])
def test_an_exchange_that_is_given_up_is_bad(start_server: StartServer, name: bytes) -> None:
    server = start_server(auth_mechanisms=AUTH_MECHANISMS)
    with greeted(server) as client:
        client.send(b"a AUTHENTICATE " + name + b"\r\n")
        client.line()
        client.send(b"*\r\n")
        # RFC 3501, section 6.2.2: "it MUST reject the AUTHENTICATE command by sending a tagged BAD response".
        assert client.answer(b"a")[-1].startswith(b"a BAD ")
