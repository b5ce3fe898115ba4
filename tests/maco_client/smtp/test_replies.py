from __future__ import annotations

import pytest

from maco_client.smtp.replies import LONGEST_LINE, MOST_LINES, Reply, ReplyReader, extensions
from maco_wire.exceptions import RemoteProtocolError

EHLO = b"250-mail.example at your service\r\n250-SIZE 1000\r\n250-auth login\r\n250-AUTH=PLAIN\r\n250 STARTTLS\r\n"


def test_a_reply_of_several_lines_is_complete_with_its_last() -> None:
    reader = ReplyReader()
    replies = [reader.receive_data(EHLO[at : at + 1]) for at in range(len(EHLO))]
    assert replies[:-1] == [None] * (len(EHLO) - 1)
    last = replies[-1]
    assert last is not None
    assert (last.code, len(last.lines), reader.rest) == (250, 5, b"")


def test_extensions_are_those_behind_the_first_line() -> None:
    reply = ReplyReader().receive_data(EHLO)
    assert reply is not None
    assert extensions(reply) == {"SIZE": ("1000",), "AUTH": ("LOGIN", "PLAIN"), "STARTTLS": ()}
    assert extensions(Reply(250, ("STARTTLS",))) == {}


def test_what_stands_behind_a_reply_is_kept_and_not_read() -> None:
    reader = ReplyReader()
    reply = reader.receive_data(b"220 go ahead\r\n250 injected\r\n")
    assert reply == Reply(220, ("go ahead",))
    assert reader.rest == b"250 injected\r\n"


def test_a_reply_without_text_is_one() -> None:
    assert ReplyReader().receive_data(b"250\r\n") == Reply(250, ("",))
    assert Reply(250, ("",)).text == "250"


@pytest.mark.parametrize(
    "data",
    [
        b"* OK IMAP4rev1\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"150 too low\r\n",
        b"250-one\r\n251 other\r\n",
        b"2" * (LONGEST_LINE + 1),
        b"250-" + b"x" * LONGEST_LINE + b"\r\n",
        b"250-x\r\n" * (MOST_LINES + 1),
    ],
)
def test_what_is_no_reply_is_refused(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        ReplyReader().receive_data(data)


@pytest.mark.parametrize(("code", "succeeded"), [(220, True), (250, True), (334, False), (421, False), (554, False)])
def test_success_begins_with_a_2(code: int, *, succeeded: bool) -> None:
    assert Reply(code, ("",)).has_succeeded is succeeded
