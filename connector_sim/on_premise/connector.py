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
from typing import TypeAlias

from connector_sim.observing import DescribeCertificate
from connector_sim.on_premise.access_control import AccessControl
from connector_sim.on_premise.back_end import BackEndOpener
from connector_sim.on_premise.settings import ConnectorSettings, SubaccountSettings, SystemMapping
from connector_sim.on_premise.tunnel_client import DISCONNECTED, TunnelClient
from connector_sim.passage import Watcher
from connector_sim.relay import Relay
from connector_sim.tunnel.session import SessionSettings
from connector_sim.tunnel.stream import TunnelStream
from maco_net.background import in_background
from maco_net.errors import ConnectError, HandshakeError, NetError
from maco_net.streams import ByteStream
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
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``tunnel_context`` returns the client context with the certificate of a subaccount.

        One that does not ``connects`` by itself is a shadow: its tunnels wait for ``connect``.
        """
        self.settings = settings
        self.revision = 0
        """Counts the changes at run time; a shadow that knows it need not fetch everything again and again."""
        self._back_ends = back_ends
        self._watcher = watcher
        self._exposed = {
            subaccount.subaccount: _Exposed(subaccount, AccessControl(subaccount.mappings))
            for subaccount in settings.subaccounts
        }
        self.tunnels: Mapping[str, TunnelClient] = {
            subaccount.subaccount: TunnelClient(
                settings,
                subaccount,
                tunnel_context(subaccount.subaccount),
                record=watcher.record,
                describe_certificate=describe_certificate,
                session_settings=session_settings,
                is_wanted=connects,
                clock=clock,
            )
            for subaccount in settings.subaccounts
        }

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the tunnels while the block runs."""
        tunnels = [
            tunnel.run(functools.partial(self._serve, subaccount)) for subaccount, tunnel in self.tunnels.items()
        ]
        async with in_background(*tunnels):
            yield

    async def tried(self) -> None:
        """Return once each tunnel's first attempt has succeeded or failed."""
        for tunnel in self.tunnels.values():
            await tunnel.tried.wait()

    async def connect(self) -> bool:
        """Dial every tunnel that is down, and tell whether one is up then."""
        for tunnel in self.tunnels.values():
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
        self.revision += 1
        await self.tunnels[subaccount].move(settings)
        return self.tunnels[subaccount].state == "Connected"

    def mappings(self, subaccount: str) -> tuple[SystemMapping, ...]:
        """Return what is exposed to a subaccount now. Raises KeyError for one that is not connected here."""
        return self._exposed[subaccount].settings.mappings

    def expose(self, subaccount: str, mappings: Iterable[SystemMapping]) -> None:
        """Replace what is exposed to a subaccount; connections that are open stay open.

        Raises SettingsError for a virtual host and port that is there twice, KeyError for an unknown subaccount.
        """
        settings = dataclasses.replace(self._exposed[subaccount].settings, mappings=tuple(mappings))
        self._exposed[subaccount] = _Exposed(settings, AccessControl(settings.mappings))
        self.revision += 1

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
        exposed = self._exposed[subaccount]
        back_end = await self._open(exposed, request, stream)
        if back_end is None:
            return
        relay = Relay(stream, back_end, self._watcher, request.trace_id, self.settings.relay)
        try:
            await stream.send(encode_answer(OpenAccepted()))
        except BaseException:
            relay.cancel()
            raise
        await relay.run(early_to_mail_server=reader.trailing_data)

    async def _read_request(self, reader: OpenRequestReader, stream: TunnelStream) -> OpenRequest | None:
        async with asyncio.timeout(self.settings.open_request_s):
            while data := await stream.receive():
                if request := reader.receive_data(data):
                    return request
        return None

    async def _open(self, exposed: _Exposed, request: OpenRequest, stream: TunnelStream) -> ByteStream | None:
        """Return the open back end, or None after telling the cloud side why not."""
        mapping = exposed.access_control.find(request.virtual_host, request.virtual_port)
        if mapping is None:
            nearest = exposed.access_control.nearest(request.virtual_host, request.virtual_port)
            text = "Access denied: no mapping for this virtual host and port"
            await self._refuse(exposed, request, stream, RefusalReason.NO_MAPPING, text, nearest)
            return None
        try:
            back_end = await self._back_ends.open(mapping, request.trace_id)
        except ConnectError as error:
            text = f"cannot open internal host {mapping.internal_host}:{mapping.internal_port}: {error.detail}"
            await self._refuse(exposed, request, stream, RefusalReason.BACK_END_UNREACHABLE, text)
            return None
        except HandshakeError as error:
            text = f"TLS with internal host {mapping.internal_host}:{mapping.internal_port} failed: {error}"
            await self._refuse(exposed, request, stream, RefusalReason.BACK_END_TLS_FAILED, text)
            return None
        self._report_opened(exposed, request, mapping, back_end, stream)
        return back_end

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
        back_end: ByteStream,
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
