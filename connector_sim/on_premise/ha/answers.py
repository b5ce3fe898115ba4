"""The server's half of what master and shadow say to each other; see ``link`` for the other half."""

from __future__ import annotations

import http
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from connector_sim.http_server import HttpAnswer, HttpRequest, serve_http
from connector_sim.on_premise.ha import link
from maco_net.tcp import TcpStream
from maco_net.tls import start_tls
from maco_wire.observation import Address

MAX_NAME = 200


class Asked(Protocol):
    """Who is asked: one of a pair."""

    role: link.Role

    @property
    def connector(self) -> Any:
        """Its connector, which counts its changes."""

    def asked_to_bind(self, shadow: str, address: Address) -> str:
        """Return why not, or nothing."""

    def asked_for_configuration(self, shadow: str) -> dict[str, Any] | None:
        """Return None to whoever is not bound."""

    def checked(self, shadow: str) -> bool:
        """Tell whether the shadow is bound."""

    def left(self, shadow: str) -> None:
        """Take a goodbye."""

    async def asked_to_take_over(self, *, force: bool) -> str:
        """Return why not, or nothing."""


class HaAnswers:
    """Answers the other one."""

    def __init__(self, asked: Asked, context: ssl.SSLContext, longest_s: float) -> None:
        self._asked = asked
        self._context = context
        self._longest_s = longest_s
        self._handlers: Mapping[str, Callable[[str, Mapping[str, Any]], HttpAnswer | Awaitable[HttpAnswer]]] = {
            link.HANDSHAKE: self._handshake,
            link.CONFIGURATION: self._configuration,
            link.CHECK: self._check,
            link.GOODBYE: self._goodbye,
            link.ROLE: self._role,
            link.TAKE_OVER: self._take_over,
        }

    async def serve(self, stream: TcpStream) -> None:
        """Serve one connection; raises NetError for one without a certificate of the connectors' own authority."""
        tls = await start_tls(stream, self._context, server_side=True, timeout_s=self._longest_s)
        await serve_http(tls, self._handle, timeout_s=self._longest_s)

    def _handle(self, request: HttpRequest) -> HttpAnswer | Awaitable[HttpAnswer]:
        handler = self._handlers.get(request.path)
        if handler is None or request.method != "POST":
            return _no(http.HTTPStatus.METHOD_NOT_ALLOWED, "not a request of a pair")
        try:
            content = json.loads(request.body)
        except (ValueError, RecursionError):
            content = None
        name = content.get("name") if isinstance(content, dict) else None
        if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
            return _no(http.HTTPStatus.BAD_REQUEST, "a request without a name")
        return handler(name, content)

    def _handshake(self, name: str, content: Mapping[str, Any]) -> HttpAnswer:
        match content.get("address"):
            case [str(host), int(port)] if len(host) <= MAX_NAME and 0 < port < 65_536:
                why_not = self._asked.asked_to_bind(name, (host, port))
                return _no(http.HTTPStatus.CONFLICT, why_not) if why_not else HttpAnswer(http.HTTPStatus.OK, {})
        return _no(http.HTTPStatus.BAD_REQUEST, "a handshake without an address")

    def _configuration(self, name: str, _: Mapping[str, Any]) -> HttpAnswer:
        configuration = self._asked.asked_for_configuration(name)
        if configuration is None:
            return _no(http.HTTPStatus.CONFLICT, "not bound")
        return HttpAnswer(http.HTTPStatus.OK, configuration)

    def _check(self, name: str, _: Mapping[str, Any]) -> HttpAnswer:
        if self._asked.role != "master":
            return _no(http.HTTPStatus.CONFLICT, "this is no master")
        if not self._asked.checked(name):
            return _no(http.HTTPStatus.NOT_FOUND, "not bound")
        return HttpAnswer(http.HTTPStatus.OK, {"revision": self._asked.connector.revision})

    def _goodbye(self, name: str, _: Mapping[str, Any]) -> HttpAnswer:
        self._asked.left(name)
        return HttpAnswer(http.HTTPStatus.OK, {})

    def _role(self, _: str, __: Mapping[str, Any]) -> HttpAnswer:
        return HttpAnswer(http.HTTPStatus.OK, {"role": self._asked.role})

    async def _take_over(self, _: str, content: Mapping[str, Any]) -> HttpAnswer:
        why_not = await self._asked.asked_to_take_over(force=content.get("force") is True)
        return _no(http.HTTPStatus.CONFLICT, why_not) if why_not else HttpAnswer(http.HTTPStatus.OK, {})


def _no(status: http.HTTPStatus, error: str) -> HttpAnswer:
    return HttpAnswer(status, {"error": error})
