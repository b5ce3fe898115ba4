"""Listen for IMAP connections with Twisted on the running loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, cast

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure

from maco_wire.observation import Address
from mailserver_sim.admission import REFUSAL_S, Admission, log_out_of_descriptors
from mailserver_sim.imap.connection import ImapConnection, ImapServices
from mailserver_sim.imap.counting import CountedPort

BACKLOG = 256
_LOGGED_AS = f"{CountedPort.__module__}.{CountedPort.__qualname__}"


class ImapFactory(ServerFactory):
    """Make a connection object for every client; ``implicit_tls`` is port 993."""

    noisy = False
    connection_class: ClassVar[Callable[..., Protocol]] = ImapConnection
    too_many: ClassVar[bytes] = b"* BYE [UNAVAILABLE] Too many connections\r\n"
    """RFC 3501, section 7.1.5: BYE as the greeting "is used to refuse the connection"; RFC 5530 for UNAVAILABLE."""

    def __init__(self, services: ImapServices, admission: Admission, *, implicit_tls: bool) -> None:
        self._services = services
        self._admission = admission
        self._implicit_tls = implicit_tls

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:  # noqa: ARG002, N802 - Twisted's signature
        """Return the protocol of one connection; None closes it."""
        if not self._admission.is_full:
            return self.connection_class(self._services, self._admission, implicit_tls=self._implicit_tls)
        if not self._admission.may_refuse_in_words:
            return None
        return _Refusal(self._services, self._admission, self.too_many, implicit_tls=self._implicit_tls)


class _Refusal(Protocol):
    """Tell a client that there are too many connections, and close."""

    def __init__(self, services: ImapServices, admission: Admission, words: bytes, *, implicit_tls: bool) -> None:
        self._services = services
        self._admission = admission
        self._words = words
        self._implicit_tls = implicit_tls
        self._timer: Any = None

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Say it; Twisted keeps it until the TLS handshake is done."""
        from twisted.internet import reactor

        self._services.connections.add(self)
        self._admission.refuse(self)
        self._timer = cast("Any", reactor).callLater(REFUSAL_S, self.abort)
        transport = cast("Any", self.transport)
        if self._implicit_tls:
            transport.startTLS(self._services.tls)
        transport.write(self._words)
        transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002, N802 - Twisted's signature
        """Let go of everything."""
        if self._timer.active():
            self._timer.cancel()
        self._services.connections.discard(self)
        self._admission.leave(self)

    def abort(self) -> None:
        """Close at once."""
        cast("Any", self.transport).abortConnection()

    stop = abort


class ImapPort:
    """One bound port."""

    factory_class: ClassVar[type[ImapFactory]] = ImapFactory

    def __init__(self, services: ImapServices, host: str, port: int, *, implicit_tls: bool) -> None:
        """Bind and listen. Raises OSError."""
        from twisted.internet import reactor
        from twisted.internet.error import CannotListenError

        admission = Admission(
            services.settings.max_connections_per_port,
            lambda text: services.reporting.problem(text, local=self.address),
        )
        factory = self.factory_class(services, admission, implicit_tls=implicit_tls)
        try:
            self._port = CountedPort(port, cast("Any", factory), BACKLOG, host, cast("Any", reactor))
            self._port.startListening()
        except CannotListenError as error:
            raise error.socketError from error
        bound = self._port.getHost()
        self.address: Address = (bound.host, bound.port)
        globalLogPublisher.addObserver(cast("Any", _out_of_descriptors))  # a second time does nothing

    async def close(self) -> None:
        """Stop listening; the port is free then."""
        stopped = self._port.stopListening()
        if stopped is not None:
            await stopped.asFuture(asyncio.get_running_loop())


def _out_of_descriptors(event: LogEvent) -> None:
    """Pass on what Twisted logs when it has to close waiting connections for want of a file descriptor."""
    if event.get("log_namespace") != _LOGGED_AS:
        return
    if "EMFILE" in (event.get("log_format") or "") or event.get("acceptError") == "EMFILE":
        log_out_of_descriptors()
