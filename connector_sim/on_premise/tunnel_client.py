"""Keep one tunnel up: dial its connections, serve streams in them, and dial again what is lost.

Rules of the real connector (facts, sections 2.1 and 2.3): a tunnel that never got through stays ``ConnectFailure``
until it is told to connect; one that had been up is dialled again, at most 150 times in a row, with a delay that
doubles up to a minute. A tunnel with several TLS connections is ``Connected`` while one of them is up; each that is
lost is dialled again by these rules while the others carry on. The others are dialled once the first is up.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Literal, TypeAlias

import connector_sim.on_premise.settings as on_premise_settings
from connector_sim.observing import DescribeCertificate
from connector_sim.on_premise.tunnel_dialer import TunnelDialer
from connector_sim.tunnel.handshake import TunnelHello
from connector_sim.tunnel.session import ServeStream, SessionSettings, TunnelSession
from maco_net.errors import NetError
from maco_wire.observation import Party, Record, TunnelConnections, TunnelState

CONNECTOR_VERSION = "2.19.0.2"
"""The version that the recorded exchanges show; sent in the handshake."""
DISCONNECTED = "disconnected by the administrator"
MOVED = "the location ID was changed"
ENDED = "the Cloud Connector was ended"

State: TypeAlias = Literal["Connected", "ConnectFailure", "Disconnected"]


class TunnelClient:
    """The tunnel of one subaccount. ``state`` has the values of the connector's own API."""

    def __init__(
        self,
        settings: on_premise_settings.ConnectorSettings,
        subaccount: on_premise_settings.SubaccountSettings,
        context: ssl.SSLContext,
        *,
        record: Record,
        describe_certificate: DescribeCertificate,
        session_settings: SessionSettings | None = None,
        is_wanted: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take a client context that holds the subaccount certificate and trusts the cloud side.

        A tunnel that is not ``is_wanted`` waits for ``connect``, as that of a shadow does.
        """
        self._settings = settings
        self._subaccount = subaccount
        self._record = record
        self._dialer = TunnelDialer(settings, context, record=record, describe_certificate=describe_certificate)
        self._session_settings = session_settings
        self._clock = clock
        self._sessions: dict[int, TunnelSession] = {}
        self._dialling: set[asyncio.Timeout] = set()
        self._carrying: set[asyncio.Timeout] = set()
        self.state: State = "Disconnected"
        self.connected_since_ms = 0
        """Milliseconds since 1970, 0 while the tunnel is not up (``connectedSinceTimeStamp``, facts, section 2.3)."""
        self.tried = asyncio.Event()
        """Set once the first attempt, since the start or since ``connect``, has succeeded or failed."""
        self._told_to_connect = asyncio.Event()
        self._is_wanted = is_wanted
        self._why_ended = ""
        self._first_tried = asyncio.Event()
        self._has_been_up = False
        self._at_rest = asyncio.Event()

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be up; one that is not has not been told to connect, or was disconnected."""
        return self._is_wanted

    @property
    def connections_up(self) -> int:
        """How many TLS connections carry streams now."""
        return len(self._sessions)

    async def run(self, serve: ServeStream) -> None:
        """Keep the tunnel up until cancelled; one that fails for good waits until it is told to connect."""
        while True:
            self._told_to_connect.clear()
            if self._is_wanted:
                await self._keep_up(serve)
            self._at_rest.set()
            await self._told_to_connect.wait()
            self._at_rest.clear()

    def connect(self) -> None:
        """Dial now, as the administration's button does: after a failure, or instead of waiting for the next try."""
        self._is_wanted = True
        if not self._sessions:
            self.tried.clear()
        self._told_to_connect.set()

    def use(self, context: ssl.SSLContext) -> None:
        """Show another subaccount certificate from the next handshake on; connections that are up stay up."""
        self._dialer.context = context

    def cut(self, connection: int | None = None) -> None:
        """Break the tunnel, or one of its connections, as a network failure would; it is dialled again."""
        for number, session in self._sessions.items():
            if connection in (None, number):
                session.abort("cut on purpose")

    async def disconnect(self, reason: str = DISCONNECTED, *, drain_s: float = 0.0) -> None:
        """End the tunnel, as the administration's button does, and stay down until told to connect.

        Streams are cut at once, as the product does it; with ``drain_s`` they may finish in that time first.
        """
        if drain_s > 0 and await self.drain(drain_s):
            self._why_ended = reason
            _end(self._carrying)
        else:
            self._stop_dialling()
            for session in self._sessions.values():
                session.abort(reason)
        await self._at_rest.wait()
        if self.state == "ConnectFailure":
            self._enter("Disconnected", reason)
        self.tried.set()

    async def drain(self, limit_s: float) -> bool:
        """Dial no more, take no new streams, and let those that run finish; False if some are left after ``limit_s``.

        The connections stay up until ``disconnect`` or the end of ``run``.
        """
        self._stop_dialling()
        async with asyncio.TaskGroup() as tasks:
            drained = [tasks.create_task(session.drain(limit_s)) for session in self._sessions.values()]
        return all(each.result() for each in drained)

    async def move(self, subaccount: on_premise_settings.SubaccountSettings) -> None:
        """Go to another location ID: give up the old place, then try the new one. A tunnel that is down stays down."""
        is_wanted = self._is_wanted
        await self.disconnect(MOVED)
        self._subaccount = subaccount
        if is_wanted:
            self.connect()
            await self.tried.wait()

    async def _keep_up(self, serve: ServeStream) -> None:
        """Keep every connection; return when it makes no sense any more for any of them."""
        tunnel_id = uuid.uuid4().hex
        self._has_been_up = False
        self._first_tried.clear()
        async with asyncio.TaskGroup() as tasks:
            for number in range(1, self._connections + 1):
                tasks.create_task(self._keep(number, tunnel_id, serve))

    async def _keep(self, number: int, tunnel_id: str, serve: ServeStream) -> None:
        """Dial, serve, and dial again; the first connection alone finds out whether the tunnel comes up at all."""
        if number > 1:
            await self._first_tried.wait()
        attempts = 0
        while self._is_wanted and (self._has_been_up or number == 1):
            try:
                session, early_bytes = await self._dial(number, tunnel_id)
            except NetError as error:
                attempts += 1
                self._failed(str(error))
                if not self._has_been_up or attempts >= self._settings.max_reconnect_attempts:
                    break
            except TimeoutError:
                break  # told to stop meanwhile
            else:
                attempts = 0
                await self._carry(number, session, serve, early_bytes)
            if self._is_wanted:
                await self._pause(attempts)
        self._first_tried.set()

    async def _dial(self, number: int, tunnel_id: str) -> tuple[TunnelSession, bytes]:
        """Open a connection; raises NetError, or TimeoutError when told to stop."""
        hello = TunnelHello(
            self._subaccount.subaccount,
            self._subaccount.location_id,
            self._settings.installation_id,
            CONNECTOR_VERSION,
            tunnel_id,
            number,
            self._connections,
        )
        async with _ended_early(self._dialling):
            tls, early_bytes = await self._dialer.dial(hello)
        return TunnelSession(tls, "server", self._session_settings), early_bytes

    async def _carry(self, number: int, session: TunnelSession, serve: ServeStream, early_bytes: bytes) -> None:
        self._sessions[number] = session
        self._came_up()
        if not self._is_wanted:
            session.abort(DISCONNECTED)
        reason = ENDED
        try:
            async with _ended_early(self._carrying):
                reason = await session.run(serve, early_bytes=early_bytes)
        except TimeoutError:  # drained and told to end
            reason = self._why_ended
        finally:
            del self._sessions[number]
            self._went_down(reason)

    async def _pause(self, attempts: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.delay_before(attempts)):
                await self._told_to_connect.wait()
        self._told_to_connect.clear()

    def delay_before(self, attempts: int) -> float:
        """Return how many seconds pass before the next attempt after ``attempts`` failed ones in a row."""
        doubled = self._settings.first_reconnect_delay_s * 2.0 ** min(attempts, 20)
        return min(doubled, self._settings.longest_reconnect_delay_s)

    def _stop_dialling(self) -> None:
        self._is_wanted = False
        self._told_to_connect.set()  # wakes whoever waits for the next try
        _end(self._dialling)

    @property
    def _connections(self) -> int:
        return self._settings.tunnel.application_tunnel_connections

    def _came_up(self) -> None:
        self._has_been_up = True
        if len(self._sessions) == 1:
            self.connected_since_ms = int(self._clock() * 1000)
            self._enter("Connected", "")
        self._report_connections("")
        self._first_tried.set()

    def _went_down(self, reason: str) -> None:
        self._report_connections(reason)
        if not self._sessions:
            self.connected_since_ms = 0
            self._enter("Disconnected", reason)

    def _failed(self, reason: str) -> None:
        if self._sessions:
            self._report_connections(reason)
        else:
            self._enter("ConnectFailure", reason)

    def _enter(self, state: State, reason: str) -> None:
        self.state = state
        self._record(
            TunnelState(Party.CLOUD_CONNECTOR, state, self._subaccount.subaccount, self._subaccount.location_id, reason)
        )
        self.tried.set()

    def _report_connections(self, reason: str) -> None:
        if self._connections > 1:
            self._record(
                TunnelConnections(
                    Party.CLOUD_CONNECTOR,
                    self._subaccount.subaccount,
                    self._subaccount.location_id,
                    len(self._sessions),
                    self._connections,
                    reason,
                )
            )


@contextlib.asynccontextmanager
async def _ended_early(scopes: set[asyncio.Timeout]) -> AsyncIterator[None]:
    """Run the block so that ``_end`` can end it; it then raises TimeoutError."""
    async with asyncio.timeout(None) as scope:
        scopes.add(scope)
        try:
            yield
        finally:
            scopes.discard(scope)


def _end(scopes: set[asyncio.Timeout]) -> None:
    for scope in scopes:
        if not scope.expired():
            scope.reschedule(asyncio.get_running_loop().time())
