"""The session's own promises: deadlines, bounds, and what it does with the connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from maco_client import answer as answer_module
from maco_client import patience as patience_module
from maco_client import session as session_module
from maco_client.answer import MAX_ANSWER_BYTES
from maco_client.failures import CommandRefused, ConnectionDropped
from maco_client.key_store import KeyStore
from maco_client.session import SEARCH_WINDOW, ImapSession
from maco_net.errors import DeadlineExceeded, HandshakeError
from maco_net.streams import CHUNK_BYTES
from maco_net.tcp import TcpStream, connect_tcp
from maco_wire.exceptions import RemoteProtocolError
from tests.maco_client.bench import HOST
from tests.maco_client.scripted_server import (
    Drip,
    Expect,
    Hang,
    ScriptedServer,
    Send,
    Step,
    answered,
    greeting,
    running,
    starttls,
)


class Listening:
    """Notes what passes above TLS."""

    def __init__(self) -> None:
        self.to_server = b""
        self.to_maco = b""

    def sent(self, data: bytes) -> None:
        self.to_server += data

    def received(self, data: bytes) -> None:
        self.to_maco += data


class Sink:
    """Counts what is written."""

    def __init__(self) -> None:
        self.size = 0
        self.largest_piece = 0

    async def write(self, data: bytes) -> None:
        self.size += len(data)
        self.largest_piece = max(self.largest_piece, len(data))


@asynccontextmanager
async def session_with(
    *steps: Step, timeout_s: float = 5, early: bytes = b"", tap: Listening | None = None
) -> AsyncIterator[ImapSession]:
    server = ScriptedServer([steps])
    async with running(server):
        stream = await connect_tcp(*server.address, timeout_s=5)
        session = ImapSession(stream, timeout_s=timeout_s, tap=tap or Listening(), early=early)
        try:
            yield session
        finally:
            await session.aclose()


async def test_a_server_that_talks_without_answering_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_module, "MAX_RESPONSES", 10)
    async with session_with(*greeting(), Expect(rb"CAPABILITY"), Send(b"* 1 EXISTS\r\n" * 20), Hang()) as session:
        await session.read_greeting()
        with pytest.raises(RemoteProtocolError, match="at most 10 responses"):
            await session.capability()


async def test_every_read_has_the_servers_timeout() -> None:
    async with session_with(*greeting(), Hang(), timeout_s=0.1) as session:
        await session.read_greeting()
        with pytest.raises(DeadlineExceeded):
            await session.capability()


async def test_a_greeting_that_comes_byte_by_byte_has_the_servers_timeout_as_a_whole() -> None:
    async with session_with(Drip(b"* OK " + b"x" * 35 + b"\r\n", 0.02), Hang(), timeout_s=0.2) as session:
        with pytest.raises(DeadlineExceeded):
            await session.read_greeting()


async def test_an_answer_that_comes_byte_by_byte_has_the_servers_timeout_as_a_whole() -> None:
    slow = Drip(b"* CAPABILITY IMAP4rev1" + b" X" * 10 + b"\r\n", 0.02)
    script: list[Step] = [*greeting(), Expect(rb"CAPABILITY"), slow, Send(b"TAG OK done\r\n"), Hang()]
    async with session_with(*script, timeout_s=0.2) as session:
        await session.read_greeting()
        with pytest.raises(DeadlineExceeded):
            await session.capability()


async def test_every_command_has_all_the_time_of_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    # Six answers of 0.2 s each: more than the one second that each of them may take.
    monkeypatch.setattr(patience_module, "ANSWER_TIMEOUTS", 1)
    script: list[Step] = [*greeting()]
    for _ in range(6):
        script += [Expect(rb"CLOSE"), Drip(b"* OK still\r\n", 0.016), Send(b"TAG OK done\r\n")]
    async with session_with(*script, Hang(), timeout_s=1) as session:
        await session.read_greeting()
        for _ in range(6):
            await session.close_folder()


async def test_a_mail_that_comes_byte_by_byte_ends_by_the_servers_timeout() -> None:
    begun = Send(b"* 1 FETCH (UID 4 BODY[] {40}\r\n")
    script: list[Step] = [*greeting(), Expect(rb"UID FETCH .*"), begun, Drip(b"x" * 40, 0.02)]
    async with session_with(*script, Send(b")\r\nTAG OK done\r\n"), Hang(), timeout_s=0.2) as session:
        await session.read_greeting()
        with pytest.raises(DeadlineExceeded):
            await session.fetch_body(4, Sink(), max_bytes=100)


async def test_more_than_eight_mebibytes_around_an_answer_are_refused() -> None:
    flood = (b"* X " + b"y" * 60_000 + b"\r\n") * 150
    steps: list[Step] = [Expect(rb"CAPABILITY"), Send(flood + b"* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"), Hang()]
    async with session_with(*greeting(), *steps) as session:
        await session.read_greeting()
        with pytest.raises(RemoteProtocolError, match="an answer to CAPABILITY of at most 8388608 bytes"):
            await session.capability()


async def test_a_mail_does_not_count_as_an_answer_and_is_passed_on_in_pieces() -> None:
    size = MAX_ANSWER_BYTES + 1
    body = b"1 FETCH (UID 4 BODY[] {%d}\r\n%b)" % (size, b"x" * size)
    sink = Sink()
    async with session_with(*greeting(), *answered(rb"UID FETCH .*", body), Hang()) as session:
        await session.read_greeting()
        assert await session.fetch_body(4, sink, max_bytes=size)
    assert sink.size == size
    assert sink.largest_piece <= CHUNK_BYTES


@pytest.mark.slow
async def test_a_folder_of_two_hundred_thousand_mails_is_searched() -> None:
    exists = 200_000
    script: list[Step] = [*greeting()]
    for first in range(1, exists, SEARCH_WINDOW):
        numbers = b"".join(b" %d" % (4_000_000_000 + at) for at in range(first, first + SEARCH_WINDOW))
        script += answered(rb"UID SEARCH %d:%d ALL" % (first, first + SEARCH_WINDOW - 1), b"SEARCH" + numbers)
    async with session_with(*script, Hang()) as session:
        await session.read_greeting()
        assert len(await session.uid_search("ALL", exists)) == exists


async def test_windows_that_answer_out_of_order_or_twice_give_each_uid_once_and_ascending() -> None:
    script: list[Step] = [*greeting()]
    for window, numbers in ((b"1:5000", b" 7 3"), (b"5001:10000", b" 0 2 7"), (b"10001:10001", b" 9")):
        script += answered(b"UID SEARCH %s ALL" % window, b"SEARCH" + numbers)
    async with session_with(*script, Hang()) as session:
        await session.read_greeting()

        assert list(await session.uid_search("ALL", 10_001)) == [2, 3, 7, 9]


async def test_a_search_that_finds_more_and_more_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_FOUND", 2)
    async with session_with(*greeting(), *answered(rb"UID SEARCH .*", b"SEARCH 1 2 3"), Hang()) as session:
        await session.read_greeting()
        with pytest.raises(RemoteProtocolError, match="at most 2 mails"):
            await session.uid_search("ALL", 1)


async def test_every_write_has_the_servers_timeout() -> None:
    # The server reads nothing at all, so the kernel's buffers fill and the write stands still.
    reading = asyncio.Event()

    class Deaf(ScriptedServer):
        async def serve(self, stream: TcpStream) -> None:
            await stream.send(b"* OK ready\r\n")
            await stream.receive()
            await stream.send(b"+ go on\r\n")
            await reading.wait()

    server = Deaf([])
    async with running(server):
        stream = await connect_tcp(*server.address, timeout_s=5)
        session = ImapSession(stream, timeout_s=0.2, tap=Listening())
        try:
            await session.read_greeting()
            with pytest.raises(DeadlineExceeded):
                await session.list_folders("x" * 20_000_000)
        finally:
            await session.aclose()
            reading.set()


async def test_capability_without_its_data_is_a_protocol_error() -> None:
    async with session_with(*greeting(), *answered(rb"CAPABILITY")) as session:
        await session.read_greeting()
        with pytest.raises(RemoteProtocolError):
            await session.capability()


async def test_a_refused_command_carries_the_servers_answer() -> None:
    async with session_with(*greeting(), *answered(rb"CREATE .*", completion=b"NO [OVERQUOTA] full")) as session:
        await session.read_greeting()
        with pytest.raises(CommandRefused) as caught:
            await session.create("Archive")
    assert caught.value.status.code is not None
    assert (caught.value.command, caught.value.status.code.name) == ("CREATE", "OVERQUOTA")


async def test_the_session_goes_on_behind_a_refused_command() -> None:
    refused = answered(rb"CREATE .*", completion=b"BAD what?")
    async with session_with(*greeting(), *refused, *answered(rb"CLOSE")) as session:
        await session.read_greeting()
        with pytest.raises(CommandRefused):
            await session.create("Archive")
        await session.close_folder()


async def test_a_body_that_nobody_asked_for_is_a_protocol_error() -> None:
    async with session_with(*greeting(), *answered(rb"CAPABILITY", b"1 FETCH (UID 1 BODY[] {1}\r\nx)")) as session:
        await session.read_greeting()
        with pytest.raises(RemoteProtocolError, match="none was asked for"):
            await session.capability()


async def test_bytes_from_before_the_handshake_are_no_part_of_tls(key_store: KeyStore) -> None:
    async with session_with(Hang(), early=b"* OK early") as session:
        with pytest.raises(RemoteProtocolError):
            await session.begin_tls(key_store.verification().context, HOST)


async def test_a_session_whose_handshake_failed_is_closed_once(key_store: KeyStore) -> None:
    # A second close would hit whatever file has taken the descriptor's number since.
    async with session_with(Send(b"no TLS here\r\n"), Hang()) as session:
        with pytest.raises(HandshakeError):
            await session.begin_tls(key_store.verification().context, HOST)
        with pytest.raises(ConnectionDropped):
            await session.read_greeting()


async def test_the_tap_sees_what_is_inside_tls(key_store: KeyStore, mail_server_tls: ssl.SSLContext) -> None:
    tap = Listening()
    async with session_with(*greeting(), *starttls(mail_server_tls, b"INSIDE"), tap=tap) as session:
        await session.read_greeting()
        await session.capability()
        await session.starttls()
        await session.go_on_in_tls(key_store.verification().context, HOST)
        assert "INSIDE" in await session.capability()
        assert session.is_encrypted
    assert tap.to_server.count(b"CAPABILITY") == 2
    assert b"INSIDE" in tap.to_maco
