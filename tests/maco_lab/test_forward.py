"""A local port and standard input and output lead to a virtual host; ends and refusals are passed on as they are."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from maco_client.failures import StepFailed
from maco_lab import forward
from maco_lab.forward import LocalPortError, serve_port, serve_stdio
from maco_lab.stdio_stream import StdioStream
from maco_net.background import in_background
from maco_net.errors import PeerReset
from maco_net.tcp import TcpStream, connect_tcp
from tests.maco_lab.forward_service import TARGET, Service, service

DEADLINE_S = 5.0
EVERY_BYTE = bytes(range(256)) * 4096  # 1 MiB


async def read_all(stream: TcpStream) -> bytes:
    data = b""
    while chunk := await stream.receive():
        data += chunk
    return data


async def until_end(stream: TcpStream) -> None:
    await read_all(stream)


async def answer_when_it_has_all(stream: TcpStream) -> None:
    data = await read_all(stream)
    await stream.send(b"answer to " + data)


@contextlib.asynccontextmanager
async def program_at_port(running: Service) -> AsyncIterator[TcpStream]:
    """Connect to a local port that leads to ``running``."""
    said: asyncio.Queue[str] = asyncio.Queue()
    async with in_background(serve_port(running.way, 0, said.put_nowait, running.complaints.append)):
        async with asyncio.timeout(DEADLINE_S):
            found = re.match(r"127\.0\.0\.1:(\d+) leads to ", await said.get())
            assert found
            stream = await connect_tcp("127.0.0.1", int(found[1]), timeout_s=DEADLINE_S)
            try:
                yield stream
            finally:
                await stream.aclose()


# ------------------------------------------------------------------------------------------------------------ a port


async def test_the_program_reaches_the_virtual_host_with_token_and_location_id() -> None:
    async with service(answer_when_it_has_all) as running, program_at_port(running) as program:
        await program.send(b"a1 NOOP")
        await program.send_eof()

        assert await read_all(program) == b"answer to a1 NOOP"
        assert running.proxy.asked == [("token1", "PLANT1", "mail.example", 143)]


async def test_a_greeting_glued_to_the_reply_is_passed_on() -> None:
    async with service(until_end, glued=b"* OK ready\r\n") as running, program_at_port(running) as program:
        assert await program.receive() == b"* OK ready\r\n"


async def test_the_program_may_end_its_direction_and_still_read_the_answer() -> None:
    async with service(answer_when_it_has_all) as running, program_at_port(running) as program:
        await program.send(EVERY_BYTE)
        await program.send_eof()

        assert await read_all(program) == b"answer to " + EVERY_BYTE


async def test_the_mail_server_may_end_its_direction_and_still_read() -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def end_first(stream: TcpStream) -> None:
        await stream.send(b"* BYE\r\n")
        await stream.send_eof()
        heard.set_result(await read_all(stream))

    async with service(end_first) as running, program_at_port(running) as program:
        assert await read_all(program) == b"* BYE\r\n"
        await program.send(b"said behind the end")
        await program.send_eof()

        assert await heard == b"said behind the end"


async def test_a_reset_of_the_mail_server_is_a_reset_for_the_program() -> None:
    async def reset(stream: TcpStream) -> None:
        await stream.receive()
        stream.abort()

    async with service(reset) as running, program_at_port(running) as program:
        await program.send(b"a1 NOOP")

        with pytest.raises(PeerReset):
            await read_all(program)


async def test_two_connections_share_one_token() -> None:
    async with service(until_end, glued=b"*") as running, program_at_port(running) as first:
        await first.receive()
        async with program_at_port(running) as second:
            await second.receive()

    assert [token for token, *_ in running.proxy.asked] == ["token1", "token1"]
    assert running.tokens.fetched == 1


async def test_a_token_that_is_no_longer_taken_is_renewed_without_the_program_noticing() -> None:
    """As after a restart of the lab, which has a new signing key."""
    async with service(until_end, glued=b"*") as running:
        running.tokens.when_forgotten = lambda: setattr(running.proxy, "status", 0)
        async with program_at_port(running) as program:
            await program.receive()
            running.proxy.status = 1
            async with program_at_port(running) as next_program:
                assert await next_program.receive() == b"*"

    assert [token for token, *_ in running.proxy.asked] == ["token1", "token2"]
    assert running.complaints == []


async def test_a_token_that_was_never_taken_is_refused_once() -> None:
    async with service(status=1) as running, program_at_port(running) as program:
        with pytest.raises(PeerReset):
            await program.receive()

    assert running.tokens.fetched == 1
    (complaint,) = running.complaints
    assert complaint.startswith(f"{TARGET} (Location ID 'PLANT1'): Authentication failed! (status 0x01); look at: Serv")


@pytest.mark.parametrize(
    ("reply", "told", "setting"),
    # SAP's names and meanings of the reply codes (facts/cloud-connector.md); SAP's meaning of 0x05 is not the RFC's
    [
        (0x01, "(0x01 FAILURE)", "Internal Host, Internal Port and Protocol of the mapping"),
        (0x02, "(0x02 FORBIDDEN)", "There is no mapping for the virtual host mail.example:143"),
        (0x03, "(0x03 NETWORK_UNREACHABLE)", "the Location ID of this command is its option --location-id"),
        (0x04, "(0x04 HOST_UNREACHABLE)", "Backend Trust Store"),
        (0x05, "(0x05 CONNECTION_REFUSED)", "Service binding"),
        (0x5B, "(0x5B unknown)", "onpremise_socks5_proxy_port"),
    ],
)
async def test_a_refusal_is_one_line_with_the_reply_and_the_setting_and_a_reset_for_the_program(
    reply: int, told: str, setting: str
) -> None:
    async with service(reply=reply) as running, program_at_port(running) as program:
        with pytest.raises(PeerReset):
            await program.receive()

    (complaint,) = running.complaints
    assert complaint.startswith(f"{TARGET} (Location ID 'PLANT1'): SOCKS")
    assert told in complaint
    assert setting in complaint
    assert "\n" not in complaint


async def test_one_refused_connection_leaves_the_next_one_alone() -> None:
    async with service(until_end, reply=4, glued=b"*") as running, program_at_port(running) as refused:
        with pytest.raises(PeerReset):
            await refused.receive()
        running.proxy.reply = 0
        async with program_at_port(running) as program:
            assert await program.receive() == b"*"


async def test_a_proxy_that_is_not_there_is_named() -> None:
    async with service() as running:
        pass
    with pytest.raises(StepFailed) as caught:
        await running.way.open()

    line = running.way.refusal(caught.value)
    assert "java.net.ConnectException: Connection refused ({}:{})".format(*running.proxy.address) in line


async def test_a_port_that_is_taken_is_told_with_a_next_step() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with service() as running:
            with pytest.raises(LocalPortError, match=f"127.0.0.1:{port}: Address already in use; choose another port"):
                await serve_port(running.way, port, lambda _: None, lambda _: None)


# ------------------------------------------------------------------------------------- standard input and output


@dataclass
class Program:
    """Holds the other end of what is our standard input and output: one socket, as mbsync has it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    code: int | None = None
    """The exit code, once the block is left."""


@contextlib.asynccontextmanager
async def program_on_stdio(running: Service) -> AsyncIterator[Program]:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    program = Program(reader, writer)

    async def carry() -> None:
        descriptor = ours.fileno()
        complain = running.complaints.append
        program.code = await serve_stdio(running.way, complain, input_fd=descriptor, output_fd=descriptor)
        ours.shutdown(socket.SHUT_RDWR)  # the end of a process does that

    with ours:
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
            tasks.create_task(carry())
            try:
                yield program
            finally:
                writer.close()
    await writer.wait_closed()


async def test_stdio_carries_every_byte_both_ways() -> None:
    async with service(answer_when_it_has_all, glued=b"greeting ") as running, program_on_stdio(running) as program:
        program.writer.write(EVERY_BYTE)
        program.writer.write_eof()

        assert await program.reader.read() == b"greeting answer to " + EVERY_BYTE
    assert (program.code, running.complaints) == (0, [])


async def test_stdio_ends_when_the_mail_server_ends_though_the_program_says_nothing() -> None:
    async def end(stream: TcpStream) -> None:
        await stream.send(b"* BYE\r\n")

    async with service(end) as running, program_on_stdio(running) as program:
        assert await program.reader.read() == b"* BYE\r\n"
    assert program.code == 0


@pytest.mark.slow
async def test_stdio_ends_when_the_program_goes_though_the_mail_server_stays() -> None:
    heard = bytearray()

    async def stay(stream: TcpStream) -> None:
        await stream.send(b"* OK")
        with contextlib.suppress(PeerReset):
            while chunk := await stream.receive():
                heard.extend(chunk)
            while True:  # as a server in IDLE
                await stream.send(b"* 1 EXISTS\r\n")

    async with service(stay) as running, program_on_stdio(running) as program:
        await program.reader.readexactly(4)
        program.writer.write(EVERY_BYTE)
        await program.writer.drain()  # a part of it is still on its way to us when the program goes
    assert (program.code, len(heard), bytes(heard) == EVERY_BYTE) == (0, len(EVERY_BYTE), True)


async def test_stdio_ends_when_nobody_reads_its_output_though_its_input_stays_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forward, "LINGER_S", 0.05)
    input_fd, kept_open = os.pipe()
    listener, output_fd = os.pipe()
    try:
        async with service(until_end) as running, asyncio.timeout(DEADLINE_S):
            os.close(listener)
            code = await serve_stdio(running.way, running.complaints.append, input_fd=input_fd, output_fd=output_fd)
    finally:
        os.close(kept_open)
        os.close(output_fd)
    assert (code, running.complaints) == (0, [])


class Leaving(StdioStream):
    """A program that has gone, with input that goes on coming for ``looks`` looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.closed_at: float | None = None
        self.input_ended = asyncio.get_running_loop().create_future()
        self.unheard = asyncio.get_running_loop().create_future()
        self.unheard.set_result(b"")

    @property
    def received(self) -> int:  # type: ignore[override]  # a number that grows by itself
        self.looks -= self.looks > 0
        return -self.looks

    async def aclose(self) -> None:
        assert self.looks == 0, "input was still coming"
        self.closed_at = asyncio.get_running_loop().time()


async def test_of_a_program_that_has_gone_all_input_is_taken_and_the_mail_server_gets_time_to_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forward, "LINGER_S", 0.02)
    program = Leaving(looks=6)

    with pytest.raises(forward._Gone):
        await forward._until_gone(program, lambda: 0)

    assert program.closed_at is not None
    assert asyncio.get_running_loop().time() - program.closed_at >= 0.015


async def test_what_a_program_said_before_it_went_may_stand_still_for_longer_than_its_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forward, "LINGER_S", 0.02)
    monkeypatch.setattr(forward, "LOOK_S", 0.01)
    program = Leaving(looks=0)
    program.input_ended.set_result(b"")
    standing = iter([5] * 20)

    with pytest.raises(forward._Gone):
        await forward._until_gone(program, lambda: next(standing, 0))

    assert next(standing, "all were asked for") == "all were asked for"


async def test_what_a_program_said_before_it_went_is_given_up_once_it_stands_still_for_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forward, "LINGER_S", 0.02)
    monkeypatch.setattr(forward, "STALLED_S", 0.05)
    program = Leaving(looks=0)

    with pytest.raises(forward._Gone):
        await forward._until_gone(program, lambda: 5)

    assert program.closed_at is not None


async def test_stdio_takes_files(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(EVERY_BYTE)
    with (tmp_path / "in").open("rb") as given, (tmp_path / "out").open("wb") as taken:
        async with service(answer_when_it_has_all) as running, asyncio.timeout(DEADLINE_S):
            code = await serve_stdio(
                running.way, running.complaints.append, input_fd=given.fileno(), output_fd=taken.fileno()
            )

    assert (code, (tmp_path / "out").read_bytes()) == (0, b"answer to " + EVERY_BYTE)


async def test_stdio_does_not_wait_for_input_that_is_not_there_yet() -> None:
    """The event loop goes on: what the mail server says comes out while nothing comes in."""
    input_fd, kept_open = os.pipe()
    listener, output_fd = os.pipe()

    async def speak_twice(stream: TcpStream) -> None:
        await stream.send(b"one ")
        await stream.send(b"two")

    try:
        async with service(speak_twice) as running, asyncio.timeout(DEADLINE_S):
            code = await serve_stdio(running.way, running.complaints.append, input_fd=input_fd, output_fd=output_fd)
        assert (code, os.read(listener, 100)) == (0, b"one two")
    finally:
        for descriptor in (kept_open, listener, output_fd):
            os.close(descriptor)


async def test_a_refusal_ends_stdio_with_1_and_a_line() -> None:
    async with service(reply=2) as running, program_on_stdio(running) as program:
        assert await program.reader.read() == b""
    assert program.code == 1
    assert len(running.complaints) == 1


async def test_a_reset_of_the_mail_server_ends_stdio_with_1_and_a_line() -> None:
    async def reset(stream: TcpStream) -> None:
        await stream.receive()
        stream.abort()

    async with service(reset) as running, program_on_stdio(running) as program:
        program.writer.write(b"a1 NOOP")
        assert await program.reader.read() == b""
    assert program.code == 1
    assert running.complaints == [f"{TARGET} (Location ID 'PLANT1'): the connection broke (reset)"]
