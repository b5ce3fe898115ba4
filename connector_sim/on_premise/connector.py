"""The Cloud Connector as a whole: a tunnel for each subaccount, and what is served in it.

Each stream that the cloud side opens names a virtual host and port. Access control says which internal system that
is; the back end is opened; only then is the stream accepted, and bytes are relayed. A refusal carries its reason and
nothing else, so that the cloud side never learns a real name.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from connector_sim.admission import Admission, Lease
from connector_sim.logs.logs import ConnectorLogs
from connector_sim.observing import DescribeCertificate
from connector_sim.on_premise.access_control import AccessControl
from connector_sim.on_premise.back_end import BackEndOpener
from connector_sim.on_premise.reachability.checks import ReachabilityChecks
from connector_sim.on_premise.settings import ConnectorSettings, SubaccountSettings, SystemMapping
from connector_sim.on_premise.trust_store import BackEndTrustStore
from connector_sim.on_premise.tunnel_client import DISCONNECTED, TunnelClient
from connector_sim.on_premise.usage import Usage
from connector_sim.passage import Watcher
from connector_sim.relay import Relay
from connector_sim.relays import Relays
from connector_sim.tunnel.session import SessionSettings
from connector_sim.tunnel.stream import TunnelStream
from maco_net.background import in_background
from maco_net.descriptors import is_out_of_descriptors, out_of_descriptors
from maco_net.errors import ConnectError, HandshakeError, NetError
from maco_net.seldom_log import SeldomLog
from maco_net.socket_side import Channel, SocketSide
from maco_wire.exceptions import RemoteProtocolError
from maco_wire.observation import Problem, StreamOpened, StreamRefused
from maco_wire.tunnel_messages import (
    OpenAccepted,
    OpenRefused,
    OpenRequest,
    OpenRequestReader,
    RefusalReason,
    encode_answer,
)

_log = logging.getLogger(__name__)

REMOVED = "the subaccount was removed"

_RULES: Mapping[RefusalReason, Literal["access_control", "limit"]] = {
    RefusalReason.NO_MAPPING: "access_control",
    RefusalReason.LIMIT_REACHED: "limit",
}

TunnelContext: TypeAlias = Callable[[str], ssl.SSLContext]


@dataclass(frozen=True, slots=True)
class _Exposed:
    """A subaccount's settings with its access control ready to be asked."""

    settings: SubaccountSettings
    access_control: AccessControl


class CloudConnector:
    """One installation, with one back-end trust store and any number of subaccounts."""

    def __init__(
        self,
        settings: ConnectorSettings,
        *,
        tunnel_context: TunnelContext,
        back_ends: BackEndOpener,
        watcher: Watcher,
        describe_certificate: DescribeCertificate,
        session_settings: SessionSettings | None = None,
        connects: bool = True,
        logs: ConnectorLogs | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``tunnel_context`` returns the client context with the certificate of a subaccount.

        One that does not ``connects`` by itself is a shadow: its tunnels wait for ``connect``. What is reported must go
        through ``logs`` already (``ConnectorLogs.seeing``); without them none are kept.
        """
        self.settings = settings
        self.relays = Relays()
        self.usage = Usage(clock, self.relays.passed)
        """What has passed through this connector."""
        watcher = dataclasses.replace(watcher, record=self.usage.seeing(watcher.record))
        self.logs = logs or ConnectorLogs(settings.name)
        """What it writes down."""
        self._moves = 0
        self._new_tunnel = functools.partial(
            TunnelClient,
            settings,
            record=watcher.record,
            describe_certificate=describe_certificate,
            session_settings=session_settings,
            clock=clock,
        )
        self._tasks: asyncio.TaskGroup | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._back_ends = back_ends
        self.checks = ReachabilityChecks(
            back_ends, record=watcher.record, describe_certificate=describe_certificate, clock=clock
        )
        """Whether internal systems are reached."""
        self._watcher = watcher
        self._relay_settings = settings.relay
        self._admission = Admission(settings.max_connections)
        self._seldom_log = SeldomLog(_log)
        self._exposed = {
            subaccount.subaccount: _Exposed(subaccount, AccessControl(subaccount.mappings))
            for subaccount in settings.subaccounts
        }
        self._tunnels: dict[str, TunnelClient] = {
            subaccount.subaccount: self._new_tunnel(
                subaccount, tunnel_context(subaccount.subaccount), is_wanted=connects and subaccount.connects
            )
            for subaccount in settings.subaccounts
        }
        self.tunnels: Mapping[str, TunnelClient] = self._tunnels

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the tunnels while the block runs."""
        async with self.logs.running(self._tunnels), in_background(self._run_tunnels()):
            try:
                yield
            finally:
                self.relays.cut()

    async def _run_tunnels(self) -> None:
        """Run every tunnel, those that are added later, and checks, until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self.checks.run())
            for subaccount in self._tunnels:
                self._run(self._tasks, subaccount)
            await asyncio.get_running_loop().create_future()

    def _run(self, tasks: asyncio.TaskGroup, subaccount: str) -> None:
        tunnel = self._tunnels[subaccount]
        self._running[subaccount] = tasks.create_task(tunnel.run(functools.partial(self._serve, subaccount)))

    async def add(self, settings: SubaccountSettings, context: ssl.SSLContext, *, connects: bool = True) -> bool:
        """Add a subaccount at run time, and tell whether its tunnel is up once the first attempt is over.

        ``context`` holds its certificate. One that does not ``connects`` waits for ``connect``. Raises KeyError for one
        that is there already.
        """
        name = settings.subaccount
        if name in self._tunnels:
            raise KeyError(name)
        tunnel = self._new_tunnel(settings, context, is_wanted=connects)
        self._exposed[name] = _Exposed(settings, AccessControl(settings.mappings))
        self._tunnels[name] = tunnel
        self._moves += 1
        if self._tasks is not None:
            self._run(self._tasks, name)
        if connects:
            await tunnel.tried.wait()
        return tunnel.state == "Connected"

    async def remove(self, subaccount: str) -> None:
        """End the tunnel of a subaccount at once, and forget it. Raises KeyError for one that is not there."""
        tunnel = self._tunnels.pop(subaccount)
        removed = self._exposed.pop(subaccount)
        self._moves += 1 + removed.access_control.changes  # the revision never goes back
        if task := self._running.pop(subaccount, None):
            await tunnel.disconnect(REMOVED)
            task.cancel()

    def use_certificate(self, subaccount: str, context: ssl.SSLContext) -> None:
        """Let a tunnel show another certificate from its next handshake on. Raises KeyError."""
        self._tunnels[subaccount].use(context)

    async def tried(self) -> None:
        """Return once the first attempt of each tunnel that is to be up has succeeded or failed."""
        for tunnel in self.tunnels.values():
            if tunnel.is_wanted:
                await tunnel.tried.wait()

    async def connect(self) -> bool:
        """Dial every tunnel that is down and opened without being told to; tell whether one is up then."""
        for name, tunnel in self.tunnels.items():
            if self._exposed[name].settings.connects:
                tunnel.connect()
        await self.tried()
        return any(tunnel.state == "Connected" for tunnel in self.tunnels.values())

    async def disconnect(self, reason: str = DISCONNECTED) -> None:
        """End every tunnel at once, as the administrator does."""
        async with asyncio.TaskGroup() as tasks:
            for tunnel in self.tunnels.values():
                tasks.create_task(tunnel.disconnect(reason))

    async def drain(self, limit_s: float) -> bool:
        """Take no new streams, and let those that run finish; False if some are left after ``limit_s``.

        The tunnels stay up until ``running`` ends.
        """
        async with asyncio.TaskGroup() as tasks:
            drained = [tasks.create_task(tunnel.drain(limit_s)) for tunnel in self.tunnels.values()]
        return all(each.result() for each in drained)

    @property
    def trust_store(self) -> BackEndTrustStore:
        """Whom this connector trusts on premise."""
        return self._back_ends.trust_store

    @property
    def revision(self) -> int:
        """Counts the changes at run time; a shadow that knows it need not fetch everything again and again."""
        return self._moves + sum(exposed.access_control.changes for exposed in self._exposed.values())

    def location_id(self, subaccount: str) -> str:
        """Return the location ID of a subaccount now. Raises KeyError for one that is not connected here."""
        return self._exposed[subaccount].settings.location_id

    async def change_location_id(self, subaccount: str, location_id: str) -> bool:
        """Move a tunnel to another location ID ("any time", facts, section 2.4); tell whether it is up there.

        What runs in it is cut. A place that is taken is a ``ConnectFailure`` with status 409. Raises SettingsError for
        a location ID that cannot be, KeyError for an unknown subaccount.
        """
        exposed = self._exposed[subaccount]
        settings = dataclasses.replace(exposed.settings, location_id=location_id)
        self._exposed[subaccount] = dataclasses.replace(exposed, settings=settings)
        self._moves += 1
        await self.tunnels[subaccount].move(settings)
        return self.tunnels[subaccount].state == "Connected"

    def mappings(self, subaccount: str) -> tuple[SystemMapping, ...]:
        """Return what is exposed to a subaccount now. Raises KeyError for one that is not connected here."""
        return self._exposed[subaccount].access_control.mappings

    def access_control(self, subaccount: str) -> AccessControl:
        """Return the access control of a subaccount, to add or remove single mappings. Raises KeyError."""
        return self._exposed[subaccount].access_control

    def expose(self, subaccount: str, mappings: Iterable[SystemMapping]) -> None:
        """Replace what is exposed to a subaccount; connections that are open stay open.

        Raises MappingOverlap for a virtual port that is there twice, KeyError for an unknown subaccount.
        """
        self._exposed[subaccount].access_control.replace(mappings)

    def trust(self, trust_store: BackEndTrustStore) -> BackEndTrustStore:
        """Judge back ends by another trust store from now on, and return the one before; what is open stays open."""
        return self._back_ends.trust(trust_store)

    async def _serve(self, subaccount: str, stream: TunnelStream) -> None:
        reader = OpenRequestReader()
        try:
            request = await self._read_request(reader, stream)
        except (RemoteProtocolError, TimeoutError) as error:
            self._watcher.record(Problem(self._watcher.party, f"tunnel stream without a request: {error}"))
            stream.abort()
            return
        if request is None:
            return
        exposed = self._exposed.get(subaccount)
        if exposed is None:  # removed meanwhile, and its tunnel is about to end
            stream.abort()
            return
        opened = await self._open(exposed, request, stream)
        if opened is None:
            return
        back_end, lease = opened
        watcher = self.logs.watching(self._watcher, subaccount)
        relay = Relay(stream, SocketSide(back_end), watcher, request.trace_id, self._relay_settings)
        try:
            await stream.send(encode_answer(OpenAccepted()))
        except BaseException:
            relay.cancel()
            lease.release()
            raise
        self.relays.start(relay, lease, early_to_mail_server=reader.trailing_data)

    async def _read_request(self, reader: OpenRequestReader, stream: TunnelStream) -> OpenRequest | None:
        # Nearly always it came with the opening of the stream: then there is nothing to wait for, nor to time.
        if stream.has_received and (request := reader.receive_data(await stream.receive())):
            return request
        async with asyncio.timeout(self.settings.open_request_s):
            while data := await stream.receive():
                if request := reader.receive_data(data):
                    return request
        return None

    async def _open(
        self, exposed: _Exposed, request: OpenRequest, stream: TunnelStream
    ) -> tuple[Channel, Lease] | None:
        """Return the open back end, or None after telling the cloud side why not.

        The lease is to be released when the connection ends.
        """
        mapping = exposed.access_control.find(request.virtual_host, request.virtual_port)
        if mapping is None:
            nearest = exposed.access_control.nearest(request.virtual_host, request.virtual_port)
            text = "Access denied: no mapping for this virtual host and port"
            await self._refuse(exposed, request, stream, RefusalReason.NO_MAPPING, text, nearest)
            return None
        lease = self._admission.admit()
        if lease is None:
            text = f"limit reached: {self._admission.most} connections are open; the setting is max_connections"
            await self._refuse(exposed, request, stream, RefusalReason.LIMIT_REACHED, text)
            return None
        try:
            back_end = await self._back_ends.open(mapping, request.trace_id)
        except (ConnectError, HandshakeError) as error:
            lease.release()
            await self._refuse(exposed, request, stream, *_why_not_open(mapping, error))
            return None
        except BaseException:
            lease.release()
            raise
        self._report_opened(exposed, request, mapping, back_end, stream)
        return back_end, lease

    async def _refuse(
        self,
        exposed: _Exposed,
        request: OpenRequest,
        stream: TunnelStream,
        reason: RefusalReason,
        text: str,
        nearest: str = "",
    ) -> None:
        hint = f"; the nearest mapping is {nearest}" if nearest else ""
        if reason is RefusalReason.LIMIT_REACHED:
            self._seldom_log.warning(text)
        else:
            _log.warning("%s:%d: %s%s", request.virtual_host, request.virtual_port, text, hint)
        self._watcher.record(
            StreamRefused(
                self._watcher.party,
                request.virtual_host,
                request.virtual_port,
                text,
                exposed.settings.subaccount,
                exposed.settings.location_id,
                nearest=nearest,
                rule=_RULES.get(reason, ""),
                trace_id=request.trace_id,
            )
        )
        await stream.send(encode_answer(OpenRefused(reason)))
        await stream.send_eof()
        await self._wait_for_end(stream)

    async def _wait_for_end(self, stream: TunnelStream) -> None:
        """Let the cloud side read the refusal and end the stream: a reset at once could overtake it."""
        with contextlib.suppress(NetError, TimeoutError):
            async with asyncio.timeout(self.settings.open_request_s):
                while await stream.receive():
                    pass

    def _report_opened(
        self,
        exposed: _Exposed,
        request: OpenRequest,
        mapping: SystemMapping,
        back_end: Channel,
        tunnel: TunnelStream,
    ) -> None:
        self._watcher.record(
            StreamOpened(
                self._watcher.party,
                request.virtual_host,
                request.virtual_port,
                exposed.settings.subaccount,
                exposed.settings.location_id,
                mapping.internal_host,
                mapping.internal_port,
                mapping.protocol,
                (back_end.local_address, back_end.peer_address),
                trace_id=request.trace_id,
                local=tunnel.local_address,
                peer=tunnel.peer_address,
            )
        )


def _why_not_open(mapping: SystemMapping, error: ConnectError | HandshakeError) -> tuple[RefusalReason, str]:
    """Return what is told of a back end; one that was not even tried for want of a descriptor is not unreachable."""
    system = f"internal host {mapping.internal_host}:{mapping.internal_port}"
    if isinstance(error, HandshakeError):
        return RefusalReason.BACK_END_TLS_FAILED, f"TLS with {system} failed: {error}"
    if is_out_of_descriptors(error):
        return RefusalReason.LIMIT_REACHED, f"limit reached: {out_of_descriptors()}"
    return RefusalReason.BACK_END_UNREACHABLE, f"cannot open {system}: {error.detail}"
