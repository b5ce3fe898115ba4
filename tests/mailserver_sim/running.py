"""A mail server in a background thread, and the clients that the tests use against it."""

from __future__ import annotations

import asyncio
import datetime as dt
import imaplib
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from OpenSSL import SSL
from OpenSSL.crypto import X509

from certs.authority import Issued
from certs.cast import Cast
from certs.summary import summarize
from certs.trust import client_context, server_context
from maco_lab.background import background_loop
from maco_wire.canary import Canary
from maco_wire.observation import Observation
from mailserver_sim.reactor import ensure_reactor
from mailserver_sim.server import MailServer
from mailserver_sim.settings import Account, Listener, MailServerSettings

HOST_NAME = "mail.stadtwerke.example"
USER, PASSWORD, ADDRESS = "edifact", 'se"cr\\et', "edifact@stadtwerke.example"
OTHER_USER, OTHER_PASSWORD, OTHER_ADDRESS = "lieferant", "other", "lieferant@stadtwerke.example"
PROTOCOLS = ("imap", "imaps", "smtp", "submission", "smtps", "pop3", "pop3s")
TIMEOUT_S = 10

ResultT = TypeVar("ResultT")
ObservationT = TypeVar("ObservationT", bound=Observation)


class LoopThread:
    """The process's one loop, in its thread, with Twisted's reactor on it."""

    def __init__(self) -> None:
        self.background = background_loop()
        self.loop = self.call(asyncio.get_running_loop)
        self.call(lambda: ensure_reactor(self.loop))

    def run(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        return self.background.run(coroutine, timeout_s=TIMEOUT_S)

    def call(self, function: Callable[[], ResultT]) -> ResultT:
        async def run() -> ResultT:
            return function()

        return self.run(run())


class TlsFactory:
    """A context factory for Twisted; the lab has one like it."""

    def __init__(self, issued: Issued, client_anchor: Any = None) -> None:
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.set_min_proto_version(SSL.TLS1_2_VERSION)
        self._context.use_privatekey(issued.private_key)
        self._context.use_certificate(issued.certificate)
        for certificate in issued.chain:
            self._context.add_extra_chain_cert(certificate)
        if client_anchor is not None:
            store = self._context.get_cert_store()
            assert store is not None
            store.add_cert(X509.from_cryptography(client_anchor))
            self._context.set_verify(SSL.VERIFY_PEER, lambda *arguments: bool(arguments[-1]))

    def getContext(self) -> SSL.Context:  # noqa: N802 - Twisted's name
        return self._context


class Recorder:
    """Keep what is reported and let tests wait for it."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self._changed = threading.Condition()

    def __call__(self, observation: Observation) -> None:
        with self._changed:
            self.observations.append(observation)
            self._changed.notify_all()

    def of(self, kind: type[ObservationT]) -> list[ObservationT]:
        with self._changed:
            return [each for each in self.observations if isinstance(each, kind)]

    def wait_for(self, kind: type[ObservationT], count: int = 1) -> list[ObservationT]:
        with self._changed:
            enough = self._changed.wait_for(
                lambda: sum(isinstance(each, kind) for each in self.observations) >= count, TIMEOUT_S
            )
            assert enough, f"no {kind.__name__} among {self.observations}"
        return self.of(kind)


class RunningServer:
    """A started mail server with its recorder, its certificates and the thread it runs in."""

    def __init__(self, loop: LoopThread, cast: Cast, folder: Path, **changes: Any) -> None:
        canaries: tuple[Canary, ...] = changes.pop("canaries", ())
        client_anchor = changes.pop("client_anchor", None)
        settings = MailServerSettings(
            host_name=HOST_NAME,
            accounts=(Account(USER, PASSWORD, (ADDRESS,)), Account(OTHER_USER, OTHER_PASSWORD, (OTHER_ADDRESS,))),
            listeners=tuple(Listener(protocol) for protocol in PROTOCOLS),  # type: ignore[arg-type]
            store=folder / "mail.sqlite",
        )
        self.loop = loop
        self.cast = cast
        self.recorder = Recorder()
        self.server = MailServer(
            replace(settings, **changes),
            imap_tls=TlsFactory(cast.mail_server, client_anchor),
            smtp_tls=server_context(cast.mail_server),
            record=self.recorder,
            describe_certificate=summarize,
            canaries=canaries,
        )
        loop.run(self.server.start())

    def address(self, protocol: str) -> tuple[str, int]:
        return self.server.addresses[protocol]

    def port(self, protocol: str) -> int:
        return self.address(protocol)[1]

    def deliver(self, message: bytes, user: str = USER) -> int:
        return self.loop.run(self.server.deliver(user, message))

    def stop(self) -> None:
        self.loop.run(self.server.stop())

    def restart(self, issued: Issued, **changes: Any) -> None:
        settings = replace(self.server.settings, **changes)
        self.loop.run(self.server.restart(settings, imap_tls=TlsFactory(issued), smtp_tls=server_context(issued)))

    def client_context(self) -> ssl.SSLContext:
        context = client_context([self.cast.root_certificate], check_hostname=False)
        assert context.verify_mode is ssl.CERT_REQUIRED
        return context

    def imap(self, *, login: bool = True) -> imaplib.IMAP4_SSL:
        """Return the standard library's client on the port that begins with TLS."""
        host, port = self.address("imaps")
        client = imaplib.IMAP4_SSL(host, port, ssl_context=self.client_context(), timeout=TIMEOUT_S)
        if login:
            client.login(USER, PASSWORD)
        return client

    def raw(self, protocol: str = "imap") -> RawClient:
        """Return a plain socket past the greeting."""
        client = RawClient(socket.create_connection(self.address(protocol), TIMEOUT_S))
        client.line()
        return client

    def raw_logged_in(self, protocol: str = "imaps") -> RawClient:
        """Return a TLS socket past greeting and login."""
        plain = socket.create_connection(self.address(protocol), TIMEOUT_S)
        if protocol == "imap":
            with plain.makefile("rb") as lines:
                lines.readline()
                plain.sendall(b"s STARTTLS\r\n")
                lines.readline()
        client = RawClient(self.client_context().wrap_socket(plain, server_hostname=HOST_NAME))
        if protocol == "imaps":
            client.line()
        answer = client.command(b'login LOGIN edifact "se\\"cr\\\\et"')
        assert answer[-1].startswith(b"login OK"), answer
        return client


class RawClient:
    """Bytes over a socket: what no well-behaved client would send."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._file = connection.makefile("rb")

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def line(self) -> bytes:
        return self._file.readline().removesuffix(b"\r\n")

    def read(self, count: int) -> bytes:
        return self._file.read(count)

    def rest(self) -> bytes:
        """Return what comes until the server closes."""
        return self._file.read()

    def rest_or_reset(self) -> bytes:
        """Return what comes until the server closes, in whatever way."""
        try:
            return self.rest()
        except ConnectionResetError:
            return b""

    def answer(self, tag: bytes) -> list[bytes]:
        """Return the lines up to the tagged one; the lines of a literal count as lines."""
        lines: list[bytes] = []
        while not lines or not lines[-1].startswith(tag + b" "):
            line = self._file.readline()
            assert line, f"the connection ended after {lines}"
            lines.append(line.removesuffix(b"\r\n"))
        return lines

    def command(self, line: bytes) -> list[bytes]:
        self.send(line + b"\r\n")
        return self.answer(line.split(b" ", 1)[0])

    def close(self) -> None:
        self._file.close()
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def make_cast() -> Cast:
    return Cast(dt.datetime.now(dt.UTC), mail_host=HOST_NAME)


def mail(subject: str = "MSCONS", body: str = "UNA:+.? '", **fields: str) -> bytes:
    """Return a mail; keywords add fields, with ``_`` for ``-``."""
    header = {
        "From": "Netz <netz@nb.example>",
        "To": f"Stadtwerke <{ADDRESS}>",
        "Subject": subject,
        "Date": "Tue, 03 Nov 2026 23:30:00 -0500",
    }
    header.update({name.replace("_", "-").title(): value for name, value in fields.items()})
    lines = "".join(f"{name}: {value}\r\n" for name, value in header.items())
    return (lines + "\r\n" + body + "\r\n").encode()
