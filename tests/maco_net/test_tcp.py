from __future__ import annotations

import asyncio
import gc
import socket

import pytest

from maco_net.errors import ConnectError, PeerReset
from maco_net.tcp import TcpStream, connect_tcp
from tests.maco_net.pairs import DEADLINE_S, connected_sockets, read_all, tcp_pair


async def test_an_end_in_one_direction_leaves_the_other_open() -> None:
    async with tcp_pair() as (client, server):
        await client.send_eof()
        assert await server.receive() == b""
        await server.send(b"still talking")
        assert await client.receive() == b"still talking"


async def test_bytes_that_nobody_asked_for_stay_in_the_kernel() -> None:
    async with tcp_pair() as (client, server):
        await client.send(b"a1 STARTTLS\r\nnot yours")
        assert await server.receive(13) == b"a1 STARTTLS\r\n"
        with server.detach() as plain:
            assert plain.recv(100) == b"not yours"


async def test_a_large_send_waits_for_its_reader_and_loses_nothing() -> None:
    payload = bytes(range(256)) * 32768
    async with tcp_pair() as (client, server), asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(client.send(payload))
        received = bytearray()
        while len(received) < len(payload):
            received += await server.receive(50_000)
        await sending
        assert received == payload


async def test_a_reset_is_told_as_peer_reset() -> None:
    async with tcp_pair() as (client, server):
        client.abort()
        with pytest.raises(PeerReset):
            await server.receive()


async def test_sending_to_a_peer_that_reset_is_told_as_peer_reset() -> None:
    async with tcp_pair() as (client, server):
        client.abort()
        with pytest.raises(PeerReset):
            await server.receive()
        with pytest.raises(PeerReset):
            await server.send(b"x")


async def test_a_reset_that_a_send_has_met_is_no_end_for_who_receives() -> None:
    # The kernel tells a reset once: behind the failed send(), recv() returns b"" as if the peer had ended in order.
    async with tcp_pair() as (client, server):
        client.abort()
        with pytest.raises(PeerReset):
            await server.send(b"x")
        with pytest.raises(PeerReset):
            await server.receive()


async def test_closing_wakes_a_reader_that_waits() -> None:
    async with tcp_pair() as (client, _), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_outcome(client))
        tasks.create_task(client.aclose())
        assert isinstance(await waiting, PeerReset)


async def _outcome(stream: TcpStream) -> bytes | PeerReset:
    try:
        return await stream.receive()
    except PeerReset as error:
        return error


async def test_closing_again_does_not_deafen_the_next_connection_on_that_descriptor() -> None:
    with connected_sockets() as (first_client, _):
        first = TcpStream(first_client)
        number = first_client.fileno()
        await first.aclose()
        with connected_sockets() as (second_client, second_server):
            assert number in {second_client.fileno(), second_server.fileno()}
            at_number, peer = (
                (second_client, second_server) if second_client.fileno() == number else (second_server, second_client)
            )
            second = TcpStream(at_number)
            async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
                waiting = tasks.create_task(second.receive())
                tasks.create_task(first.aclose())
                asyncio.get_running_loop().call_soon(peer.send, b"heard")
                assert await waiting == b"heard"
            await second.aclose()


async def test_a_peer_that_is_always_ready_does_not_keep_the_loop_to_itself() -> None:
    async with tcp_pair() as (client, server):
        await client.send(b"x" * 1000)
        assert len(await server.receive(1)) == 1
        others_ran = asyncio.Event()
        asyncio.get_running_loop().call_soon(others_ran.set)
        reads = 0
        while not others_ran.is_set():
            await server.receive(1)
            reads += 1
        assert reads < 100


async def test_a_connection_is_made_to_a_listening_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        stream = await connect_tcp(*listening.getsockname(), timeout_s=DEADLINE_S)
        try:
            assert stream.peer_address == listening.getsockname()
        finally:
            await stream.aclose()


async def test_a_numeric_address_asks_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_resolver(*_: object, **__: object) -> None:
        raise AssertionError("the resolver was asked")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", no_resolver)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await (await connect_tcp(*listening.getsockname(), timeout_s=DEADLINE_S)).aclose()


async def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound, socket.create_server(("127.0.0.1", 0)) as listening:
        bound.bind(("127.0.0.1", 0))
        refusing, open_one = bound.getsockname(), listening.getsockname()

        async def two_addresses(*_: object, **__: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in (refusing, open_one)]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", two_addresses)
        stream = await connect_tcp("mail.example", 143, timeout_s=DEADLINE_S)
        assert stream.peer_address == open_one
        await stream.aclose()


async def test_a_port_where_nobody_listens_is_refused() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectError) as caught:
            await connect_tcp(*bound.getsockname(), timeout_s=DEADLINE_S)
        assert (caught.value.kind, caught.value.port) == ("refused", bound.getsockname()[1])


async def test_a_name_the_resolver_does_not_know_is_unresolvable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    with pytest.raises(ConnectError) as caught:
        await connect_tcp("mail.example", 143, timeout_s=DEADLINE_S)
    assert caught.value.kind == "unresolvable"


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "mail\0.example"])
async def test_what_is_no_host_name_is_unresolvable_too(name: str) -> None:
    with pytest.raises(ConnectError) as caught:
        await connect_tcp(name, 143, timeout_s=DEADLINE_S)
    assert caught.value.kind == "unresolvable"


async def test_a_host_that_does_not_answer_is_a_timeout_and_leaves_no_socket() -> None:
    with socket.socket() as deaf, socket.socket() as first:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)  # Linux: one connection fits the backlog, the SYN of the next is dropped
        first.connect(deaf.getsockname())
        with pytest.raises(ConnectError) as caught:
            await connect_tcp(*deaf.getsockname(), timeout_s=0.2)
        assert caught.value.kind == "timeout"
    gc.collect()  # an unclosed socket would warn here, and warnings are errors


async def test_out_of_descriptors_is_a_connect_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*_: object) -> None:
        raise OSError(24, "Too many open files")  # EMFILE

    monkeypatch.setattr("maco_net.tcp.socket.socket", no_socket)
    with pytest.raises(ConnectError) as caught:
        await connect_tcp("127.0.0.1", 1, timeout_s=DEADLINE_S)
    assert caught.value.detail == "Too many open files"


async def test_a_connection_reset_before_its_first_use_is_a_peer_reset() -> None:
    with connected_sockets() as (client, server):
        TcpStream(server).abort()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        with pytest.raises(PeerReset):
            TcpStream(client)


async def test_reading_to_the_end_returns_every_byte() -> None:
    async with tcp_pair() as (client, server):
        await client.send(b"a")
        await client.send(b"b")
        await client.aclose()
        assert await read_all(server, 1) == b"ab"
