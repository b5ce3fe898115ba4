"""TLS records, as far as TLS 1.2 and 1.3 have them in common. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

HEADER_SIZE = 5  # RFC 8446, section 5.1: type, legacy version, length
MAX_RECORD = (1 << 14) + 2048  # RFC 5246, section 6.2.3; TLS 1.3 allows less
RANDOM_SIZE = 32
RANDOM_AT = 4 + 2  # in a hello: behind the header of the message and the version

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23  # RFC 8446, section 5.1
CLIENT_HELLO, SERVER_HELLO, FINISHED = 1, 2, 20  # RFC 8446, section 4
_CONTENT_TYPES = frozenset({CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA})
_SUPPORTED_VERSIONS = 43  # RFC 8446, section 4.2

Aead: TypeAlias = AESGCM | ChaCha20Poly1305


class Suite(NamedTuple):
    """What a cipher suite is made of."""

    aead: Callable[[bytes], Aead]
    key_size: int
    digest: hashes.HashAlgorithm


class Record(NamedTuple):
    """One record; ``header`` is as it was on the wire."""

    content_type: int
    header: bytes
    body: bytes


class NotOpened(Exception):
    """The keys do not fit, a record is missing, or the session is of a kind that is not opened here."""


class ServerHello(NamedTuple):
    """What the server has chosen; ``version`` is the real one."""

    random: bytes
    version: int
    suite: int


def records(data: bytes, *, drop_partial: bool = False) -> list[Record]:
    """Split into records; one that was cut off at the end is kept, so that it fails to open, unless told otherwise.

    Raises NotOpened for what is no TLS.
    """
    found: list[Record] = []
    at = 0
    while at < len(data):
        header = data[at : at + HEADER_SIZE]
        size = int.from_bytes(header[3:5], "big")
        if header[0] not in _CONTENT_TYPES or header[1:2] not in {b"\x03", b""} or size > MAX_RECORD:
            raise NotOpened
        begins, at = at + HEADER_SIZE, at + HEADER_SIZE + size
        if at <= len(data) or not drop_partial:
            found.append(Record(header[0], header, data[begins:at]))
    return found


def server_hello(server: list[Record]) -> ServerHello:
    """Read the ServerHello at the begin of what a server said (RFC 8446, section 4.1.3). Raises NotOpened."""
    if not server or server[0].content_type != HANDSHAKE or len(server[0].body) <= RANDOM_AT + RANDOM_SIZE:
        raise NotOpened
    hello = server[0].body
    size = 4 + int.from_bytes(hello[1:4], "big")
    at = RANDOM_AT + RANDOM_SIZE
    random = hello[RANDOM_AT:at]
    at += 1 + hello[at]
    chosen = _extension(hello[at + 5 : size], _SUPPORTED_VERSIONS) or hello[4:6]
    return ServerHello(random, int.from_bytes(chosen, "big"), int.from_bytes(hello[at : at + 2], "big"))


def _extension(extensions: bytes, wanted: int) -> bytes:
    at = 0
    while at + 4 <= len(extensions):
        size = int.from_bytes(extensions[at + 2 : at + 4], "big")
        if int.from_bytes(extensions[at : at + 2], "big") == wanted:
            return extensions[at + 4 : at + 4 + size]
        at += 4 + size
    return b""
