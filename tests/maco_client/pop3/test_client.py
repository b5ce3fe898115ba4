"""The pure client: replies, listings, messages, logins, and what a server must not say."""

from __future__ import annotations

import base64

import pytest

from maco_client.pop3.client import LONGEST_LINE, Follows, Pop3Client, State
from maco_client.pop3.values import BodyChunk, Challenge, Ended, Event, Line, Reply
from maco_client.sasl.digest_md5 import digest_md5
from maco_client.sasl.exchanges import ServerUnproven, cram_md5, plain
from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError


def greeted() -> Pop3Client:
    client = Pop3Client()
    client.receive_data(b"+OK ready\r\n")
    return client


def asked(name: str, *arguments: str, follows: Follows = Follows.NOTHING) -> Pop3Client:
    client = greeted()
    client.send_command(name, *arguments, follows=follows)
    client.data_to_send()
    return client


def fed(client: Pop3Client, data: bytes, size: int) -> list[Event]:
    """Return the events of ``data`` in pieces, with a message's pieces joined."""
    events: list[Event] = []
    for at in range(0, len(data), size):
        for event in client.receive_data(data[at : at + size]):
            if isinstance(event, BodyChunk) and events and isinstance(events[-1], BodyChunk):
                events[-1] = BodyChunk(events[-1].data + event.data)
            else:
                events.append(event)
    return events


@pytest.mark.parametrize(
    ("follows", "answer", "expected"),
    [
        (Follows.NOTHING, b"+OK\r\n", [Reply(True, "")]),
        (Follows.NOTHING, b"-ERR [IN-USE] not now\r\n", [Reply(False, "[IN-USE] not now")]),
        (Follows.LISTING, b"+OK 2 messages\r\n1 a\r\n..2 b\r\n.\r\n",
         [Reply(True, "2 messages"), Line("1 a"), Line(".2 b"), Ended()]),
        (Follows.LISTING, b"+OK\r\n.\r\n", [Reply(True, ""), Ended()]),
        (Follows.LISTING, b"-ERR no\r\n", [Reply(False, "no")]),
        (Follows.MESSAGE, b"+OK 9 octets\r\na\r\n..\r\n.\r\n",
         [Reply(True, "9 octets"), BodyChunk(b"a\r\n.\r\n"), Ended()]),
        (Follows.MESSAGE, b"+OK\r\n.\r\n", [Reply(True, ""), Ended()]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_an_answer_is_read_however_it_is_cut(follows: Follows, answer: bytes, expected: list[Event], size: int) -> None:
    client = asked("ASK", follows=follows)

    assert fed(client, answer, size) == expected
    assert client.state is State.IDLE


def test_a_command_goes_out_as_a_line() -> None:
    client = greeted()
    client.send_command("PASS", "two words")

    assert client.data_to_send() == b"PASS two words\r\n"


@pytest.mark.parametrize("text", ["a\r\nDELE 1", "a\n", "a\0"])
def test_an_argument_never_becomes_a_command(text: str) -> None:
    with pytest.raises(LocalProtocolError):
        greeted().send_command("PASS", text)


def test_plain_waits_to_be_asked() -> None:
    client = greeted()
    client.send_auth(plain("maco", "sesame"))
    assert client.data_to_send() == b"AUTH PLAIN\r\n"

    assert client.receive_data(b"+ \r\n") == [Challenge()]
    assert client.data_to_send() == base64.b64encode(b"\0maco\0sesame") + b"\r\n"
    assert client.receive_data(b"+OK in\r\n") == [Reply(True, "in")]


def test_cram_md5_answers_the_challenge() -> None:
    # RFC 2195, section 2: the example.
    client = greeted()
    client.send_auth(cram_md5("tim", "tanstaaftanstaaf"))
    client.data_to_send()
    client.receive_data(b"+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+\r\n")

    assert client.data_to_send() == b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw\r\n"


@pytest.mark.parametrize(
    "said",
    [b"* OK IMAP4rev1\r\n", b"220 mail ESMTP\r\n", b"+ok ready\r\n", b"+OKAY\r\n", b"\r\n", b"x" * LONGEST_LINE],
)
def test_what_is_no_greeting_is_refused(said: bytes) -> None:
    client = Pop3Client()
    with pytest.raises(RemoteProtocolError):
        client.receive_data(said)
    assert client.state is State.BROKEN


@pytest.mark.parametrize(
    "said",
    [
        b"+OK ready\r\n+OK you asked\r\n",
        b"+OK ready\r\nx",
    ],
)
def test_nothing_comes_unasked(said: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        Pop3Client().receive_data(said)


@pytest.mark.parametrize("challenge", [b"+ \r\n+ \r\n", b"+OK in\r\n", b"* \r\n"])
def test_a_login_takes_its_challenges_and_no_more(challenge: bytes) -> None:
    client = greeted()
    client.send_auth(plain("maco", "sesame"))
    with pytest.raises(RemoteProtocolError):
        client.receive_data(challenge)


def test_a_server_that_has_to_prove_itself_is_not_believed_before() -> None:
    client = greeted()
    client.send_auth(digest_md5("maco", "sesame", service="pop", host="mail"))
    with pytest.raises(ServerUnproven):
        client.receive_data(b"+OK in\r\n")
    assert client.state is State.BROKEN


def test_a_challenge_that_is_no_base64_is_refused() -> None:
    client = greeted()
    client.send_auth(cram_md5("maco", "sesame"))
    with pytest.raises(RemoteProtocolError):
        client.receive_data(b"+ <hello>\r\n")


@pytest.mark.parametrize("size", [1, 1000])
def test_plaintext_behind_stls_is_counted_and_never_read(size: int) -> None:
    client = asked("STLS")
    first = b"+OK begin\r\n"
    events = client.receive_data(first + b"+OK in\r\n"[:size])

    assert events == [Reply(True, "begin")]
    assert client.plaintext_behind_stls == min(size, 8)
    with pytest.raises(LocalProtocolError):
        client.tls_established()


def test_behind_stls_the_session_goes_on_without_a_greeting() -> None:
    client = asked("STLS")
    client.receive_data(b"+OK begin\r\n")
    client.tls_established()

    assert client.state is State.IDLE


def test_a_refused_stls_begins_no_tls() -> None:
    client = asked("STLS")
    client.receive_data(b"-ERR no\r\n")

    with pytest.raises(LocalProtocolError):
        client.tls_established()
