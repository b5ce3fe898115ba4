"""Tapped labs for tests, what their polls and their matrices say, and two attackers on the customer's LAN."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from certs.trust import server_context
from connector_sim.cloud.tokens import new_signing_key
from maco_client.results import PollResult
from maco_lab.background import background_loop
from maco_lab.journal import Journal
from maco_lab.lab_matrix import matrix_of_poll
from maco_lab.sight import Sight, sight_of
from maco_lab.state import StateFolder
from maco_lab.taps.chunk import Hop
from maco_lab.taps.matrix import Matrix
from maco_lab.testing.lab import new_authority
from maco_lab.testing.settings import Change, lab_text
from maco_lab.topology import RunningLab, running_lab
from maco_net.background import in_background
from maco_net.errors import PeerReset, PeerTruncated
from maco_net.listener import Listener
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream, connect_tcp
from maco_net.tls import start_tls
from maco_net.trust import trusting_context
from maco_wire.observation import Address

AUTHORITY = new_authority()
SIGNING_KEY = functools.cache(new_signing_key)
"""Generating one is most of what a start costs."""
DEADLINE_S = 10.0


@contextlib.contextmanager
def tapped_lab(folder: Path, change: Change = lambda _: None, *, tapped: bool = True) -> Iterator[RunningLab]:
    """Run a lab with a mail in each mailbox."""
    file = lab_text(change).parsed()
    state = StateFolder(folder)
    landscape = running_lab(
        file, state, Journal(), free_ports=True, cast=AUTHORITY, make_signing_key=SIGNING_KEY, tapped=tapped
    )
    with background_loop().enter(landscape) as lab:
        background_loop().run(lab.seed_mail())
        yield lab


def poll(lab: RunningLab, name: str) -> PollResult:
    return background_loop().run(lab.maco.poll(name))


def sight(lab: RunningLab, name: str) -> Sight:
    found = sight_of(lab.journal.entries(), name)
    assert found is not None
    return found


def matrix(lab: RunningLab, name: str) -> Matrix:
    found = background_loop().run(matrix_of_poll(lab, name))
    assert found is not None
    return found


def told(found: Matrix, secret: str) -> list[str]:
    """Return one text for each place, from MaCo to the mail server."""
    return [
        f"inside {' > '.join(str(each) for each in cell.inside)}" if cell.inside else cell.state
        for cell in found.row(secret).cells
    ]


def seen(lab: RunningLab, hop: Hop, *, from_client: bool) -> bytes:
    assert lab.taps is not None
    chunks = lab.taps.chunks()
    return b"".join(each.data for each in chunks if each.connection.hop == hop and each.from_client is from_client)


def connection(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an e-mail connection of a lab file's data."""
    found: dict[str, Any] = next(each for each in data["maco"]["email_connections"] if each["name"] == name)
    return found


class Middle:
    """Somebody between the Cloud Connector and the mail server, who hears everything that passes in clear."""

    def __init__(self, mail_server: Address) -> None:
        self.heard = b""
        self._mail_server = mail_server

    async def serve(self, victim: TcpStream) -> None:
        client, server = await self.meet(victim)
        try:
            async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
                to_server = tasks.create_task(self._pass(client, server))
                await self._pass(server, client)
                to_server.cancel()  # a mail server ends behind its BYE, and TLS has no end of one direction alone
        finally:
            await server.aclose()
            await client.aclose()

    async def meet(self, victim: TcpStream) -> tuple[ByteStream, ByteStream]:
        return victim, await connect_tcp(*self._mail_server, timeout_s=DEADLINE_S)

    async def _pass(self, source: ByteStream, sink: ByteStream) -> None:
        with contextlib.suppress(PeerReset, PeerTruncated):
            while data := await source.receive():
                self.heard += data
                await sink.send(data)
            await sink.send_eof()


class Stripper(Middle):
    """Offers no STARTTLS in the mail server's name, and does TLS with that one as a client."""

    async def meet(self, victim: TcpStream) -> tuple[ByteStream, ByteStream]:
        return victim, await self._over_tls()

    async def _over_tls(self) -> ByteStream:
        trusting = trusting_context([AUTHORITY.root.certificate.public_bytes(Encoding.DER)], check_hostname=False)
        to_server = await connect_tcp(*self._mail_server, timeout_s=DEADLINE_S)
        return await start_tls(to_server, trusting, timeout_s=DEADLINE_S, server_name="mail.stadtwerke.example")


class Impostor(Stripper):
    """Does TLS with its own certificate as if it were the mail server."""

    async def meet(self, victim: TcpStream) -> tuple[ByteStream, ByteStream]:
        presented = server_context(AUTHORITY.by_name("self_signed"))
        client = await start_tls(victim, presented, timeout_s=DEADLINE_S, server_side=True)
        return client, await self._over_tls()


@contextlib.contextmanager
def in_the_middle(lab: RunningLab, middle: Middle, port: int) -> Iterator[None]:
    """Let the internal host's ``port`` lead to somebody else."""

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        listener = Listener("127.0.0.1", 0)
        lab.names.lead("mail.stadtwerke.example", port, listener.address)
        async with in_background(listener.serve(middle.serve)):
            yield

    with background_loop().enter(running()):
        yield
