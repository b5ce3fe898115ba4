from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import pytest

from maco_net import connected_socket
from maco_net.connected_socket import ConnectedSocket
from maco_net.errors import PeerReset
from maco_net.tcp import TcpStream
from maco_net.tls import TlsStream
from tests.maco_net.pairs import tcp_pair, tls_pair

_Stream: TypeAlias = TcpStream | TlsStream
_Pair: TypeAlias = Callable[[], AbstractAsyncContextManager[tuple[_Stream, _Stream]]]

each_kind = pytest.mark.parametrize("pair", [tcp_pair, tls_pair], ids=["TCP", "TLS"])


@each_kind
@pytest.mark.skipif(connected_socket.TCP_CORK is None, reason="this system has no TCP_CORK")
async def test_corking_holds_back_what_is_no_full_segment_until_it_is_ended(pair: _Pair) -> None:
    async with pair() as (client, server):
        client.cork(True)
        await client.send(b"a1 NOOP")
        with pytest.raises(BlockingIOError):
            _look(server)
        client.cork(False)
        assert await server.receive() == b"a1 NOOP"


def _look(stream: ConnectedSocket) -> None:
    """Look whether anything has arrived, and leave it there."""
    socket.socket.recv_into(stream._sock, bytearray(1), 1, socket.MSG_PEEK)


@each_kind
async def test_without_tcp_cork_as_on_macos_nothing_is_held_back(pair: _Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected_socket, "TCP_CORK", None)
    async with pair() as (client, server):
        client.cork(True)
        await client.send(b"a1 NOOP")
        assert await server.receive() == b"a1 NOOP"


@each_kind
async def test_corking_a_socket_that_is_closed_does_nothing(pair: _Pair) -> None:
    async with pair() as (client, _):
        client.abort()
        client.cork(True)
        assert not client.is_open


@each_kind
async def test_an_abort_is_a_reset_for_the_peer(pair: _Pair) -> None:
    async with pair() as (client, server):
        client.abort()
        with pytest.raises(PeerReset):
            await server.receive()


@each_kind
async def test_the_end_is_told_once_while_the_descriptor_is_still_open(pair: _Pair) -> None:
    async with pair() as (client, _):
        told: list[bool] = []
        client.when_closed = lambda closed: told.append(closed.is_open)
        await client.aclose()
        client.abort()
        assert told == [True]


@each_kind
async def test_nothing_is_watched_any_more_once_it_is_closed(pair: _Pair) -> None:
    async with pair() as (client, _):
        number = client._sock.fileno()
        client.readiness.on_readable(lambda: None)
        client.readiness.on_writable(lambda: None)
        client.abort()
        loop = asyncio.get_running_loop()
        assert (loop.remove_reader(number), loop.remove_writer(number)) == (False, False)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what the peer has not acknowledged")
async def test_what_the_peers_kernel_has_not_taken_is_unacknowledged() -> None:
    async with tcp_pair() as (client, server):
        sent = 0
        while count := client.send_some(memoryview(bytes(65536))):  # until both kernels are full
            sent += count
        full = client.unacknowledged
        assert 0 < full < sent
        while sent:
            sent -= len(await server.receive())
        assert client.unacknowledged < full  # the last of it may be acknowledged 40 ms later


async def test_of_a_closed_socket_nothing_is_unacknowledged() -> None:
    async with tcp_pair() as (client, _):
        client.abort()
        assert client.unacknowledged == 0
