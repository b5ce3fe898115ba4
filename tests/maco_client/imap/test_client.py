"""The pure client: order of greeting, commands and answers, literals, and the moment of STARTTLS."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_client.imap import Condition, Greeting, ImapClient, State, StatusResponse
from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError


@pytest.fixture
def client() -> ImapClient:
    machine = ImapClient()
    machine.receive_data(b"* OK ready\r\n")
    return machine


@pytest.mark.parametrize("condition", [Condition.OK, Condition.PREAUTH, Condition.BYE])
def test_a_greeting_is_ok_preauth_or_bye(condition: Condition) -> None:
    # RFC 3501, section 9: greeting = "*" SP (resp-cond-auth / resp-cond-bye) CRLF
    greeting = Greeting(StatusResponse(None, condition, "hello"))
    assert ImapClient().receive_data(f"* {condition} hello\r\n".encode()) == [greeting]


@pytest.mark.parametrize("data", [b"* NO\r\n", b"* BAD x\r\n", b"a1 OK x\r\n", b"+ go\r\n", b"* 1 EXISTS\r\n"])
def test_anything_else_is_no_greeting(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        ImapClient().receive_data(data)


def test_no_command_before_the_greeting() -> None:
    with pytest.raises(LocalProtocolError):
        ImapClient().send_command("CAPABILITY")


def test_one_command_at_a_time(client: ImapClient) -> None:
    client.send_command("CAPABILITY")
    with pytest.raises(LocalProtocolError):
        client.send_command("NOOP")


def test_every_command_has_a_tag_of_its_own(client: ImapClient) -> None:
    first = client.send_command("NOOP")
    client.receive_data(f"{first} OK done\r\n".encode())
    assert client.send_command("NOOP") != first


def test_a_literal_waits_for_the_server(client: ImapClient) -> None:
    tag = client.send_command("LOGIN", "u", 'a"b').encode()
    assert client.data_to_send() == tag + b' LOGIN "u" {3}\r\n'
    assert client.data_to_send() == b""
    client.receive_data(b"+ \r\n")
    assert client.data_to_send() == b'a"b\r\n'


def test_a_refused_literal_is_never_sent(client: ImapClient) -> None:
    tag = client.send_command("LOGIN", "u", 'a"b')
    client.data_to_send()
    client.receive_data(f"{tag} NO no\r\n".encode())
    assert client.state is State.IDLE
    client.send_command("NOOP")
    assert b'a"b' not in client.data_to_send()


@pytest.mark.parametrize(
    "answer", [b"X9 OK x\r\n", b"+ more\r\n", b"* PREAUTH x\r\n", b"A001 BYE x\r\n", b"A001 PREAUTH x\r\n"]
)
def test_an_answer_out_of_turn_is_a_protocol_error(client: ImapClient, answer: bytes) -> None:
    client.send_command("NOOP")
    with pytest.raises(RemoteProtocolError):
        client.receive_data(answer)


def test_ok_in_the_middle_of_a_command_is_a_protocol_error(client: ImapClient) -> None:
    tag = client.send_command("LOGIN", "u", 'a"b')
    with pytest.raises(RemoteProtocolError):
        client.receive_data(f"{tag} OK already\r\n".encode())


def test_a_tagged_response_without_a_command_is_a_protocol_error(client: ImapClient) -> None:
    with pytest.raises(RemoteProtocolError):
        client.receive_data(b"A001 OK x\r\n")


def test_nothing_is_read_behind_a_protocol_error(client: ImapClient) -> None:
    with pytest.raises(RemoteProtocolError):
        client.receive_data(b"nonsense\r\n")
    with pytest.raises(LocalProtocolError):
        client.receive_data(b"* OK x\r\n")


def test_plaintext_behind_starttls_is_counted_and_never_read(client: ImapClient) -> None:
    tag = client.send_command("STARTTLS")
    injected = b"* CAPABILITY IMAP4rev1\r\nA002 OK x\r\n"
    events = client.receive_data(f"{tag} OK go\r\n".encode() + injected)
    assert events == [StatusResponse(tag, Condition.OK, "go")]
    assert client.plaintext_behind_starttls == len(injected)
    with pytest.raises(LocalProtocolError):
        client.tls_established()


@pytest.mark.parametrize("behind", [b"\r\n", b"x"])
def test_a_single_byte_behind_starttls_is_noticed(client: ImapClient, behind: bytes) -> None:
    tag = client.send_command("STARTTLS")
    client.receive_data(f"{tag} OK go\r\n".encode() + behind)
    assert client.plaintext_behind_starttls == len(behind)


def test_no_imap_is_read_between_starttls_and_tls(client: ImapClient) -> None:
    tag = client.send_command("STARTTLS")
    client.receive_data(f"{tag} OK go\r\n".encode())
    with pytest.raises(LocalProtocolError):
        client.receive_data(b"* OK x\r\n")


def test_commands_go_on_inside_tls(client: ImapClient) -> None:
    tag = client.send_command("STARTTLS")
    client.receive_data(f"{tag} OK go\r\n".encode())
    client.tls_established()
    assert client.send_command("CAPABILITY") != tag


def test_a_refused_starttls_leaves_the_connection_as_it_was(client: ImapClient) -> None:
    tag = client.send_command("STARTTLS")
    client.receive_data(f"{tag} NO not now\r\n".encode())
    assert client.state is State.IDLE
    with pytest.raises(LocalProtocolError):
        client.tls_established()


@given(st.lists(st.sampled_from([b"A001 OK\r\n", b"+ \r\n", b"* 1 EXISTS\r\n", b"* BYE\r\n"]) | st.binary(max_size=9)))
def test_random_bytes_raise_nothing_but_a_protocol_error(pieces: list[bytes]) -> None:
    machine = ImapClient()
    machine.receive_data(b"* OK ready\r\n")
    machine.send_command("LOGIN", "u", 'a"b')
    try:
        for piece in pieces:
            machine.receive_data(piece)
    except RemoteProtocolError:
        pass
