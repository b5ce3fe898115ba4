"""Recognize a TLS ClientHello in bytes that somebody else will handle, and read what it says in clear.

A peek is an onlooker: it never answers, never fails the connection, and holds no more than 16 KiB + 5 bytes. Whatever
is not a readable ClientHello is ``NotTls`` with the reason. Layout: RFC 8446, sections 4.1.2 and 5.1; server name:
RFC 6066, section 3; ALPN: RFC 7301, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from maco_wire.exceptions import LocalProtocolError

MAX_RECORD_PAYLOAD = 16 * 1024  # RFC 8446, section 5.1: "The length MUST NOT exceed 2^14 bytes"
MAX_PEEKED = MAX_RECORD_PAYLOAD + 5  # ours, for the whole ClientHello: one full record

_RECORD_HEADER_SIZE = 5
_HANDSHAKE_HEADER_SIZE = 4
_HANDSHAKE_RECORD = 0x16  # RFC 8446, section 5.1
_MAJOR_VERSION = 0x03  # every record of SSL 3.0 to TLS 1.3 says 03 xx
_CLIENT_HELLO = 0x01  # RFC 8446, section 4
_RANDOM_SIZE = 32

_SERVER_NAME = 0  # RFC 6066, section 1.1
_ALPN = 16  # RFC 7301, section 3.1
_SUPPORTED_VERSIONS = 43  # RFC 8446, section 4.2
_HOST_NAME = 0  # RFC 6066, section 3: NameType


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a ClientHello says in clear; numbers as on the wire (0x0303 is TLS 1.2), GREASE values included.

    ``server_name`` is empty without SNI; ``supported_versions`` is empty for clients older than TLS 1.3. Bytes that are
    not ASCII appear as backslash escapes.
    """

    server_name: str
    legacy_version: int
    supported_versions: tuple[int, ...]
    alpn: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotTls:
    """The bytes do not begin with a ClientHello that could be read."""

    reason: str


Verdict: TypeAlias = ClientHello | NotTls


def looks_like_client_hello(data: bytes | memoryview) -> bool:
    """Tell from the first six bytes whether a TLS ClientHello begins here; fewer bytes are a no."""
    return (
        len(data) > _RECORD_HEADER_SIZE
        and data[0] == _HANDSHAKE_RECORD
        and data[1] == _MAJOR_VERSION
        and data[_RECORD_HEADER_SIZE] == _CLIENT_HELLO
    )


class TlsPeek:
    """Collect the first bytes of one direction until they prove to be a ClientHello or not."""

    def __init__(self) -> None:
        self._record = bytearray()  # bytes of records not yet complete
        self._handshake = bytearray()  # payload of complete records: a ClientHello may be cut over several
        self._peeked = 0
        self._decided = False

    def receive_data(self, data: bytes | bytearray | memoryview) -> Verdict | None:
        """Take the next bytes; return the verdict once there is one, None while more bytes are needed.

        Raises:
            LocalProtocolError: the verdict was given before.
        """
        if self._decided:
            raise LocalProtocolError("the verdict on these bytes was given before")
        room = MAX_PEEKED - self._peeked
        self._record += data[:room]
        self._peeked += min(len(data), room)
        try:
            hello = self._read_records()
            if hello is None and self._peeked == MAX_PEEKED:
                return self._decide(NotTls(f"no complete ClientHello in {MAX_PEEKED} bytes"))
        except _NotReadableError as error:
            return self._decide(NotTls(str(error)))
        return None if hello is None else self._decide(hello)

    def _decide(self, verdict: Verdict) -> Verdict:
        self._decided = True
        self._record.clear()
        self._handshake.clear()
        return verdict

    def _read_records(self) -> ClientHello | None:
        """Move complete records over until the ClientHello is complete; what follows it is not looked at."""
        while self._record:
            size = _record_size(self._record)
            self._check_handshake_type()
            if size is None or len(self._record) < size:
                return None
            self._handshake += self._record[_RECORD_HEADER_SIZE:size]
            del self._record[:size]
            hello = self._read_handshake()
            if hello is not None:
                return hello
        return None

    def _check_handshake_type(self) -> None:
        """Judge the first handshake byte as soon as it is there: a record of 16 KiB need not be waited for."""
        begun = self._handshake[:1] or self._record[_RECORD_HEADER_SIZE : _RECORD_HEADER_SIZE + 1]
        if begun and begun[0] != _CLIENT_HELLO:
            raise _NotReadableError(f"handshake message {begun[0]}, not a ClientHello")

    def _read_handshake(self) -> ClientHello | None:
        if len(self._handshake) < _HANDSHAKE_HEADER_SIZE:
            return None
        end = _HANDSHAKE_HEADER_SIZE + int.from_bytes(self._handshake[1:_HANDSHAKE_HEADER_SIZE], "big")
        if end > MAX_RECORD_PAYLOAD:
            raise _NotReadableError(f"a ClientHello of {end} bytes")
        if len(self._handshake) < end:
            return None
        return _read_client_hello(_Fields(bytes(self._handshake[_HANDSHAKE_HEADER_SIZE:end])))


def _record_size(record: bytearray) -> int | None:
    """Return the size of the record with its header, None until the header is there."""
    if record[0] != _HANDSHAKE_RECORD:
        raise _NotReadableError(f"first byte {record[0]:02x}, not a handshake record")
    if len(record) > 1 and record[1] != _MAJOR_VERSION:
        raise _NotReadableError(f"record version {record[1]:02x}, not 03")
    if len(record) < _RECORD_HEADER_SIZE:
        return None
    length = int.from_bytes(record[3:_RECORD_HEADER_SIZE], "big")
    # RFC 8446, section 5.1: "Implementations MUST NOT send zero-length fragments of Handshake types".
    if not 1 <= length <= MAX_RECORD_PAYLOAD:
        raise _NotReadableError(f"a handshake record of {length} bytes")
    return _RECORD_HEADER_SIZE + length


def _read_client_hello(body: _Fields) -> ClientHello:
    """Read the body of a ClientHello (RFC 8446, section 4.1.2)."""
    legacy_version = body.number(2)
    body.take(_RANDOM_SIZE)
    body.vector(1)  # legacy_session_id
    body.vector(2)  # cipher_suites
    body.vector(1)  # legacy_compression_methods
    # Old clients may end here: by RFC 5246, section 7.4.1.2, the bytes left tell whether there are extensions.
    extensions = _read_extensions(body.vector(2)) if body.left else {}
    return ClientHello(
        server_name=_read_server_name(extensions.get(_SERVER_NAME)),
        legacy_version=legacy_version,
        supported_versions=_read_versions(extensions.get(_SUPPORTED_VERSIONS)),
        alpn=_read_protocols(extensions.get(_ALPN)),
    )


def _read_extensions(block: _Fields) -> dict[int, _Fields]:
    extensions: dict[int, _Fields] = {}
    while block.left:
        number = block.number(2)
        extensions.setdefault(number, block.vector(2))
    return extensions


def _read_server_name(extension: _Fields | None) -> str:
    names = extension.vector(2) if extension is not None else None
    while names is not None and names.left:
        kind, name = names.number(1), names.vector(2)
        if kind == _HOST_NAME:
            return name.text()
    return ""


def _read_versions(extension: _Fields | None) -> tuple[int, ...]:
    versions = [] if extension is None else extension.vector(1).numbers(2)
    return tuple(versions)


def _read_protocols(extension: _Fields | None) -> tuple[str, ...]:
    protocols: list[str] = []
    listed = extension.vector(2) if extension is not None else None
    while listed is not None and listed.left:
        protocols.append(listed.vector(1).text())
    return tuple(protocols)


class _NotReadableError(Exception):
    """The bytes are no ClientHello; it never leaves this module."""


class _Fields:
    """Read the fields of a TLS structure one after the other (presentation language: RFC 8446, section 3)."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._position

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise _NotReadableError(f"a field of {count} bytes where {self.left} are left")
        taken = self._data[self._position : self._position + count]
        self._position += count
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def numbers(self, size: int) -> list[int]:
        return [self.number(size) for _ in range(-(-self.left // size))]

    def vector(self, length_size: int) -> _Fields:
        return _Fields(self.take(self.number(length_size)))

    def text(self) -> str:
        return self._data.decode("ascii", "backslashreplace")
