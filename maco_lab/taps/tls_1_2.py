"""Open one direction of a TLS 1.2 session with its logged master secret (RFC 5246). Pure.

The suites are those with forward secrecy and authenticated encryption: AES-GCM (RFC 5288, RFC 5289) and ChaCha20
(RFC 7905). Others stay closed.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from maco_lab.taps.tls_records import APPLICATION_DATA, CHANGE_CIPHER_SPEC, NotOpened, Record, Suite

VERSION = 0x0303
SUITES = {
    0xC02B: Suite(AESGCM, 16, hashes.SHA256()),
    0xC02C: Suite(AESGCM, 32, hashes.SHA384()),
    0xC02F: Suite(AESGCM, 16, hashes.SHA256()),
    0xC030: Suite(AESGCM, 32, hashes.SHA384()),
    0xCCA8: Suite(ChaCha20Poly1305, 32, hashes.SHA256()),
    0xCCA9: Suite(ChaCha20Poly1305, 32, hashes.SHA256()),
}
_TAG_SIZE = 16
_EXPLICIT_NONCE_SIZE = 8  # RFC 5288, section 3


class Randoms(NamedTuple):
    """What both hellos contribute to the keys."""

    client: bytes
    server: bytes


def opened(records: list[Record], suite: Suite, master_secret: bytes, randoms: Randoms, side: str) -> bytes:
    """Return the application data of one ``side`` (CLIENT or SERVER). Raises InvalidTag, NotOpened."""
    key, iv = _keys(suite, master_secret, randoms, side)
    aead, number, is_encrypted, content = suite.aead(key), 0, False, bytearray()
    for record in records:
        if record.content_type == CHANGE_CIPHER_SPEC:
            is_encrypted = True
        elif is_encrypted:
            nonce, sealed = _nonce(suite, iv, number, record.body)
            size = len(sealed) - _TAG_SIZE
            if size < 0:
                raise NotOpened
            # RFC 5246, section 6.2.3.3: seq_num + type + version + length
            data = number.to_bytes(8, "big") + record.header[:3] + size.to_bytes(2, "big")
            plain = aead.decrypt(nonce, sealed, data)
            number += 1
            content += plain if record.content_type == APPLICATION_DATA else b""
        elif record.content_type == APPLICATION_DATA:
            raise NotOpened
    return bytes(content)


def _nonce(suite: Suite, iv: bytes, number: int, body: bytes) -> tuple[bytes, bytes]:
    """Return the nonce of a record, and what of its body is sealed."""
    if suite.aead is ChaCha20Poly1305:
        return (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big"), body  # RFC 7905, section 2
    return iv + body[:_EXPLICIT_NONCE_SIZE], body[_EXPLICIT_NONCE_SIZE:]


def _keys(suite: Suite, master_secret: bytes, randoms: Randoms, side: str) -> tuple[bytes, bytes]:
    """Return key and IV of one side from the key block (RFC 5246, section 6.3; no MAC keys with AEAD)."""
    iv_size = 12 if suite.aead is ChaCha20Poly1305 else 4
    seed = b"key expansion" + randoms.server + randoms.client
    block = _prf(suite.digest.name, master_secret, seed, 2 * (suite.key_size + iv_size))
    number = 0 if side == "CLIENT" else 1
    ivs = block[2 * suite.key_size :]
    key = block[number * suite.key_size : (number + 1) * suite.key_size]
    return key, ivs[number * iv_size : (number + 1) * iv_size]


def _prf(digest: str, secret: bytes, seed: bytes, size: int) -> bytes:
    """P_hash of RFC 5246, section 5."""
    found, a = b"", seed
    while len(found) < size:
        a = hmac.digest(secret, a, digest)
        found += hmac.digest(secret, a + seed, digest)
    return found[:size]
