"""The session's own promises: deadlines, bounds, and what it does with the connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from maco_client import session as session_module
from maco_client.failures import CommandRefused, ConnectionDropped
from maco_client.key_store import KeyStore
from maco_client.session import ImapSession
from maco_net.errors import DeadlineExceeded, HandshakeError
from maco_net.tcp import TcpStream, connect_tcp
from maco_wire.exceptions import RemoteProtocolError
from tests.maco_client.bench import HOST
from tests.maco_client.scripted_server import (
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
    monkeypatch.setattr(session_module, "MAX_RESPONSES", 10)
    async with session_with(*greeting(), Expect(rb"CAPABILITY"), Send(b"* 1 EXISTS\r\n" * 20), Hang()) as session:
        await session.read_greeting()
        with pytest.raises(RemoteProtocolError, match="10 other responses"):
            await session.capability()


async def test_every_read_has_the_servers_timeout() -> None:
    async with session_with(*greeting(), Hang(), timeout_s=0.1) as session:
        await session.read_greeting()
        with pytest.raises(DeadlineExceeded):
            await session.capability()


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
            await session.begin_tls(key_store.context(), HOST)


async def test_a_session_whose_handshake_failed_is_closed_once(key_store: KeyStore) -> None:
    # A second close would hit whatever file has taken the descriptor's number since.
    async with session_with(Send(b"no TLS here\r\n"), Hang()) as session:
        with pytest.raises(HandshakeError):
            await session.begin_tls(key_store.context(), HOST)
        with pytest.raises(ConnectionDropped):
            await session.read_greeting()


async def test_the_tap_sees_what_is_inside_tls(key_store: KeyStore, mail_server_tls: ssl.SSLContext) -> None:
    tap = Listening()
    async with session_with(*greeting(), *starttls(mail_server_tls, b"INSIDE"), tap=tap) as session:
        await session.read_greeting()
        await session.capability()
        await session.starttls()
        await session.go_on_in_tls(key_store.context(), HOST)
        assert "INSIDE" in await session.capability()
        assert session.is_encrypted
    assert tap.to_server.count(b"CAPABILITY") == 2
    assert b"INSIDE" in tap.to_maco
