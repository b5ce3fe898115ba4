"""What a connection has carried, by the kernel's count: the bytes below TLS, and a FIN is none."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from certs.trust import client_context, server_context
from maco_net import socket_bytes as module
from maco_net.connected_socket import ConnectedSocket
from maco_net.errors import HandshakeError, PeerReset
from maco_net.socket_bytes import SocketBytes, socket_bytes
from maco_net.streams import ByteStream
from maco_net.tls import start_tls
from tests.maco_net.pairs import CAST, DEADLINE_S, MAIL_HOST, connected_sockets, tcp_pair

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone counts")
BIG = 1024 * 1024


def counted(stream: ConnectedSocket) -> list[SocketBytes]:
    """Return where the count of a connection will stand once it is closed."""
    told: list[SocketBytes] = []
    stream.when_closed = lambda closed: told.append(closed.carried())
    return told


async def read_all(stream: ByteStream) -> int:
    count = 0
    while data := await stream.receive():
        count += len(data)
    return count


@needs_linux
async def test_both_ends_count_the_same() -> None:
    async with tcp_pair() as (client, server):
        at_client, at_server = counted(client), counted(server)
        await server.send(b"12345")
        assert await client.receive() == b"12345"
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(read_all(server))
            await client.send(b"x" * BIG)
            await client.aclose()
        await server.aclose()

    assert reading.result() == BIG
    assert at_client == [SocketBytes(BIG, 5, peer_ended=False)]
    assert at_server == [SocketBytes(5, BIG, peer_ended=True)]


@needs_linux
@pytest.mark.slow
async def test_what_the_kernel_still_has_to_send_counts_as_sent() -> None:
    async with tcp_pair() as (client, server):
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(client.send(b"x" * 64 * BIG))
            await server.receive(1)
            sending.cancel()
        carried = client.carried()
        await client.aclose()

        assert carried.sent == 1 + await read_all(server)


@needs_linux
async def test_a_peer_that_resets_has_not_ended() -> None:
    async with tcp_pair() as (client, server):
        told = counted(server)
        await client.send(b"123")
        assert await server.receive() == b"123"
        client.abort()
        with pytest.raises(PeerReset):
            await server.receive()
        await server.aclose()

    assert told == [SocketBytes(0, 3, peer_ended=False)]


@needs_linux
async def test_a_reset_behind_the_end_leaves_the_end_known() -> None:
    async with tcp_pair() as (client, server):
        told = counted(server)
        await client.send(b"123")
        await client.aclose()
        assert await read_all(server) == 3
        await server.send(b"nobody reads this")
        await server.aclose()

    assert told == [SocketBytes(17, 3, peer_ended=True)]


@needs_linux
async def test_tls_is_counted_as_it_is_on_the_wire() -> None:
    async with tcp_pair() as (client, server):
        at_client, at_server = counted(client), counted(server)
        trusting, presenting = (
            client_context([CAST.root.certificate], check_hostname=True),
            server_context(CAST.mail_server),
        )
        async with asyncio.TaskGroup() as tasks:
            begun = [
                tasks.create_task(start_tls(client, trusting, timeout_s=DEADLINE_S, server_name=MAIL_HOST)),
                tasks.create_task(start_tls(server, presenting, timeout_s=DEADLINE_S, server_side=True)),
            ]
        for ours, theirs in (begun, begun[::-1]):
            await ours.result().send(b"12345")
            assert await theirs.result().receive() == b"12345"
        await begun[0].result().aclose()
        assert await begun[1].result().receive() == b""
        await begun[1].result().aclose()

    (client_carried,), (server_carried,) = at_client, at_server
    assert client_carried.sent == server_carried.received
    assert client_carried.received is not None
    assert client_carried.received > 1_000, "the certificates"
    assert server_carried.peer_ended


@needs_linux
async def test_a_handshake_that_failed_is_counted_too() -> None:
    async with tcp_pair() as (client, server):
        told = counted(client)
        await server.send(b"* OK no TLS here\r\n")
        await server.send_eof()
        trusting = client_context([], check_hostname=True)
        with pytest.raises(HandshakeError):
            await start_tls(client, trusting, timeout_s=DEADLINE_S, server_name=MAIL_HOST)

    assert [(each.received, each.peer_ended) for each in told] == [(18, True)]


def test_a_system_that_does_not_tell_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with connected_sockets() as (client, _):
        monkeypatch.setattr(sys, "platform", "darwin")
        assert socket_bytes(client) == SocketBytes(None, None)


@needs_linux
def test_a_kernel_that_tells_less_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old(socket.socket):
        def getsockopt(self, *arguments: int) -> bytes:  # type: ignore[override]
            return bytes(module._TCP_INFO_BYTES - 1)

    with Old() as old:
        assert socket_bytes(old) == SocketBytes(None, None)


@needs_linux
def test_a_socket_that_is_closed_is_no_error() -> None:
    closed = socket.socket()
    closed.close()

    assert socket_bytes(closed) == SocketBytes(None, None)
