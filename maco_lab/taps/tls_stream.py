"""Find TLS in what a tap saw, and open it with keys that a party has logged. Pure: bytes in, bytes out.

TLS 1.3 with the cipher suites of RFC 8446, section B.4, that OpenSSL offers. Each record is authenticated and numbered,
so what could be opened to its last record is complete and unchanged. What is not opened here (TLS 1.2, a session that
changes its keys by KeyUpdate) is None, never half an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from maco_lab.taps.conversation import Conversation

HEADER_SIZE = 5  # RFC 8446, section 5.1: type, legacy version, length
MAX_RECORD = (1 << 14) + 256  # RFC 8446, section 5.2
RANDOM_AT = HEADER_SIZE + 4 + 2  # behind the headers of record and handshake message, and legacy_version
RANDOM_SIZE = 32

_ALERT, _HANDSHAKE, _APPLICATION_DATA = 21, 22, 23  # RFC 8446, section 5.1; 20 is change_cipher_spec
_CONTENT_TYPES = frozenset({20, _ALERT, _HANDSHAKE, _APPLICATION_DATA})
_CLIENT_HELLO, _SERVER_HELLO, _FINISHED = 1, 2, 20  # RFC 8446, section 4
_SUPPORTED_VERSIONS, _TLS_1_3 = 43, b"\x03\x04"
_TLS_1_2 = b"\x03\x03"  # RFC 8446, section 4.1.2: legacy_version of every ClientHello since

_Aead: TypeAlias = AESGCM | ChaCha20Poly1305


class _Suite(NamedTuple):
    """What a cipher suite is made of."""

    aead: Callable[[bytes], _Aead]
    key_size: int
    digest: hashes.HashAlgorithm


_SUITES = {
    0x1301: _Suite(AESGCM, 16, hashes.SHA256()),
    0x1302: _Suite(AESGCM, 32, hashes.SHA384()),
    0x1303: _Suite(ChaCha20Poly1305, 32, hashes.SHA256()),
}


class _Record(NamedTuple):
    content_type: int
    header: bytes
    body: bytes


class _NotOpened(Exception):
    """The keys do not fit, a record is missing, or the session is of a kind that is not opened here."""


@dataclass(frozen=True, slots=True)
class TlsBegin:
    """Where TLS begins in a conversation: the offsets of ClientHello and ServerHello, and what names the session."""

    client_random: bytes
    from_client: int
    to_client: int


def find_tls(seen: Conversation) -> TlsBegin | None:
    """Return where TLS begins, after STARTTLS for example; from there on both directions are records to their end."""
    begins = _begin(seen.from_client, _CLIENT_HELLO)
    if begins is None:
        return None
    answers = _begin(seen.to_client, _SERVER_HELLO)
    random = seen.from_client[begins + RANDOM_AT : begins + RANDOM_AT + RANDOM_SIZE]
    return TlsBegin(random, begins, len(seen.to_client) if answers is None else answers)


def looks_like_tls(seen: Conversation) -> bool:
    """Tell whether a ClientHello stands anywhere; where ``find_tls`` finds none, what follows it cannot be followed."""
    data = seen.from_client
    at = data.find(b"\x16\x03")
    while at >= 0:
        message = at + HEADER_SIZE
        if data[message : message + 1] == bytes([_CLIENT_HELLO]) and data[message + 4 : message + 6] == _TLS_1_2:
            return True
        at = data.find(b"\x16\x03", at + 1)
    return False


def open_tls(
    seen: Conversation, begin: TlsBegin, secrets: Mapping[str, bytes], *, is_running: bool = False
) -> Conversation | None:
    """Return the plaintext of both directions; None unless every record could be opened.

    The last record of a connection that ``is_running`` may still be on its way.
    """
    try:
        client = _records(seen.from_client[begin.from_client :], drop_partial=is_running)
        server = _records(seen.to_client[begin.to_client :], drop_partial=is_running)
        suite = _chosen_suite(server)
        return Conversation(
            _opened(client, _Keys(suite, secrets, "CLIENT")), _opened(server, _Keys(suite, secrets, "SERVER"))
        )
    except (_NotOpened, InvalidTag):
        return None


def _begin(data: bytes, message: int) -> int | None:
    """Return the first offset from which all is TLS, and the first record begins with ``message``."""
    at = data.find(b"\x16\x03")
    while at >= 0:
        if data[at + HEADER_SIZE : at + HEADER_SIZE + 1] == bytes([message]) and _is_tls(data[at:]):
            return at
        at = data.find(b"\x16\x03", at + 1)
    return None


def _is_tls(data: bytes) -> bool:
    try:
        _records(data)
    except _NotOpened:
        return False
    return True


def _records(data: bytes, *, drop_partial: bool = False) -> list[_Record]:
    """Split into records; one that was cut off at the end is kept, so that it fails to open, unless told otherwise."""
    found: list[_Record] = []
    at = 0
    while at < len(data):
        header = data[at : at + HEADER_SIZE]
        size = int.from_bytes(header[3:5], "big")
        if header[0] not in _CONTENT_TYPES or header[1:2] not in {b"\x03", b""} or size > MAX_RECORD:
            raise _NotOpened
        begins, at = at + HEADER_SIZE, at + HEADER_SIZE + size
        if at <= len(data) or not drop_partial:
            found.append(_Record(header[0], header, data[begins:at]))
    return found


def _chosen_suite(server: list[_Record]) -> _Suite:
    """Read cipher suite and version from the ServerHello (RFC 8446, section 4.1.3)."""
    if not server or server[0].content_type != _HANDSHAKE:
        raise _NotOpened
    hello = server[0].body
    at = 4 + 2 + RANDOM_SIZE
    at += 1 + hello[at]
    suite, extensions = int.from_bytes(hello[at : at + 2], "big"), hello[at + 5 :]
    if _extension(extensions, _SUPPORTED_VERSIONS) != _TLS_1_3 or suite not in _SUITES:
        raise _NotOpened
    return _SUITES[suite]


def _extension(extensions: bytes, wanted: int) -> bytes:
    at = 0
    while at + 4 <= len(extensions):
        size = int.from_bytes(extensions[at + 2 : at + 4], "big")
        if int.from_bytes(extensions[at : at + 2], "big") == wanted:
            return extensions[at + 4 : at + 4 + size]
        at += 4 + size
    return b""


class _Keys:
    """The keys of one direction, from those of its handshake on (RFC 8446, section 7)."""

    def __init__(self, suite: _Suite, secrets: Mapping[str, bytes], side: str) -> None:
        self._suite = suite
        self._next = secrets.get(f"{side}_TRAFFIC_SECRET_0")
        self.is_handshake = True
        self._use(secrets.get(f"{side}_HANDSHAKE_TRAFFIC_SECRET"))

    def finished(self) -> None:
        """Change to the keys of application data."""
        self.is_handshake = False
        self._use(self._next)

    def open(self, record: _Record) -> tuple[int, bytes]:
        """Return content type and content (section 5.2). Raises InvalidTag, _NotOpened."""
        if self._secret is None:
            raise _NotOpened
        nonce = int.from_bytes(self._iv, "big") ^ self._number
        self._number += 1
        inner = self._aead.decrypt(nonce.to_bytes(12, "big"), record.body, record.header).rstrip(b"\x00")
        if not inner:
            raise _NotOpened
        return inner[-1], inner[:-1]

    def _use(self, secret: bytes | None) -> None:
        self._secret = secret
        self._number = 0
        if secret is not None:
            self._aead = self._suite.aead(self._expand("key", self._suite.key_size))
            self._iv = self._expand("iv", 12)

    def _expand(self, label: str, size: int) -> bytes:
        """HKDF-Expand-Label with an empty context (section 7.1)."""
        if self._secret is None:
            raise _NotOpened
        name = b"tls13 " + label.encode()
        info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\x00"
        return HKDFExpand(self._suite.digest, size, info).derive(self._secret)


def _opened(records: list[_Record], keys: _Keys) -> bytes:
    """Return the application data of one direction. Raises InvalidTag, _NotOpened."""
    content, messages = bytearray(), bytearray()
    for record in records:
        if record.content_type != _APPLICATION_DATA:
            continue  # the hellos, change_cipher_spec, and an alert before there are keys
        content_type, data = keys.open(record)
        if content_type == _APPLICATION_DATA:
            content += data
        elif content_type == _HANDSHAKE:
            messages += data
            _follow(messages, keys)
    return bytes(content)


def _follow(messages: bytearray, keys: _Keys) -> None:
    """Change keys where a handshake message says so; what is read is taken out."""
    while len(messages) >= 4 and len(messages) >= (size := 4 + int.from_bytes(messages[1:4], "big")):
        kind = messages[0]
        del messages[:size]
        if kind == _FINISHED and keys.is_handshake:
            keys.finished()
