from __future__ import annotations

import asyncio

import pytest

from maco_wire.observation import Problem
from mailserver_sim.imap.pump import MOST_UNREAD
from mailserver_sim.imap.reader import CommandReader
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import TIMEOUT_S, RunningServer


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_a_line_over_the_limit_is_answered_before_the_end(start_server: StartServer, end: bytes) -> None:
    server = start_server(max_line_bytes=8192)
    with server.raw_logged_in() as client:
        client.send(b"a UID FETCH " + b"1," * 8192 + end)
        lines = client.rest().splitlines()
    assert lines[0].startswith(b"a BAD [LIMIT] ")  # RFC 5530, section 3
    assert lines[1].startswith(b"* BYE ")


def test_a_long_uid_set_is_no_problem(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"s SELECT INBOX")
        numbers = b",".join(b"%d" % number for number in range(1, 8000))
        assert len(numbers) > 2 * 16384
        assert client.command(b"a UID FETCH " + numbers + b" FLAGS")[-1].startswith(b"a OK")


def test_a_literal_over_the_limit_is_refused_before_it_is_sent(server: RunningServer) -> None:
    with server.raw() as client:
        assert client.command(b"a LOGIN {65537}")[-1].startswith(b"a BAD [LIMIT] ")
        assert client.command(b"b NOOP")[-1].startswith(b"b OK")


def test_literals_together_are_bounded_too(start_server: StartServer) -> None:
    server = start_server(max_literal_bytes=10)
    with server.raw() as client:
        client.send(b"a LOGIN {6}\r\n")
        assert client.line().startswith(b"+")
        client.send(b"123456 {6}\r\n")
        assert client.line().startswith(b"a BAD ")


def test_a_literal_over_the_limit_that_comes_anyway_ends_the_connection(server: RunningServer) -> None:
    with server.raw() as client:
        client.send(b"a LOGIN {99999+}\r\nb NOOP\r\n")
        rest = client.rest()
    assert rest.startswith(b"* BYE [TOOBIG] ")
    assert b"b OK" not in rest


def test_a_negative_literal_is_a_syntax_error(server: RunningServer) -> None:
    with server.raw() as client:
        assert client.command(b"a LOGIN {-1}")[-1].startswith(b"a BAD ")


@pytest.mark.parametrize(
    "line",
    [b"a", b"a ", b"a FOO", b"a 1", b"a SELECT", b"a LOGIN", b"a UID FOO", b"a UID", b"a FETCH 1 FLAGS", b"a NOOP x"],
)
def test_what_is_no_command_here_is_bad(server: RunningServer, line: bytes) -> None:
    with server.raw() as client:
        assert client.command(line)[-1].startswith(b"a BAD ")


@pytest.mark.parametrize("line", [b"", b"* NOOP", b"+ NOOP", b"\x00\xff"])
def test_a_line_without_tag_is_answered_untagged(server: RunningServer, line: bytes) -> None:
    with server.raw() as client:
        client.send(line + b"\r\n")
        assert client.line().startswith(b"* BAD ")


def test_pipelined_commands_are_answered_in_their_order(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.send(b"".join(b"t%d NOOP\r\n" % number for number in range(2000)))
        tags = [client.answer(b"t%d" % number)[-1].split()[0] for number in range(2000)]
    assert tags == [b"t%d" % number for number in range(2000)]


@pytest.fixture
def most_buffered(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with every new maximum of bytes waiting in a reader."""
    maxima = [0]
    receive_data = CommandReader.receive_data

    def receive(reader: CommandReader, data: bytes) -> None:
        receive_data(reader, data)
        if reader.buffered > maxima[-1]:
            maxima.append(reader.buffered)

    monkeypatch.setattr(CommandReader, "receive_data", receive)
    return maxima


@pytest.mark.parametrize("protocol", ["imap", "imaps"])
@pytest.mark.slow
async def test_a_flood_behind_a_running_command_is_held_back_and_answered(
    start_server: StartServer, protocol: str, most_buffered: list[int]
) -> None:
    server = start_server(offer_starttls=False)
    context = server.client_context() if protocol == "imaps" else None
    host, port = server.address(protocol)
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    writer.write(b'l LOGIN edifact "se\\"cr\\\\et"\r\ns SELECT INBOX\r\n')
    writer.write((b"f UID SEARCH UID 1" + b",1" * 8000 + b"\r\n") * 60 + b"z LOGOUT\r\n")
    async with asyncio.timeout(TIMEOUT_S):
        answers = await reader.read()
    writer.close()
    assert answers.count(b"f OK ") == 60
    # One more read of Twisted's 64 KiB may come on top of the limit.
    assert MOST_UNREAD < most_buffered[-1] <= MOST_UNREAD + 2 * 65536
    assert answers.splitlines()[-1].startswith(b"z OK ")


def test_a_short_literal_comes_without_being_asked_for(server: RunningServer) -> None:
    with server.raw_logged_in() as client:  # RFC 7888, section 5: "4096 bytes or less"
        assert client.command(b"a APPEND INBOX {4096+}\r\n" + b"x" * 4096)[-1].startswith(b"a OK ")


def test_a_long_literal_that_comes_unasked_ends_the_connection_of_literal_minus(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.send(b"a APPEND INBOX {4097+}\r\n" + b"x" * 4097 + b"\r\nb NOOP\r\n")
        rest = client.rest()
    assert rest.startswith(b"* BYE [TOOBIG] ")
    assert b"b OK" not in rest


def test_a_command_in_the_wrong_state_is_the_clients_bug(server: RunningServer) -> None:
    with server.raw() as client:
        assert client.command(b"a FETCH 1 FLAGS")[-1].startswith(b"a BAD [CLIENTBUG] ")  # RFC 5530, section 3


def test_a_store_that_fails_is_unavailable_and_reported(start_server: StartServer) -> None:
    server = start_server()
    with server.raw_logged_in() as client:
        server.server.store.close()
        assert client.command(b"a STATUS INBOX (MESSAGES)")[-1].startswith(b"a NO [UNAVAILABLE] ")
    (problem,) = server.recorder.of(Problem)
    assert "closed" in problem.text
