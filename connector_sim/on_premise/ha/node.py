"""One of a pair of Cloud Connectors: it plays master or shadow, and changes its part when it must.

The rules are in the two machines; this shell has the clock, the sockets and the tunnels. Only a master's tunnels are
dialled. Both of a pair have the same installation ID, so the one that takes over replaces the other's dead tunnels at
once, and no tunnel that was replaced comes back by dialling again.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from connector_sim.http_client import JsonClient
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.ha.answers import HaAnswers
from connector_sim.on_premise.ha.configuration import configuration_of
from connector_sim.on_premise.ha.following import follow
from connector_sim.on_premise.ha.link import Link, Role
from connector_sim.on_premise.ha.master import MasterMachine
from connector_sim.on_premise.ha.settings import HaSettings, ShadowAdmission
from connector_sim.on_premise.ha.shadow import ShadowMachine
from connector_sim.on_premise.ha.states import Do, MasterState, ShadowState
from maco_net.background import in_background
from maco_net.errors import NetError
from maco_net.listener import Listener
from maco_wire.observation import Address, HaState, Party, Record

MAX_CONNECTIONS = 32
NONE_CONNECTED = "not one subaccount could be connected"


class SwitchRefused(Exception):
    """The roles stay as they are; the text says why."""


@dataclass(frozen=True, slots=True)
class HaTrust:
    """What each of a pair shows to the other, and what it trusts."""

    server: ssl.SSLContext
    """Asks for a client certificate, and trusts the connectors' own authority alone."""
    client: ssl.SSLContext
    server_name: str


class HaNode:
    """One of a pair. The connector must be one that does not connect by itself."""

    def __init__(
        self,
        connector: CloudConnector,
        *,
        name: str,
        role: Role,
        settings: HaSettings,
        trust: HaTrust,
        record: Record,
        address: Address = ("127.0.0.1", 0),
        peer: Address | None = None,
    ) -> None:
        """Bind ``address``; ``peer`` is the other one's. Raises OSError."""
        self.connector = connector
        self.name = name
        self.role: Role = role
        self.first_role = role
        self.settled = asyncio.Event()
        """Set once a master's first tunnels were tried, or a shadow's first handshake."""
        self.settings = settings
        self.admission = ShadowAdmission()
        """Which shadow may bind, while this is the master."""
        self._first = (settings, peer)
        self._trust = trust
        self._record = record
        self._listener = Listener(*address)
        self.address = self._listener.address
        request_s = settings.request_timeout_ms / 1000
        self._client = JsonClient(trust.client, trust.server_name, settings.connect_timeout_ms / 1000, request_s)
        self.link = Link(self._client, name, peer)
        self._master = MasterMachine(settings)
        self._shadow = ShadowMachine(settings)
        self._wanted: list[Do] = []
        self._orders: list[tuple[bool, asyncio.Future[str]]] = []
        self._wake = asyncio.Event()
        self.is_dead = False
        self._reported: tuple[str, str] = ("", "")

    @property
    def state(self) -> MasterState | ShadowState:
        """Where this one is, in the words of its role."""
        return self._master.state if self.role == "master" else self._shadow.state

    @property
    def first_settings(self) -> HaSettings:
        """How it was to watch the other one when it was built."""
        return self._first[0]

    @property
    def message(self) -> str:
        """Why a shadow is where it is."""
        return self._shadow.message if self.role == "shadow" else ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Play a part while the block runs; the address is given up behind it."""
        answers = HaAnswers(self, self._trust.server, self._longest_s)
        serving = self._listener.serve(answers.serve, max_connections=MAX_CONNECTIONS)
        try:
            async with self.connector.running(), in_background(serving, self._live()):
                yield
        finally:
            self.close()

    def close(self) -> None:
        """Give up the address; needed only where ``running`` was never entered."""
        self._listener.close()

    async def kill(self) -> None:
        """Fall silent at once, as a process that is killed does."""
        self.is_dead = True
        self.close()
        self._wake.set()
        await self.connector.disconnect("killed")

    async def switch(self, *, force: bool = False) -> None:
        """Give the master's part to the shadow (SWITCH, or FORCE_SWITCH); running requests are aborted.

        Raises SwitchRefused where the shadow could connect no subaccount, or there is none; ``force`` makes this one a
        shadow all the same.
        """
        if self.role != "master":
            raise SwitchRefused("only a master can switch roles")
        if self._master.state is not MasterState.CONNECTED and not force:
            raise SwitchRefused(f"no shadow is connected: {self._master.state}")
        patient = Link(dataclasses.replace(self._client, request_s=self._longest_s), self.name, self.link.address)
        try:
            await patient.take_over(force=force)
        except NetError as error:
            if not force:
                raise SwitchRefused(f"the shadow did not take over: {error}") from error
        await self._step_down("roles were switched")

    def reset(self) -> None:
        """Let a master forget its shadow (DELETE of its state); one that is alive binds again with its next check."""
        if self.role == "master":
            self._master.reset()
            self._news()

    def watch_by(self, settings: HaSettings) -> None:
        """Watch the other one by other settings, from the next check on."""
        self.settings = self._master.settings = self._shadow.settings = settings
        self._client = dataclasses.replace(
            self._client,
            connect_s=settings.connect_timeout_ms / 1000,
            request_s=settings.request_timeout_ms / 1000,
        )
        self.link.use(self._client)

    def forget_master(self) -> bool:
        """Let a shadow forget where its master is (DELETE of its state); False while it is connected to it."""
        if self.role != "shadow" or not self._shadow.reset():
            return False
        self.link.address = None
        self.watch_by(HaSettings())
        self._news()
        return True

    def restore(self) -> None:
        """Put everything that was set at run time back; who is bound to whom stays."""
        settings, peer = self._first
        self.admission = ShadowAdmission()
        if settings != self.settings:
            self.watch_by(settings)
        self.link.address = self.link.address or peer

    def bind(self) -> None:
        """Bind a shadow to its master (operation CONNECT)."""
        self._want(self._shadow.connect())

    def leave(self) -> None:
        """Let a shadow leave its master (operation DISCONNECT); it takes over no more."""
        self._want(self._shadow.disconnect())

    def _want(self, actions: list[Do]) -> None:
        self._wanted += actions
        self._wake.set()

    # What the other one asks

    def asked_to_bind(self, shadow: str, address: Address) -> str:
        """Let a shadow bind; return why not, or nothing."""
        if self.role != "master":
            return "this is no master"
        if refusal := self.admission.refusal(address[0]):
            return refusal
        if not self._master.bind(self._now(), shadow):
            return f"the shadow {self._master.shadow} is bound already, and only one is supported"
        self.link.address = address
        self._news()
        return ""

    def asked_for_configuration(self, shadow: str) -> dict[str, Any] | None:
        """Return the configuration for the shadow that is bound."""
        if self.role != "master" or not self._master.synchronized(self._now(), shadow):
            return None
        self._news()
        return configuration_of(self.connector)

    def checked(self, shadow: str) -> bool:
        """Take a sign of life of the shadow; False if it is not bound."""
        is_bound = self._master.checked(self._now(), shadow)
        self._news()
        return is_bound

    def left(self, shadow: str) -> None:
        """Take the goodbye of the shadow."""
        self._master.left(shadow)
        self._news()

    async def asked_to_take_over(self, *, force: bool) -> str:
        """Take the master's part; return why not, or nothing."""
        if self.role != "shadow" or self._shadow.state is not ShadowState.READY:
            return f"this {self.role} is {self.state}"
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._orders.append((force, answer))
        self._wake.set()
        return await answer

    def _news(self) -> None:
        self._report()
        self._wake.set()

    # The two parts

    async def _live(self) -> None:
        if self.role == "master" and await self._other_is_master():
            self._become("shadow")  # "When the original master instance restarts, it first checks …"
        while not self.is_dead:
            await (self._be_master() if self.role == "master" else self._be_shadow())

    async def _be_master(self) -> None:
        self._report()
        await self.connector.connect()
        self.settled.set()
        while self.role == "master" and not self.is_dead:
            await self._wait_until(self._master.next_at)
            if self._master.tick(self._now()) and await self._other_is_master():
                await self._step_down("the other one has become master")
            self._report()

    async def _be_shadow(self) -> None:
        self._report()
        actions = self._shadow.connect()
        while self.role == "shadow" and not self.is_dead:
            actions = [*actions, *self._wanted]
            self._wanted.clear()
            while actions:
                self._report()
                actions += await self._do(actions.pop(0))
                self._report()
            self.settled.set()
            await self._follow_orders()
            if self.role == "shadow":
                await self._wait_until(self._shadow.next_at)
                actions = self._shadow.tick(self._now())

    async def _do(self, action: Do) -> list[Do]:
        if action is not Do.TAKE_OVER:
            return await follow(action, self._shadow, self.link, self.connector, own_address=self.address)
        await self._take_over(f"the master was lost: {self._shadow.message}", force=False)
        return []

    async def _follow_orders(self) -> None:
        orders, self._orders = self._orders, []
        for force, answer in orders:
            refusal = "this shadow is not READY"
            if self._shadow.asked_to_take_over():
                refusal = await self._take_over("roles were switched", force=force)
            if not answer.done():
                answer.set_result(refusal)

    async def _take_over(self, why: str, *, force: bool) -> str:
        """Open the tunnels and become master; return why not, or nothing."""
        if await self.connector.connect() or force:
            self._shadow.taken_over()
            self._become("master", why)
            return ""
        await self.connector.disconnect(NONE_CONNECTED)
        self._shadow.not_taken_over(self._now(), NONE_CONNECTED)
        return NONE_CONNECTED

    async def _step_down(self, why: str) -> None:
        self._become("shadow", why)
        await self.connector.disconnect(why)

    async def _other_is_master(self) -> bool:
        try:
            return await self.link.role() == "master"
        except NetError:
            return False

    def _become(self, role: Role, why: str = "") -> None:
        self.role = role
        self._master = MasterMachine(self.settings)
        self._shadow = ShadowMachine(self.settings)
        self._wanted.clear()
        self._report(why)
        self._wake.set()

    def _report(self, why: str = "") -> None:
        seen = (self.role, str(self.state))
        if seen != self._reported and not self.is_dead:
            self._reported = seen
            self._record(HaState(Party.CLOUD_CONNECTOR, self.role, str(self.state), why or self.message))

    async def _wait_until(self, at: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(at):
                await self._wake.wait()
        self._wake.clear()

    @property
    def _longest_s(self) -> float:
        """How long the longest request may take: that to take over, which waits for the tunnels."""
        tunnel = self.connector.settings
        return self.settings.request_timeout_ms / 1000 + tunnel.tunnel_connect_s + tunnel.tunnel_handshake_s

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
