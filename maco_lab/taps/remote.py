"""Taps on the customer's LAN when the Cloud Connector has a process of its own and the taps are in its parent's.

The connector asks its parent before it dials: the parent puts the tap in and dials the back end ahead, so that what is
not there is met as without a tap. Both ends of that conversation are here; ``attached`` and ``party_process`` carry it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, cast

from connector_sim.on_premise.back_end import BackEndOpener, Resolve
from connector_sim.on_premise.settings import ConnectorSettings, SystemMapping
from connector_sim.on_premise.trust_store import BackEndTrustStore
from maco_lab.taps.tap import Tap
from maco_lab.taps.taps import Taps
from maco_net.errors import ConnectError, ConnectFailure
from maco_net.tcp import TcpStream
from maco_wire.observation import Address

Ask: TypeAlias = Callable[..., Awaitable[Mapping[str, Any]]]
"""Asks the parent: the question's name, and what it is about as keywords. Plain data both ways."""

Reply: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[None]]


class RemotelyTappedBackEndOpener(BackEndOpener):
    """The connector's end."""

    def __init__(
        self,
        ask: Ask,
        settings: ConnectorSettings,
        trust_store: BackEndTrustStore,
        resolve: Resolve,
        **reporting: Any,
    ) -> None:
        super().__init__(settings, trust_store, self._tapped, **reporting)
        self._ask = ask
        self._names = resolve
        self._connect_s = settings.connect_s
        self._taps: dict[Address, Address] = {}

    async def dial(self, mapping: SystemMapping) -> TcpStream:
        """See BackEndOpener."""
        back_end = self._names(mapping.internal_host, mapping.internal_port)
        ahead = await self._dialled_ahead(back_end) if back_end else None
        if ahead is None:
            return await super().dial(mapping)
        has_failed = True
        try:
            dialled = await super().dial(mapping)
            has_failed = False
            return dialled
        finally:
            await asyncio.shield(self._ask("dialled", ahead=ahead, has_failed=has_failed))

    async def _dialled_ahead(self, back_end: Address) -> int | None:
        """Return the number of a connection that waits behind the tap; None if there is no tap left."""
        answer = await self._ask("dial_ahead", server=back_end, timeout_s=self._connect_s)
        if "failure" in answer:
            raise ConnectError(*back_end, cast("ConnectFailure", answer["failure"]), str(answer["detail"]))
        if answer["tap"] is None:
            return None
        host, port = answer["tap"]
        self._taps[back_end] = str(host), int(port)
        return int(answer["ahead"])

    def _tapped(self, host: str, port: int) -> Address | None:
        back_end = self._names(host, port)
        return back_end and self._taps.get(back_end, back_end)


class TapDesk:
    """The parent's end: answers one Cloud Connector's questions, each in a task that ends with the connector."""

    def __init__(self, taps: Taps) -> None:
        self._taps = taps
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[bool]] = {}

    async def serve(self, question: Mapping[str, Any], reply: Reply) -> None:
        """Answer one question."""
        match question:
            case {"question": "dial_ahead", "server": [str(host), int(port)], "timeout_s": int() | float() as limit_s}:
                await self._dial_ahead((host, port), limit_s, reply)
            case {"question": "dialled", "ahead": int(number), "has_failed": bool(has_failed)}:
                if (waiting := self._waiting.get(number)) and not waiting.done():
                    waiting.set_result(has_failed)
                await reply({})

    async def _dial_ahead(self, server: Address, limit_s: float, reply: Reply) -> None:
        tap = self._taps.before_back_end(server)
        if tap is None:
            await reply({"tap": None})
            return
        try:
            stream = await tap.dial_ahead(limit_s)
        except ConnectError as error:
            await reply({"failure": error.kind, "detail": error.detail})
            return
        await self._hold(tap, stream, reply)

    async def _hold(self, tap: Tap, stream: TcpStream, reply: Reply) -> None:
        """Hold a connection until the connector has come for it; if it does not, or is gone, give it back."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        has_failed = True
        try:
            await reply({"tap": tap.address, "ahead": number})
            has_failed = await self._waiting[number]
        finally:
            del self._waiting[number]
            if has_failed:
                tap.give_back(stream)
