"""AUTHENTICATE from the client's side: RFC 3501, section 6.2.2, and SASL-IR, RFC 4959."""

from __future__ import annotations

import base64

import pytest

from maco_client.imap import Condition, ImapClient, StatusResponse
from maco_client.sasl.exchanges import Exchange, cram_md5, login, plain, xoauth2
from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError


def begun(exchange: Exchange, *, initial_response: bool = False) -> ImapClient:
    client = ImapClient()
    client.receive_data(b"* OK ready\r\n")
    assert client.send_authenticate(exchange, initial_response=initial_response) == "A001"
    return client


def challenge(client: ImapClient, text: bytes = b"") -> bytes:
    """Feed a challenge byte by byte; return what the client answers."""
    for byte in b"+ " + base64.b64encode(text) + b"\r\n":
        client.receive_data(bytes([byte]))
    return client.data_to_send()


def test_a_mechanism_that_begins_waits_to_be_asked() -> None:
    client = begun(plain("tim", "secret"))
    assert client.data_to_send() == b"A001 AUTHENTICATE PLAIN\r\n"
    assert challenge(client) == base64.b64encode(b"\0tim\0secret") + b"\r\n"
    (event,) = client.receive_data(b"A001 OK welcome\r\n")
    assert event == StatusResponse("A001", Condition.OK, "welcome")


def test_with_sasl_ir_it_says_it_on_the_commands_own_line() -> None:
    client = begun(plain("tim", "secret"), initial_response=True)
    assert client.data_to_send() == b"A001 AUTHENTICATE PLAIN " + base64.b64encode(b"\0tim\0secret") + b"\r\n"
    assert client.receive_data(b"A001 OK welcome\r\n")


def test_sasl_ir_is_nothing_for_a_mechanism_in_which_the_server_begins() -> None:
    client = begun(cram_md5("tim", "tanstaaftanstaaf"), initial_response=True)
    assert client.data_to_send() == b"A001 AUTHENTICATE CRAM-MD5\r\n"
    answer = challenge(client, b"<1896.697170952@postoffice.reston.mci.net>")
    assert base64.b64decode(answer) == b"tim b913a602c7eda7a495b4e6e7334d3890"  # RFC 2195, section 2


def test_login_answers_two_challenges() -> None:
    client = begun(login("tim", "secret"))
    client.data_to_send()
    assert [base64.b64decode(challenge(client, each)) for each in (b"Username:", b"Password:")] == [b"tim", b"secret"]
    assert client.receive_data(b"A001 OK welcome\r\n")


def test_a_challenge_that_tells_of_a_failure_is_answered_by_nothing() -> None:
    client = begun(xoauth2("tim", "token"), initial_response=True)
    client.data_to_send()
    assert challenge(client, b'{"status":"401"}') == b"\r\n"
    (event,) = client.receive_data(b"A001 NO failed\r\n")
    assert event == StatusResponse("A001", Condition.NO, "failed")


@pytest.mark.parametrize("line", [b"+ \r\n", b"+ bm8=\r\n"])
def test_a_challenge_too_many_is_not_answered(line: bytes) -> None:
    client = begun(plain("tim", "secret"), initial_response=True)
    client.data_to_send()
    with pytest.raises(RemoteProtocolError, match="no further challenge"):
        client.receive_data(line)
    assert client.data_to_send() == b""


def test_a_challenge_that_is_no_base64_is_not_answered() -> None:
    client = begun(cram_md5("tim", "secret"))
    client.data_to_send()
    with pytest.raises(RemoteProtocolError, match="Base64"):
        client.receive_data(b"+ what do you want?\r\n")


def test_ok_before_all_was_said_is_no_login() -> None:
    client = begun(cram_md5("tim", "secret"))
    with pytest.raises(RemoteProtocolError):
        client.receive_data(b"A001 OK welcome\r\n")


def test_after_a_refusal_another_exchange_may_begin() -> None:
    client = begun(plain("tim", "wrong"), initial_response=True)
    client.receive_data(b"A001 NO no\r\n")
    client.data_to_send()
    assert client.send_authenticate(plain("tim", "secret"), initial_response=False) == "A002"
    with pytest.raises(LocalProtocolError):
        client.send_authenticate(plain("tim", "secret"), initial_response=False)


def test_a_secret_never_shows() -> None:
    assert "sesame" not in repr(plain("tim", "sesame"))
