from __future__ import annotations

import pytest

from mailserver_sim.imap.reader import (
    CommandReader,
    CommandReceived,
    Event,
    LineReceived,
    LineTooLong,
    Literal,
    LiteralAnnounced,
)

LOGIN = b"a LOGIN {3}\r\nfoo {3+}\r\nbar\r\n"


def read_all(reader: CommandReader, pieces: list[bytes]) -> list[Event]:
    """Feed pieces and accept every literal."""
    events: list[Event] = []
    for piece in pieces:
        reader.receive_data(piece)
        while (event := reader.next_event()) is not None:
            events.append(event)
            if isinstance(event, LiteralAnnounced):
                reader.accept_literal()
    return events


@pytest.mark.parametrize("one_by_one", [False, True])
@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"a NOOP\r\n", (b"a NOOP",)),
        (b"a NOOP\n", (b"a NOOP",)),
        (LOGIN, (b"a LOGIN ", Literal(b"foo"), b" ", Literal(b"bar"), b"")),
        (b"a LOGIN {0}\r\n x\r\n", (b"a LOGIN ", Literal(b""), b" x")),
        (b"a LOGIN {2}\r\n\r\n x\r\n", (b"a LOGIN ", Literal(b"\r\n"), b" x")),
        (b'a LOGIN "{3}" x\r\n', (b'a LOGIN "{3}" x',)),
        # RFC 7888 has no negative numbers: this is text, and no literal follows.
        (b"a LOGIN {-1}\r\n", (b"a LOGIN {-1}",)),
    ],
)
def test_a_command_is_read_whole_and_byte_by_byte(
    data: bytes, parts: tuple[bytes | Literal, ...], *, one_by_one: bool
) -> None:
    pieces = [bytes([byte]) for byte in data] if one_by_one else [data]
    assert read_all(CommandReader(1000), pieces)[-1] == CommandReceived(parts)


def test_what_follows_a_command_stays_unread_until_it_is_asked_for() -> None:
    reader = CommandReader(1000)
    reader.receive_data(b"a STARTTLS\r\nb NOOP\r\n")
    assert reader.next_event() == CommandReceived((b"a STARTTLS",))
    assert reader.trailing_data == b"b NOOP\r\n"


def test_a_refused_literal_drops_its_command() -> None:
    reader = CommandReader(1000)
    reader.receive_data(b"a LOGIN {3}\r\n")
    assert isinstance(reader.next_event(), LiteralAnnounced)
    reader.refuse_literal()
    reader.receive_data(b"b NOOP\r\n")
    assert reader.next_event() == CommandReceived((b"b NOOP",))


def test_the_literals_of_a_command_are_counted_together() -> None:
    reader = CommandReader(1000)
    announced = [event for event in read_all(reader, [LOGIN]) if isinstance(event, LiteralAnnounced)]
    assert [(event.size, event.total, event.client_waits) for event in announced] == [(3, 3, True), (3, 6, False)]


def test_an_expected_line_is_no_command() -> None:
    reader = CommandReader(1000)
    reader.expect_line()
    reader.receive_data(b"DONE {3}\r\nb NOOP\r\n")
    assert reader.next_event() == LineReceived(b"DONE {3}")
    assert reader.next_event() == CommandReceived((b"b NOOP",))


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_a_line_over_the_limit_is_reported_with_its_start(end: bytes) -> None:
    reader = CommandReader(10)
    reader.receive_data(b"a " + b"x" * 20 + end)
    event = reader.next_event()
    assert isinstance(event, LineTooLong)
    assert event.start.startswith(b"a ")


def test_the_limit_counts_the_text_around_literals() -> None:
    events = read_all(CommandReader(30), [b"a LOGIN {1}\r\nx" + b" {1}\r\nx" * 30])
    assert isinstance(events[-1], LineTooLong)


def test_no_part_of_a_command_is_in_a_repr() -> None:
    event = read_all(CommandReader(1000), [b"a LOGIN u {6}\r\nsecret\r\n"])[-1]
    assert "secret" not in repr(event)
