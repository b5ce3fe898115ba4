from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from maco_net.background import in_background
from maco_net.errors import PeerReset
from maco_net.listener import Listener, Serve
from maco_net.tcp import TcpStream, connect_tcp
from tests.maco_net.pairs import DEADLINE_S, read_all

ROOT = Path(__file__).parents[2]


async def _echo(stream: TcpStream) -> None:
    while data := await stream.receive():
        await stream.send(data)


@contextlib.asynccontextmanager
async def _serving(serve: Serve, *, max_connections: int = 1024) -> AsyncIterator[Listener]:
    listener = Listener("127.0.0.1", 0)
    try:
        async with asyncio.timeout(DEADLINE_S), in_background(listener.serve(serve, max_connections=max_connections)):
            yield listener
    finally:
        listener.close()  # a block that never waits ends before serving has begun


@contextlib.asynccontextmanager
async def _client(listener: Listener) -> AsyncIterator[TcpStream]:
    stream = await connect_tcp(*listener.address, timeout_s=DEADLINE_S)
    try:
        yield stream
    finally:
        await stream.aclose()


async def test_port_0_takes_a_free_port_and_tells_it() -> None:
    listener = Listener("127.0.0.1", 0)
    assert listener.address[1] > 0
    listener.close()


async def test_a_client_may_connect_before_anybody_serves() -> None:
    listener = Listener("127.0.0.1", 0)
    async with _client(listener) as client, in_background(listener.serve(_echo)):
        await client.send(b"early")
        assert await client.receive() == b"early"


async def test_a_port_in_use_raises_os_error() -> None:
    listener = Listener("127.0.0.1", 0)
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is compared below
        Listener(*listener.address)
    assert caught.value.errno == errno.EADDRINUSE
    listener.close()


async def test_a_silent_client_does_not_hold_up_the_next() -> None:
    async with _serving(_echo) as listener, _client(listener), _client(listener) as second:
        await second.send(b"hello")
        assert await second.receive() == b"hello"


async def test_a_connection_beyond_the_limit_waits_until_another_ends() -> None:
    async with _serving(_echo, max_connections=1) as listener, _client(listener) as first:
        await first.send(b"1")
        assert await first.receive() == b"1"
        async with _client(listener) as second:
            await second.send(b"2")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await second.receive()
            await first.aclose()
            assert await second.receive() == b"2"


async def test_a_connection_that_fails_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def failing_once(stream: TcpStream) -> None:
        if await stream.receive() == b"fail":
            raise KeyError("a defect")
        await stream.send(b"fine")

    async with _serving(failing_once) as listener, _client(listener) as first, _client(listener) as second:
        await first.send(b"fail")
        assert await first.receive() == b""
        await second.send(b"work")
        assert await second.receive() == b"fine"
    assert "a connection failed through a defect" in caplog.text


async def test_cancelling_ends_every_connection() -> None:
    begun = asyncio.Event()

    async def stuck(_: TcpStream) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with contextlib.AsyncExitStack() as stack:
        async with _serving(stuck) as listener:
            client = await stack.enter_async_context(_client(listener))
            await begun.wait()
        assert await client.receive() == b""


async def test_nobody_is_accepted_while_the_others_are_being_ended(caplog: pytest.LogCaptureFixture) -> None:
    begun, ending, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def lingering(_: TcpStream) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await may_end.wait()

    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        listener = Listener("127.0.0.1", 0)
        serving = tasks.create_task(listener.serve(lingering))
        async with _client(listener):
            await begun.wait()
            serving.cancel()
            await ending.wait()
            async with _client(listener):
                for _ in range(3):
                    await asyncio.sleep(0)
                may_end.set()
                await asyncio.wait([serving])
    assert caplog.text == ""


async def test_a_connection_whose_task_never_began_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def cancelled_before_its_first_step(*_: object) -> None:
        begun.set()

    async with contextlib.AsyncExitStack() as stack:
        async with _serving(_echo) as listener:
            monkeypatch.setattr(listener, "_guarded", cancelled_before_its_first_step)
            client = await stack.enter_async_context(_client(listener))
            await begun.wait()
        with pytest.raises(PeerReset):
            await client.receive()


async def test_nobody_can_connect_once_serving_has_ended() -> None:
    listener = Listener("127.0.0.1", 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await listener.serve(_echo)
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(listener.address)


async def test_closing_the_listener_ends_serving_in_order() -> None:
    listener = Listener("127.0.0.1", 0)
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(listener.serve(_echo))
        asyncio.get_running_loop().call_soon(listener.close)


class _Failing:
    """A listening socket whose next accept fails."""

    def __init__(self, sock: socket.socket, error: OSError) -> None:
        self._sock = sock
        self._errors = [error]

    def accept(self) -> tuple[socket.socket, object]:
        if self._errors:
            raise self._errors.pop()
        return self._sock.accept()

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._sock.close()


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EPROTO, errno.EMFILE])
async def test_an_accept_that_fails_for_one_connection_does_not_end_the_listener(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    listener = Listener("127.0.0.1", 0)
    monkeypatch.setattr(listener, "_sock", _Failing(listener._sock, OSError(number, os.strerror(number))))
    async with _client(listener) as client, in_background(listener.serve(_echo)):
        await client.send(b"heard")
        assert await client.receive() == b"heard"


async def test_an_accept_that_can_never_work_ends_the_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = Listener("127.0.0.1", 0)
    monkeypatch.setattr(listener, "_sock", _Failing(listener._sock, OSError(errno.EINVAL, "not listening")))
    with pytest.raises(ExceptionGroup) as caught:
        await listener.serve(_echo)
    assert [str(each) for each in caught.value.exceptions] == ["[Errno 22] not listening"]


@pytest.mark.slow
async def test_without_descriptors_new_connections_wait_until_there_are_some() -> None:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tests.maco_net.starved_listener")
    starved = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=pipe, stderr=pipe)
    heard, complained = await starved.communicate()

    assert (heard, complained) == (b"heard", b"")
    assert starved.returncode == 0


async def test_it_serves_an_address_given_without_a_name() -> None:
    async def greet(stream: TcpStream) -> None:
        await stream.send(b"* OK\r\n")

    async with _serving(greet) as listener, _client(listener) as client:
        assert await read_all(client) == b"* OK\r\n"
