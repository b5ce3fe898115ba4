"""What one of a pair says to the other: small JSON messages over mutual TLS.

How SAP's master and shadow talk is not documented. Here each is an HTTP/1.1 server on its ``haPort`` and asks the
other by POST; both show certificates of the connectors' own authority, so nobody else can make one of them give up
its tunnels.
"""

from __future__ import annotations

import http
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from connector_sim.http_client import HttpBroken, JsonClient
from maco_net.errors import NetError
from maco_wire.observation import Address

Role: TypeAlias = Literal["master", "shadow"]

HANDSHAKE, CONFIGURATION, CHECK, GOODBYE, ROLE, TAKE_OVER = (
    "/ha/handshake",
    "/ha/configuration",
    "/ha/check",
    "/ha/goodbye",
    "/ha/role",
    "/ha/take-over",
)


class Declined(NetError):
    """The other one answered, and said no."""


class NotBound(Declined):
    """The master answered that it does not know this shadow."""


class Link:
    """The way to the other one of a pair; ``address`` may become known later, and change."""

    def __init__(self, client: JsonClient, name: str, address: Address | None) -> None:
        self.address = address
        self._client = client
        self._name = name

    def use(self, client: JsonClient) -> None:
        """Ask by another client, from the next request on."""
        self._client = client

    async def shake_hands(self, own_address: Address) -> None:
        """Bind to the master. Raises NetError."""
        await self._ask(HANDSHAKE, {"address": list(own_address)})

    async def configuration(self) -> Mapping[str, Any]:
        """Fetch the master's configuration. Raises NetError."""
        return await self._ask(CONFIGURATION)

    async def check(self) -> int:
        """Ask the master whether it is alive; return the revision of its configuration. Raises NetError."""
        return _integer(await self._ask(CHECK), "revision")

    async def say_goodbye(self) -> None:
        """Tell the master that its shadow leaves. Raises NetError."""
        await self._ask(GOODBYE)

    async def role(self) -> str:
        """Ask the other one for its role. Raises NetError."""
        return str((await self._ask(ROLE)).get("role"))

    async def take_over(self, *, force: bool) -> None:
        """Ask the shadow to become master. Raises NetError, Declined if it cannot."""
        await self._ask(TAKE_OVER, {"force": force})

    async def _ask(self, path: str, content: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        if self.address is None:
            raise Declined("the address of the other one is not known")
        status, answer = await self._client.post(self.address, path, {"name": self._name, **(content or {})})
        if not isinstance(answer, dict):
            raise HttpBroken(f"an answer to {path} that is no object")
        if status == http.HTTPStatus.OK:
            return answer
        error = str(answer.get("error", status))
        raise NotBound(error) if status == http.HTTPStatus.NOT_FOUND and path == CHECK else Declined(error)


def _integer(answer: Mapping[str, Any], key: str) -> int:
    value = answer.get(key)
    if not isinstance(value, int):
        raise HttpBroken(f"an answer without {key}")
    return value
