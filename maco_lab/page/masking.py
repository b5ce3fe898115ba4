"""Find secrets in bytes that are to be shown, however they are written there. Pure.

What is known (passwords, client secrets, planted lines) is found plain, quoted as IMAP does it, in base64 in all three
alignments, and in quoted-printable. Tokens are found by their form: a JWT (RFC 7519) begins with ``{"`` in base64.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from maco_wire.canary import base64_parts

_TOKEN = rb"eyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){0,2}"
_LEAST_BASE64 = 4
"""How many characters of base64 are looked for at least: fewer stand everywhere."""


class Mask:
    """Knows the secrets of one lab; it is made once and asked often."""

    def __init__(self, secrets: Iterable[str]) -> None:
        written = {way for secret in secrets if secret for way in _ways(secret.encode())}
        self._pattern = re.compile(b"|".join([*sorted(written, key=len, reverse=True), _TOKEN]))

    def __repr__(self) -> str:
        return "<Mask>"

    def hidden(self, data: bytes) -> list[range]:
        """Return which bytes of ``data`` must not be shown, in order."""
        return [range(*found.span()) for found in self._pattern.finditer(data)]


def _ways(secret: bytes) -> Iterable[bytes]:
    """Return a pattern for each way to write a secret."""
    yield _over_lines((re.escape(bytes([byte])) for byte in _quoted(secret)), rb"")
    yield _over_lines((rb"(?:%b|=(?i:%02X))" % (re.escape(bytes([byte])), byte) for byte in secret), rb"(?:=\r?\n)*")
    for part in base64_parts(secret):
        if len(part) >= _LEAST_BASE64:
            yield _over_lines((re.escape(bytes([byte])) for byte in part), rb"[\r\n]*")


def _over_lines(characters: Iterable[bytes], between: bytes) -> bytes:
    return between.join(characters)


def _quoted(secret: bytes) -> bytes:
    """Write it as a quoted string (RFC 3501, section 4.3): backslash and quote get a backslash."""
    return secret.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
