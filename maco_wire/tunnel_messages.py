"""The first bytes of a stream in the tunnel: where the cloud side wants to go, and the connector's answer.

Ours, not SAP's (the real tunnel is not documented)::

    request   version 01 | virtual port, 2 bytes | n, 1 byte | virtual host, n bytes | m, 1 byte | trace ID, m bytes
    answer    version 01 | 00 accepted, or a refusal reason, 1 byte

Numbers are big endian. Everything behind the request or an accepting answer is payload. An answer carries no free text:
a text written on premise could tell the cloud side a real host name.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.host_names import check_port, encode_host, is_visible_ascii
from maco_wire.receive_buffer import ReceiveBuffer

PROTOCOL = "tunnel stream"
VERSION = 0x01
MAX_TRACE_ID_BYTES = 64

_HOST_START = 4  # version, port and length stand before the host
_ACCEPTED = 0x00


class RefusalReason(enum.IntEnum):
    """Why the connector opens no connection; the number is the byte on the wire."""

    NO_MAPPING = 0x01
    BACK_END_UNREACHABLE = 0x02
    BACK_END_TLS_FAILED = 0x03
    LIMIT_REACHED = 0x04
    INTERNAL_ERROR = 0x05


_REASONS = frozenset(RefusalReason)


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """The cloud side asks for a virtual host and port (1 to 65535); ``trace_id`` joins what both sides report."""

    virtual_host: str
    virtual_port: int
    trace_id: str


@dataclass(frozen=True, slots=True)
class OpenAccepted:
    """The back end is connected (and its TLS established, for a TCP TLS mapping); payload follows."""


@dataclass(frozen=True, slots=True)
class OpenRefused:
    """There is no connection; the stream ends."""

    reason: RefusalReason


Answer: TypeAlias = OpenAccepted | OpenRefused


def encode_open_request(request: OpenRequest) -> bytes:
    """Return the bytes of a request.

    Raises:
        LocalProtocolError: the host, the port or the trace ID (1 to 64 visible ASCII characters) does not fit.
    """
    host = encode_host(request.virtual_host)
    check_port(request.virtual_port)
    trace_id = request.trace_id.encode("utf-8", "surrogatepass")
    if not 1 <= len(trace_id) <= MAX_TRACE_ID_BYTES or not is_visible_ascii(trace_id):
        raise LocalProtocolError(f"a trace ID is 1 to {MAX_TRACE_ID_BYTES} visible ASCII characters")
    head = bytes([VERSION]) + request.virtual_port.to_bytes(2, "big")
    return head + bytes([len(host)]) + host + bytes([len(trace_id)]) + trace_id


def encode_answer(answer: Answer) -> bytes:
    """Return the bytes of an answer."""
    return bytes([VERSION, _ACCEPTED if isinstance(answer, OpenAccepted) else answer.reason])


class _Reader:
    """What both readers share: the version check, the end of the stream, and one message only."""

    def __init__(self) -> None:
        self._received = ReceiveBuffer()
        self._finished = False

    @property
    def trailing_data(self) -> bytes:
        """The first payload: what arrived behind the message; empty until the message is complete."""
        return bytes(self._received) if self._finished else b""

    def receive_eof(self) -> None:
        """Take the end of the stream.

        Raises:
            RemoteProtocolError: it came before the message was complete.
        """
        if not self._finished:
            self._finished = True
            raise RemoteProtocolError(PROTOCOL, "a complete message", "the end of the stream")

    def _append(self, data: bytes) -> None:
        if self._finished:
            raise LocalProtocolError("the message is complete: what follows is payload")
        self._received.append(data)
        version = self._received.byte(0)
        if version not in {None, VERSION}:
            raise self._breach(f"version {VERSION:02x}", f"{version:02x}")

    def _breach(self, expected: str, got: str) -> RemoteProtocolError:
        self._finished = True
        self._received.take_all()
        return RemoteProtocolError(PROTOCOL, expected, got)


class OpenRequestReader(_Reader):
    """Read the request at the connector's end of a stream."""

    def receive_data(self, data: bytes) -> OpenRequest | None:
        """Take bytes; return the request once it is complete.

        Raises:
            RemoteProtocolError: wrong version, host name, port or trace ID.
            LocalProtocolError: the request was complete already.
        """
        self._append(data)
        lengths = self._lengths()
        if lengths is None:
            return None
        host_size, trace_size = lengths
        message = self._received.take(_HOST_START + host_size + 1 + trace_size)
        return None if message is None else self._read(message, _HOST_START + host_size)

    def _lengths(self) -> tuple[int, int] | None:
        """Return the lengths of host and trace ID, None if they have not arrived, and check them before waiting."""
        host_size = self._received.byte(_HOST_START - 1)
        if host_size is None:
            return None
        if host_size == 0:
            raise self._breach("a host name", "an empty one")
        trace_size = self._received.byte(_HOST_START + host_size)
        if trace_size is None:
            return None
        if not 1 <= trace_size <= MAX_TRACE_ID_BYTES:
            raise self._breach(f"a trace ID of 1 to {MAX_TRACE_ID_BYTES} bytes", f"{trace_size} bytes")
        return host_size, trace_size

    def _read(self, message: bytes, host_end: int) -> OpenRequest:
        host, trace_id = message[_HOST_START:host_end], message[host_end + 1 :]
        port = int.from_bytes(message[1:3], "big")
        if port == 0:
            raise self._breach("a port from 1 to 65535", "0")
        if not is_visible_ascii(host + trace_id):
            raise self._breach("visible ASCII in host name and trace ID", "other bytes")
        self._finished = True
        return OpenRequest(host.decode("ascii"), port, trace_id.decode("ascii"))


class OpenAnswerReader(_Reader):
    """Read the answer at the cloud's end of a stream."""

    def receive_data(self, data: bytes) -> Answer | None:
        """Take bytes; return the answer once it is complete.

        Raises:
            RemoteProtocolError: wrong version or an unknown reason.
            LocalProtocolError: the answer was complete already.
        """
        self._append(data)
        message = self._received.take(2)
        if message is None:
            return None
        if message[1] != _ACCEPTED and message[1] not in _REASONS:
            raise self._breach("a known answer", f"{message[1]:02x}")
        self._finished = True
        return OpenAccepted() if message[1] == _ACCEPTED else OpenRefused(RefusalReason(message[1]))
