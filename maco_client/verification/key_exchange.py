"""The key exchange that a TLS 1.2 server signed, held to OpenSSL's security level 2.

MaCo's Java profile has to take certificates that OpenSSL lets through at level 0 only. The level is one for everything,
so what it bars beyond certificates is kept here: Diffie-Hellman groups below 2048 bits, and signatures over SHA-1 or
MD5. In TLS 1.3 there is nothing to keep: its groups are named and long (RFC 8446, section 4.2.7), and its handshake
knows no signature over SHA-1 (section 4.2.3).
"""

from __future__ import annotations

import ssl

SERVER_KEY_EXCHANGE = 12  # RFC 5246, section 7.4
HEADER_BYTES = 4  # its type and its length in 24 bits
SMALLEST_GROUP_BITS = 2048  # OpenSSL's level 2 demands 112 bits of security, SSL_CTX_set_security_level(3)
_WEAK_DIGESTS = {0: "no digest", 1: "MD5", 2: "SHA-1"}  # RFC 5246, section 7.4.1.4.1: HashAlgorithm

UNREADABLE = "key exchange cannot be read"


class KeyExchangeWatch:
    """Keeps the ServerKeyExchange of the one handshake that a context is made for."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._message = b""
        self._context = context
        # The only way by which ``ssl`` tells what was signed: SSL_CTX_set_msg_callback(3), which it has for debugging.
        context._msg_callback = self._see  # type: ignore[attr-defined]  # noqa: SLF001

    def _see(self, _: object, direction: str, version: object, content: object, kind: object, data: bytes) -> None:
        del version, content
        if direction == "read" and kind == SERVER_KEY_EXCHANGE and len(data) > HEADER_BYTES:
            self._message = data[HEADER_BYTES:]

    def end(self) -> None:
        """Look no more: what follows the handshake would cost a call for each record."""
        self._context._msg_callback = None  # type: ignore[attr-defined]  # noqa: SLF001

    def weakness(self, version: str, cipher: str) -> str:
        """Say what is too weak in the key exchange of ``cipher`` (OpenSSL's name); empty if nothing is."""
        return "" if version == "TLSv1.3" else weakness(self._message, cipher)


def weakness(message: bytes, cipher: str) -> str:
    """Say what is too weak in a ServerKeyExchange without its header; empty if nothing is."""
    try:
        if cipher.startswith("DHE-"):
            return _finite_field(message)
        if cipher.startswith("ECDHE-"):
            return _signature(message, _behind_elliptic_curve(message))
    except IndexError:
        return UNREADABLE
    return f"key exchange of {cipher} is not known"


def _finite_field(message: bytes) -> str:
    """Judge dh_p, dh_g and dh_Ys, and the signature over them (RFC 5246, section 7.4.3)."""
    behind_p = _behind_vector(message, 0)
    bits = int.from_bytes(message[2:behind_p], "big").bit_length()
    signature = _behind_vector(message, _behind_vector(message, behind_p))
    return f"dh key too small: {bits} bits" if bits < SMALLEST_GROUP_BITS else _signature(message, signature)


def _behind_vector(message: bytes, start: int) -> int:
    """Return where a vector with a length of two bytes ends."""
    return start + 2 + int.from_bytes((message[start], message[start + 1]), "big")


def _behind_elliptic_curve(message: bytes) -> int:
    """Return where the ECParameters and the public key end (RFC 8422, section 5.4): type, curve, length, point."""
    return 4 + message[3]


def _signature(message: bytes, start: int) -> str:
    digest = message[start]  # RFC 5246, section 4.7: SignatureAndHashAlgorithm, the digest first
    message[start + 1]  # and the signature algorithm, which the length of the key has to make up for
    weak = _WEAK_DIGESTS.get(digest, "")
    return f"key exchange signed over {weak}" if weak else ""
