"""A TLS session as a byte stream: OpenSSL directly on the socket, no buffer of ours in between.

One rule: whatever OpenSSL was offered once and did not take is offered again unchanged, because a shorter or other
buffer after WANT_WRITE is an error (BAD_LENGTH).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
import weakref
from collections.abc import Callable
from typing import Any, Literal

from maco_net.alerts import alert_for_reason, alert_for_verify_code, alert_received
from maco_net.connected_socket import ConnectedSocket
from maco_net.errors import (
    HandshakeError,
    HandshakeFacts,
    NetError,
    PeerAlert,
    PeerBrokeTls,
    PeerReset,
    PeerTruncated,
)
from maco_net.readiness import Readiness
from maco_net.streams import CHUNK_BYTES, close_gently
from maco_net.tcp import TcpStream
from maco_wire.observation import Address

MAX_RECORD_PAYLOAD = 16 * 1024  # bytes; RFC 8446, section 5.1: "The length MUST NOT exceed 2^14 bytes."
CLOSE_NOTIFY_S = 0.5
"""How long a close waits for room to send its close_notify; a peer that reads nothing sees a truncated session then."""
_END_SEEN_BY_OPENSSL = "UNEXPECTED_EOF_WHILE_READING"
_ENCODING_DER = 2  # _ssl.ENCODING_DER

_asked_for: weakref.WeakKeyDictionary[ssl.SSLSocket, str] = weakref.WeakKeyDictionary()


class TlsStream(ConnectedSocket):
    """An established TLS session; ``facts`` is this end's view of its handshake."""

    __slots__ = (
        "_deferred",
        "_pending",
        "_read",
        "_write",
        "facts",
        "receives_when_writable",
        "sends_when_readable",
    )

    _sock: ssl.SSLSocket
    can_send_eof = False  # SSL_shutdown in one direction loses what the peer still sends: see design, section 10

    def __init__(self, sock: ssl.SSLSocket, readiness: Readiness, addresses: tuple[Address, Address]) -> None:
        super().__init__(sock, readiness, addresses)
        # OpenSSL's own calls: SSLSocket wraps each in two more, which every small frame would pay for. They must not
        # be used once the socket is closed: its number may be another connection's by then (see ``_closed``).
        ssl_object = sock._sslobj  # type: ignore[attr-defined]  # noqa: SLF001
        self._read: Callable[[int, memoryview], int] = ssl_object.read
        self._write: Callable[[bytes | bytearray | memoryview], int] = ssl_object.write
        self._pending: Callable[[], int] = ssl_object.pending
        self.facts = HandshakeFacts()
        self._deferred: NetError | Literal["end"] | None = None
        self.sends_when_readable = False
        """See TcpStream."""
        self.receives_when_writable = False
        """See TcpStream."""

    @property
    def has_more(self) -> bool:
        """See TcpStream: an end behind the bytes of the last read, the rest of a record, or what has to send first."""
        return self._deferred is not None or self.receives_when_writable or self._pending() > 0

    def receive_into(self, room: memoryview) -> int | None:
        """See TcpStream. Several records are gathered, because OpenSSL hands out one at a time.

        A record that comes short is the last one there is: whatever follows is told by the socket's readiness.
        """
        if self._deferred is not None:
            return self._raise_deferred()
        self.receives_when_writable = False
        filled, size = 0, len(room)
        try:
            while filled < size:
                count = self._read(size - filled, room[filled:] if filled else room)
                if count == 0:
                    return self._deferred_behind(filled, "end")
                filled += count
                if count < MAX_RECORD_PAYLOAD and not self._pending():
                    break
        except ssl.SSLWantReadError:
            return filled or None
        except ssl.SSLWantWriteError:
            self.receives_when_writable = True
            return filled or None
        except ssl.SSLZeroReturnError:
            return self._deferred_behind(filled, "end")
        except OSError as error:
            return self._deferred_behind(filled, self._translated(error))
        return filled

    def _deferred_behind(self, filled: int, what: NetError | Literal["end"]) -> int:
        """Hand out what came before an end or an error; that itself is told by the next call."""
        self._deferred = what
        return filled or self._raise_deferred()

    def _raise_deferred(self) -> int:
        if isinstance(self._deferred, NetError):
            raise self._deferred
        return 0

    def send_some(self, data: memoryview) -> int:
        """See TcpStream; at most one record a call, and after 0 the same bytes must be offered again."""
        self.sends_when_readable = False
        try:
            return self._write(data)
        except ssl.SSLWantWriteError:
            return 0
        except ssl.SSLWantReadError:
            self.sends_when_readable = True
            return 0
        except OSError as error:
            raise self._translated(error) from error

    def close_now(self) -> bool:
        """Send close_notify without waiting for the peer's, and close; False if the socket has no room for it now."""
        try:
            self._sock.unwrap()
        except ssl.SSLWantWriteError:
            return False
        except (OSError, ValueError):  # sent, but the peer's is not here; or the session is over already
            pass
        self._close()
        return True

    async def receive(self, max_bytes: int = CHUNK_BYTES) -> bytes:
        """See ByteStream; ``b""`` means that close_notify arrived."""
        if self._readiness.is_overdue():
            await asyncio.sleep(0)
        while True:
            try:
                return self._sock.recv(max_bytes)
            except ssl.SSLWantReadError:
                await self._readiness.readable()
            except ssl.SSLWantWriteError:
                await self._readiness.writable()
            except ssl.SSLZeroReturnError:
                return b""
            except OSError as error:
                raise self._translated(error) from error

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """See ByteStream."""
        rest = memoryview(data)
        if self._readiness.is_overdue():
            await asyncio.sleep(0)
        while rest:
            try:
                sent = self._sock.send(rest)
            except ssl.SSLWantWriteError:
                await self._readiness.writable()
            except ssl.SSLWantReadError:
                await self._readiness.readable()
            except OSError as error:
                raise self._translated(error) from error
            else:
                rest = rest[sent:]

    async def send_eof(self) -> None:
        """Do nothing: one direction of a TLS session is not ended alone."""

    def end_sending(self) -> None:
        """Do nothing; see ``send_eof``."""

    async def aclose(self) -> None:
        """Send close_notify without waiting for the peer's, then close."""
        try:
            async with asyncio.timeout(CLOSE_NOTIFY_S):
                await self._send_close_notify()
        except TimeoutError:
            pass
        finally:
            self._close()

    async def close_behind_alert(self) -> None:
        """Close after a failed handshake so that an alert just sent arrives; what follows is read raw and dropped."""
        self._readiness.close()
        self._tell_end()
        try:
            plain = TcpStream(socket.socket(fileno=self._sock.detach()))
        except PeerReset:
            return
        await close_gently(plain)

    def _closed(self) -> None:
        self._read = self._write = self._pending = _of_no_use
        super()._closed()

    def _translated(self, error: OSError) -> NetError:
        if isinstance(error, ssl.SSLEOFError):
            if error.reason == _END_SEEN_BY_OPENSSL or self._has_peer():
                return PeerTruncated("the peer ended TLS without close_notify")
            return PeerReset("reset by peer")  # older Pythons call a reset an end as well: CPython issue 115627
        if isinstance(error, ssl.SSLError):
            alert = alert_received(error)
            return PeerAlert(alert, _reason(error)) if alert else PeerBrokeTls(_reason(error))
        return PeerReset(error.strerror or str(error))

    def _has_peer(self) -> bool:
        try:
            self._sock.getpeername()
        except OSError:
            return False
        return True

    async def _send_close_notify(self) -> None:
        while True:
            try:
                self._sock.unwrap()
            except ssl.SSLWantWriteError:  # the alert stands behind data that the kernel still has to send
                await self._readiness.writable()
            except (OSError, ValueError):  # sent, but the peer's is not here; or the session is over already
                return
            else:
                return

    @property
    def peer_certificate(self) -> bytes | None:
        """The certificate that the peer presented (DER); verified, if this end's context verifies."""
        return self._sock.getpeercert(binary_form=True)

    async def handshake(self) -> None:
        """Run the handshake; raises HandshakeError."""
        while True:
            try:
                self._sock.do_handshake()
            except ssl.SSLWantReadError:
                await self._readiness.readable()
            except ssl.SSLWantWriteError:
                await self._readiness.writable()
            except OSError as error:
                raise HandshakeError(self._facts_of_failure(error)) from error
            else:
                self.facts = self._facts_of_success()
                return

    def timed_out(self, seconds: float) -> HandshakeError:
        """Return the error for a handshake that the peer let lie for ``seconds``."""
        return HandshakeError(self._facts(error=f"the peer did not finish the handshake within {seconds:g} s"))

    def _facts_of_success(self) -> HandshakeFacts:
        cipher = self._sock.cipher()
        return self._facts(
            version=self._sock.version() or "",
            cipher=cipher[0] if cipher else "",
            verified_chain=_chain(self._sock, "get_verified_chain"),
        )

    def _facts_of_failure(self, error: OSError) -> HandshakeFacts:
        if isinstance(error, ssl.SSLCertVerificationError):
            code = error.verify_code
            return self._facts(
                error=error.verify_message.rstrip("."),
                verify_code=code,
                alert_sent=alert_for_verify_code(code),
            )
        if isinstance(error, ssl.SSLEOFError):
            return self._facts(error="the peer closed the connection during the handshake")
        if isinstance(error, ssl.SSLError):
            sent, received = alert_for_reason(error), alert_received(error)
            return self._facts(error=_reason(error), alert_sent=sent, alert_received=received)
        return self._facts(error=error.strerror or str(error))

    def _facts(self, **known: Any) -> HandshakeFacts:
        name = _asked_for.get(self._sock) or self._sock.server_hostname or ""
        return HandshakeFacts(server_name=name, peer_chain=_chain(self._sock, "get_unverified_chain"), **known)


async def start_tls(
    stream: TcpStream,
    context: ssl.SSLContext,
    *,
    timeout_s: float,
    server_side: bool = False,
    server_name: str | None = None,
) -> TlsStream:
    """Begin TLS on a connection, as either end. The plain stream is used up, whatever the outcome.

    ``server_name`` is sent as SNI and, where the context says so, compared with the certificate. Raises HandshakeError,
    also for a ``server_name`` that is none. ``timeout_s`` is for the whole handshake.
    """
    if server_side and context.sni_callback is None:
        context.sni_callback = _remember_server_name
    addresses = (stream.local_address, stream.peer_address)
    plain = stream.detach()
    try:
        _check_server_name(server_name)
        sock = context.wrap_socket(
            plain,
            server_side=server_side,
            server_hostname=server_name,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
        )
    except (OSError, ValueError) as error:  # ValueError: OpenSSL cannot take the server name
        plain.close()
        text = (isinstance(error, OSError) and error.strerror) or str(error)
        raise HandshakeError(HandshakeFacts(server_name=server_name or "", error=text)) from error
    tls = TlsStream(sock, Readiness(sock), addresses)
    tls.when_closed, stream.when_closed = stream.when_closed, None
    try:
        async with asyncio.timeout(timeout_s):
            await tls.handshake()
    except TimeoutError as error:
        late = tls.timed_out(timeout_s)
        tls.abort()
        raise late from error
    except HandshakeError:
        await tls.close_behind_alert()
        raise
    except BaseException:
        tls.abort()
        raise
    return tls


def _of_no_use(*_: object) -> int:
    raise PeerReset("the stream was closed")


def _check_server_name(name: str | None) -> None:
    """Raise ValueError before ``wrap_socket`` does: it would leave its socket open."""
    if name is not None:
        name.encode("idna")


def _remember_server_name(sock: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
    if name is not None and isinstance(sock, ssl.SSLSocket):
        _asked_for[sock] = name


def _chain(sock: ssl.SSLSocket, which: Literal["get_unverified_chain", "get_verified_chain"]) -> tuple[bytes, ...]:
    """Return what the peer sent, or the path that OpenSSL verified.

    Nothing public tells before Python 3.13, of what was sent not even after a failed handshake.
    """
    try:
        if sys.version_info >= (3, 13):
            return tuple(getattr(sock, which)())
        raw = getattr(sock, "_sslobj", None)
        chain = getattr(raw, which)() if raw is not None else None
        return tuple(certificate.public_bytes(_ENCODING_DER) for certificate in chain or ())
    except (ValueError, OSError, AttributeError):  # the handshake broke off before there was a session
        return ()


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
