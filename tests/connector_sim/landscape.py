"""A whole tunnel on the test's own loop; no mail server is needed here: back ends are scripted."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Issued
from certs.cast import Cast
from certs.summary import summarize
from certs.trust import client_context, server_context
from connector_sim.cloud.service import ConnectivityService
from connector_sim.cloud.settings import ConnectivitySettings, OauthClient
from connector_sim.cloud.tokens import new_signing_key
from connector_sim.on_premise.back_end import BackEndOpener
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.settings import ConnectorSettings, MappingProtocol, SubaccountSettings, SystemMapping
from connector_sim.on_premise.trust_store import BackEndTrustStore
from connector_sim.passage import Watcher
from connector_sim.tunnel.handshake import TunnelHello, request_upgrade
from connector_sim.tunnel.session import ServeStream, SessionSettings, TunnelSession
from maco_net.background import in_background
from maco_net.errors import HandshakeError, NetError
from maco_net.listener import Listener
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream, connect_tcp
from maco_net.tls import start_tls
from maco_wire import socks5
from maco_wire.canary import Canary
from maco_wire.observation import Address, Observation, Party

TUNNEL_HOST = "connectivitytunnel.lab.example"
MAIL_HOST = "mail.stadtwerke.example"
SUBACCOUNT = "stadtwerke"
OTHER_SUBACCOUNT = "netzbetreiber"
SECRET = "client-secret-of-maco"
CLIENT = OauthClient("maco", SECRET, SUBACCOUNT)
OTHER_CLIENT = OauthClient("maco-other", SECRET, OTHER_SUBACCOUNT)
DEADLINE_S = 10.0

_O = TypeVar("_O", bound=Observation)

SIGNING_KEY = new_signing_key()
CAST = Cast(dt.datetime.now(dt.UTC), mail_host=MAIL_HOST, tunnel_host=TUNNEL_HOST)


def der(issued: Issued) -> bytes:
    return issued.certificate.public_bytes(Encoding.DER)


ROOT = CAST.root_certificate.public_bytes(Encoding.DER)
INTERMEDIATE = CAST.intermediate_certificate.public_bytes(Encoding.DER)


class Seen:
    """What the parties reported."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self._news = asyncio.Event()

    def record(self, observation: Observation) -> None:
        self.observations.append(observation)
        self._news.set()

    def of(self, kind: type[_O], party: Party | None = None) -> list[_O]:
        return [each for each in self.observations if isinstance(each, kind) and party in (None, each.party)]

    async def wait_for(self, kind: type[_O], count: int = 1, party: Party | None = None) -> list[_O]:
        """Return as soon as ``count`` of them were reported."""
        async with asyncio.timeout(DEADLINE_S):
            while len(found := self.of(kind, party)) < count:
                self._news.clear()
                await self._news.wait()
        return found

    def text(self, party: Party | None = None) -> str:
        """Return everything that was reported, as the journal would write it."""
        return "\n".join(str(each.as_fields()) for each in self.observations if party in (None, each.party))


@dataclass
class Dialled:
    """A connection through the SOCKS5 proxy: what the proxy said, and what was glued behind it."""

    stream: TcpStream
    events: list[socks5.ClientEvent]
    first: bytes

    @property
    def answer(self) -> socks5.ClientEvent:
        return self.events[-1]

    async def read_exactly(self, count: int) -> bytes:
        received = bytearray(self.first)
        self.first = b""
        async with asyncio.timeout(DEADLINE_S):
            while len(received) < count:
                data = await self.stream.receive(count - len(received))
                assert data, f"the stream ended after {bytes(received)!r}"
                received += data
        return bytes(received)

    async def read_all(self) -> bytes:
        first, self.first = self.first, b""
        return first + await read_all(self.stream)


REFUSED = {
    "forbidden": socks5.ConnectRefused(0x02),
    "network unreachable": socks5.ConnectRefused(0x03),
    "host unreachable": socks5.ConnectRefused(0x04),
}


@dataclass
class Landscape:
    """A running cloud side with its connectors."""

    cloud: ConnectivityService
    seen: Seen
    names: dict[tuple[str, int], Address]
    connectors: list[CloudConnector] = field(default_factory=list)
    dialled: list[TcpStream] = field(default_factory=list)

    def token(self, client: OauthClient = CLIENT) -> str:
        return self.cloud.tokens.issue(client)

    async def raw(self) -> TcpStream:
        """Connect to the SOCKS5 proxy and say nothing."""
        stream = await connect_tcp(*self.cloud.socks5_address, timeout_s=DEADLINE_S)
        self.dialled.append(stream)
        return stream

    async def dial(self, host: str, port: int, *, location_id: str = "WERK1", token: str | None = None) -> Dialled:
        """Dial through the SOCKS5 proxy, up to its last answer."""
        machine = socks5.Socks5Client(token=token or self.token(), location_id=location_id, host=host, port=port)
        stream = await self.raw()
        events: list[socks5.ClientEvent] = []
        async with asyncio.timeout(DEADLINE_S):
            while not events or isinstance(events[-1], socks5.MethodAccepted | socks5.Authenticated):
                await stream.send(machine.data_to_send())
                data = await stream.receive()
                if not data:
                    break
                events += machine.receive_data(data)
        return Dialled(stream, events, machine.trailing_data)


def mapping(
    virtual: str,
    virtual_port: int,
    protocol: MappingProtocol = MappingProtocol.TCP,
    internal_port: int = 143,
    internal: str = MAIL_HOST,
) -> SystemMapping:
    return SystemMapping(virtual, virtual_port, internal, internal_port, protocol)


TCP = mapping("imap.virtual", 143)
TCPS = mapping("imap.virtual", 993, MappingProtocol.TCPS, 993)


@dataclass(frozen=True)
class Trust:
    """The back-end trust store of every connector, and the system certificate."""

    certificates: tuple[bytes, ...] = ()
    trust_all: bool = False
    check_name: bool = False
    system_certificate: bool = False

    def store(self) -> BackEndTrustStore:
        offer = CAST.system_certificate.configure_client if self.system_certificate else None
        return BackEndTrustStore(
            self.certificates, trust_all=self.trust_all, check_name=self.check_name, offer_system_certificate=offer
        )


TRUSTS_ROOT = Trust((ROOT,))


def cloud_settings(**changes: Any) -> ConnectivitySettings:
    settings = ConnectivitySettings(
        frozenset({SUBACCOUNT, OTHER_SUBACCOUNT}),
        (CLIENT, OTHER_CLIENT),
        socks5_port=0,
        token_port=0,
        tunnel_port=0,
    )
    return dataclasses.replace(settings, **changes)


def endpoint_context() -> ssl.SSLContext:
    anchors = [CAST.cloud_clients.certificate]
    return server_context(CAST.tunnel_endpoint, client_anchors=anchors, client_certificate="optional")


def tunnel_context(subaccount: str) -> ssl.SSLContext:
    issued = CAST.subaccount_certificate(subaccount)
    return client_context([CAST.cloud_root.certificate], check_hostname=True, client_certificate=issued)


def connectivity(
    settings: ConnectivitySettings,
    seen: Seen,
    *,
    canaries: tuple[Canary, ...] = (),
    session: SessionSettings | None = None,
    clock: Callable[[], float] = time.time,
) -> ConnectivityService:
    return ConnectivityService(
        settings,
        tunnel_context=endpoint_context(),
        signing_key=SIGNING_KEY,
        watcher=Watcher(Party.CONNECTIVITY, seen.record, canaries),
        describe_certificate=summarize,
        session_settings=session,
        clock=clock,
    )


def connector(
    settings: ConnectorSettings,
    lab: Landscape,
    *,
    trust: Trust = TRUSTS_ROOT,
    canaries: tuple[Canary, ...] = (),
    session: SessionSettings | None = None,
    connects: bool = True,
    clock: Callable[[], float] = time.time,
) -> CloudConnector:
    back_ends = BackEndOpener(
        settings,
        trust.store(),
        lambda host, port: lab.names.get((host, port)),
        record=lab.seen.record,
        describe_certificate=summarize,
        system_certificate="system certificate" if trust.system_certificate else "",
    )
    return CloudConnector(
        settings,
        tunnel_context=tunnel_context,
        back_ends=back_ends,
        watcher=Watcher(Party.CLOUD_CONNECTOR, lab.seen.record, canaries),
        describe_certificate=summarize,
        session_settings=session,
        connects=connects,
        clock=clock,
    )


def connector_settings(
    tunnel_address: Address, *subaccounts: SubaccountSettings, number: int = 0, **changes: Any
) -> ConnectorSettings:
    settings = ConnectorSettings(
        f"scc{number}",
        f"installation-{number}",
        TUNNEL_HOST,
        tunnel_address,
        subaccounts,
        first_reconnect_delay_s=0.01,
        half_closed_s=5.0,
    )
    return dataclasses.replace(settings, **changes)


@contextlib.asynccontextmanager
async def cloud_side(
    *, canaries: tuple[Canary, ...] = (), session: SessionSettings | None = None, **changes: Any
) -> AsyncIterator[Landscape]:
    """Run the cloud side alone; every connection that was dialled is closed behind the block."""
    seen = Seen()
    lab = Landscape(connectivity(cloud_settings(**changes), seen, canaries=canaries, session=session), seen, {})
    async with lab.cloud.running():
        try:
            yield lab
        finally:
            for stream in lab.dialled:
                await stream.aclose()


@contextlib.asynccontextmanager
async def landscape(
    *mappings: SystemMapping,
    location_ids: tuple[str, ...] = ("WERK1",),
    subaccounts: tuple[str, ...] = (SUBACCOUNT,),
    trust: Trust = TRUSTS_ROOT,
    canaries: tuple[Canary, ...] = (),
    session: SessionSettings | None = None,
    on_premise: dict[str, Any] | None = None,
    **changes: Any,
) -> AsyncIterator[Landscape]:
    """Run the cloud side and one connector for each location ID, each with all ``subaccounts`` and ``mappings``."""
    async with contextlib.AsyncExitStack() as stack:
        lab = await stack.enter_async_context(cloud_side(canaries=canaries, session=session, **changes))
        for number, location_id in enumerate(location_ids):
            exposed = tuple(SubaccountSettings(subaccount, location_id, mappings) for subaccount in subaccounts)
            settings = connector_settings(lab.cloud.tunnel_address, *exposed, number=number, **on_premise or {})
            each = connector(settings, lab, trust=trust, canaries=canaries, session=session)
            await stack.enter_async_context(connected(each))
            lab.connectors.append(each)
        yield lab


@contextlib.asynccontextmanager
async def connected(each: CloudConnector) -> AsyncIterator[None]:
    """Run a connector, and begin the block once its first attempts are over."""
    async with each.running():
        async with asyncio.timeout(DEADLINE_S):
            await each.tried()
        yield


@contextlib.asynccontextmanager
async def scripted_connector(lab: Landscape, serve: ServeStream, *, location_id: str = "WERK1") -> AsyncIterator[None]:
    """Open a tunnel by hand; ``serve`` gets each stream instead of a Cloud Connector."""
    plain = await connect_tcp(*lab.cloud.tunnel_address, timeout_s=DEADLINE_S)
    tls = await start_tls(plain, tunnel_context(SUBACCOUNT), server_name=TUNNEL_HOST, timeout_s=DEADLINE_S)
    hello = TunnelHello(SUBACCOUNT, location_id, "scripted", "0")
    early = await request_upgrade(tls, hello, host=TUNNEL_HOST, timeout_s=DEADLINE_S)

    async def run() -> None:
        await TunnelSession(tls, "server").run(serve, early_bytes=early)

    try:
        async with in_background(run()):
            yield
    finally:
        await tls.aclose()


Serve: TypeAlias = Callable[[ByteStream], Awaitable[None]]


@contextlib.asynccontextmanager
async def back_end(
    lab: Landscape, serve: Serve, *, port: int = 143, tls: ssl.SSLContext | None = None, host: str = MAIL_HOST
) -> AsyncIterator[None]:
    """Run a scripted back end behind ``host:port``; with ``tls`` it begins with a handshake."""
    listener = Listener("127.0.0.1", 0)
    lab.names[(host, port)] = listener.address

    async def one(stream: TcpStream) -> None:
        if tls is None:
            with contextlib.suppress(NetError):
                await serve(stream)
            return
        with contextlib.suppress(HandshakeError):
            session = await start_tls(stream, tls, server_side=True, timeout_s=DEADLINE_S)
            try:
                with contextlib.suppress(NetError):
                    await serve(session)
            finally:
                await session.aclose()

    try:
        async with in_background(listener.serve(one)):
            yield
    finally:
        listener.close()


def tls_server(certificate: str = "mail_server", *, demands_client_certificate: bool = False) -> ssl.SSLContext:
    """Return the context of a back end."""
    issued = CAST.by_name(certificate)
    if not demands_client_certificate:
        return server_context(issued)
    return server_context(issued, client_anchors=[CAST.connector_ca.certificate], client_certificate="required")


async def echo(stream: ByteStream) -> None:
    """Greet as a mail server does, then say everything back, and end when the client ends."""
    await stream.send(b"* OK ready\r\n")
    while data := await stream.receive():
        await stream.send(data)
    await stream.send_eof()


GREETING = b"* OK ready\r\n"


async def read_all(stream: ByteStream) -> bytes:
    """Read to the end."""
    received = bytearray()
    async with asyncio.timeout(DEADLINE_S):
        while data := await stream.receive():
            received += data
    return bytes(received)
