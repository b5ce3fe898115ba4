"""A process without file descriptors: what runs goes on, what is new waits or is told why, and all resumes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from maco_net.background import in_background
from maco_net.listener import Listener
from maco_net.tcp import TcpStream, connect_tcp
from maco_net.tls import start_tls
from maco_wire import socks5
from maco_wire.observation import Address
from maco_wire.socks5 import Connected, ConnectRefused, Reply
from tests.connector_sim.landscape import DEADLINE_S, GREETING, TCP, TUNNEL_HOST, Dialled, echo
from tests.connector_sim.starved import MOST_DESCRIPTORS

pytestmark = pytest.mark.slow  # each starts a process
REPOSITORY = Path(__file__).resolve().parents[2]
OUT_OF_DESCRIPTORS = f"out of file descriptors: this process may have {MOST_DESCRIPTORS}; raise it with `ulimit -n`"


CROWDED = 12
"""How many descriptors a crowd of clients has to share."""


@dataclass
class Starved:
    """The landscape in its own process."""

    child: asyncio.subprocess.Process
    socks5: Address = ("", 0)
    tunnel: Address = ("", 0)
    token: str = ""
    streams: list[TcpStream] = field(default_factory=list)

    async def tell(self, command: str) -> Any:
        assert self.child.stdin
        assert self.child.stdout
        self.child.stdin.write(f"{command}\n".encode())
        async with asyncio.timeout(DEADLINE_S):
            line = await self.child.stdout.readline()
        assert line, "the process has ended"
        return json.loads(line)

    async def connect(self, address: Address) -> TcpStream:
        self.streams.append(await connect_tcp(*address, timeout_s=DEADLINE_S))
        return self.streams[-1]

    async def dial(self) -> Dialled:
        """Dial through the SOCKS5 proxy, up to its last answer."""
        machine = socks5.Socks5Client(token=self.token, location_id="WERK1", host=TCP.virtual_host, port=143)
        stream = await self.connect(self.socks5)
        events: list[socks5.ClientEvent] = []
        async with asyncio.timeout(DEADLINE_S):
            while not events or isinstance(events[-1], socks5.MethodAccepted | socks5.Authenticated):
                await stream.send(machine.data_to_send())
                events += machine.receive_data(await stream.receive())
        return Dialled(stream, events, machine.trailing_data)

    async def wait_for_warning(self, text: str) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not any(text in each for each in await self.tell("log")):
                pass


@contextlib.asynccontextmanager
async def _starved() -> AsyncIterator[Starved]:
    back_end = Listener("127.0.0.1", 0)
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tests.connector_sim.starved", str(back_end.address[1]))
    async with in_background(back_end.serve(echo)):
        child = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdin=pipe, stdout=pipe)
        starved = Starved(child)
        try:
            where = await starved.tell("where")
            starved.socks5, starved.tunnel = tuple(where["socks5"]), tuple(where["tunnel"])
            starved.token = where["token"]
            yield starved
            assert child.stdin
            child.stdin.close()
            async with asyncio.timeout(DEADLINE_S):
                assert await child.wait() == 0
        finally:
            for stream in starved.streams:
                stream.abort()
            if child.returncode is None:
                child.kill()
                await child.wait()


async def _runs(dialled: Dialled) -> None:
    await dialled.stream.send(b"NOOP\r\n")
    assert await dialled.read_exactly(6) == b"NOOP\r\n"


async def _open(starved: Starved) -> Dialled:
    dialled = await starved.dial()
    assert isinstance(dialled.answer, Connected)
    assert await dialled.read_exactly(len(GREETING)) == GREETING
    return dialled


async def test_the_socks5_proxy_pauses_accepting_and_resumes_while_what_is_open_goes_on() -> None:
    async with _starved() as starved:
        first = await _open(starved)
        await starved.tell("hold")
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(_open(starved))
            await starved.wait_for_warning(OUT_OF_DESCRIPTORS)
            await _runs(first)
            assert not waiting.done()
            await starved.tell("free")
        await _runs(waiting.result())
        (warning,) = await starved.tell("log")
        assert warning == f"new connections to {':'.join(map(str, starved.socks5))} wait: {OUT_OF_DESCRIPTORS}"


async def test_the_tunnel_endpoint_pauses_accepting_and_resumes_while_what_is_open_goes_on() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with _starved() as starved:
        first = await _open(starved)
        await starved.tell("hold")
        stream = await starved.connect(starved.tunnel)
        await starved.wait_for_warning(OUT_OF_DESCRIPTORS)
        await _runs(first)
        await starved.tell("free")
        tls = await start_tls(stream, context, server_name=TUNNEL_HOST, timeout_s=DEADLINE_S)
        assert tls.peer_certificate
        await tls.aclose()


async def test_a_connector_without_descriptors_says_so_and_not_that_the_back_end_is_unreachable() -> None:
    async with _starved() as starved:
        first = await _open(starved)
        await starved.tell("hold 1")  # which the SOCKS5 proxy takes
        for _ in range(3):
            refused = await starved.dial()
            assert refused.answer == ConnectRefused(Reply.FAILURE)
            await refused.stream.aclose()
        told = [each for each in await starved.tell("seen") if each["kind"] == "stream_refused"]
        await _runs(first)
        by_connector = [each["reason"] for each in told if each["party"] == "Cloud Connector"]
        assert by_connector == [f"limit reached: {OUT_OF_DESCRIPTORS}"] * 3
        assert (await starved.tell("log")).count(f"limit reached: {OUT_OF_DESCRIPTORS}") == 1
        await starved.tell("free")
        await _open(starved)


async def test_a_lost_tunnel_comes_back_once_there_are_descriptors() -> None:
    async with _starved() as starved:
        await _open(starved)
        reasons = await starved.tell("cut")
        assert "Too many open files" in reasons[-1]
        await starved.tell("free")
        await starved.tell("reconnected")
        await _open(starved)


async def test_a_crowd_that_takes_every_descriptor_is_served_or_told_and_nothing_is_left_of_it() -> None:
    """Let more clients come than there are descriptors; each must get an answer that is true."""
    async with _starved() as starved:
        first = await _open(starved)
        held = await starved.tell(f"hold {CROWDED}")
        starved_of_all = asyncio.Event()
        answers: list[socks5.ClientEvent] = []

        async def one() -> None:
            dialled = await starved.dial()
            answers.append(dialled.answer)
            await starved_of_all.wait()
            dialled.stream.abort()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(60):
                tasks.create_task(one())
            await starved.wait_for_warning("wait: out of file descriptors")
            await _runs(first)
            starved_of_all.set()
        assert len(answers) == 60
        assert {each for each in answers if not isinstance(each, Connected)} <= {ConnectRefused(Reply.FAILURE)}
        await _runs(first)
        async with asyncio.timeout(DEADLINE_S):
            while await starved.tell("hold") < held + CROWDED:  # what the crowd had is given back
                await starved.tell("free")
