"""Open one direction of a TLS 1.3 session with its logged secrets (RFC 8446). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from maco_lab.taps.tls_records import APPLICATION_DATA, FINISHED, HANDSHAKE, NotOpened, Record, Suite

VERSION = 0x0304
SUITES = {  # RFC 8446, section B.4
    0x1301: Suite(AESGCM, 16, hashes.SHA256()),
    0x1302: Suite(AESGCM, 32, hashes.SHA384()),
    0x1303: Suite(ChaCha20Poly1305, 32, hashes.SHA256()),
}


def opened(records: list[Record], suite: Suite, secrets: Mapping[str, bytes], side: str) -> bytes:
    """Return the application data of one ``side`` (CLIENT or SERVER). Raises InvalidTag, NotOpened."""
    keys = _Keys(suite, secrets, side)
    content, messages = bytearray(), bytearray()
    for record in records:
        if record.content_type != APPLICATION_DATA:
            continue  # the hellos, change_cipher_spec, and an alert before there are keys
        content_type, data = keys.open(record)
        if content_type == APPLICATION_DATA:
            content += data
        elif content_type == HANDSHAKE and keys.is_handshake:
            messages += data
            if _is_finished(messages):
                keys.finished()
    return bytes(content)


def _is_finished(messages: bytearray) -> bool:
    """Take out the messages that are complete; tell whether one was Finished."""
    found = False
    while len(messages) >= 4 and len(messages) >= (size := 4 + int.from_bytes(messages[1:4], "big")):
        found = found or messages[0] == FINISHED
        del messages[:size]
    return found


class _Keys:
    """The keys of one direction, from those of its handshake on (section 7)."""

    def __init__(self, suite: Suite, secrets: Mapping[str, bytes], side: str) -> None:
        self._suite = suite
        self._next = secrets.get(f"{side}_TRAFFIC_SECRET_0")
        self.is_handshake = True
        self._use(secrets.get(f"{side}_HANDSHAKE_TRAFFIC_SECRET"))

    def finished(self) -> None:
        """Change to the keys of application data."""
        self.is_handshake = False
        self._use(self._next)

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return content type and content (section 5.2). Raises InvalidTag, NotOpened."""
        if self._secret is None:
            raise NotOpened
        nonce = int.from_bytes(self._iv, "big") ^ self._number
        self._number += 1
        inner = self._aead.decrypt(nonce.to_bytes(12, "big"), record.body, record.header).rstrip(b"\x00")
        if not inner:
            raise NotOpened
        return inner[-1], inner[:-1]

    def _use(self, secret: bytes | None) -> None:
        self._secret = secret
        self._number = 0
        if secret is not None:
            self._aead = self._suite.aead(self._expand(secret, "key", self._suite.key_size))
            self._iv = self._expand(secret, "iv", 12)

    def _expand(self, secret: bytes, label: str, size: int) -> bytes:
        """HKDF-Expand-Label with an empty context (section 7.1)."""
        name = b"tls13 " + label.encode()
        info = size.to_bytes(2, "big") + bytes([len(name)]) + name + b"\x00"
        return HKDFExpand(self._suite.digest, size, info).derive(secret)
