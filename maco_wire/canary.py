"""Find planted secrets in bytes that pass by, however mail and HTTP write them.

A canary is a random alphanumeric text. It is looked for plain, in base64 (RFC 4648; all three alignments, lines of any
length) and in quoted-printable (RFC 2045, section 6.7), wherever reads and frames cut it. A sighting names the
canary by its number and never by its value.

The scanner is built for bulk: searches run inside ``bytes.find``, and only a hit costs more than that. It does not say
*who* can read the bytes: whoever feeds it knows that.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from maco_wire.exceptions import LocalProtocolError

MIN_VALUE_LENGTH = 8  # 48 random bits or more: no false sighting in any traffic the lab carries
MAX_VALUE_LENGTH = 40

Encoding: TypeAlias = Literal["plain", "base64", "quoted-printable"]

# The longest writing of a value: each character as "=XX", with a soft line break "=\r\n" between any two. All but its
# last byte must be remembered.
_TAIL_SIZE = 3 * MAX_VALUE_LENGTH + 3 * (MAX_VALUE_LENGTH - 1) - 1

_LINE_BREAKS = b"\r\n"
_SOFT_LINE_BREAK = re.compile(rb"=\r?\n")
_ESCAPED_ALPHANUMERIC = re.compile(rb"=(3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])")


@dataclass(frozen=True, slots=True)
class Canary:
    """A planted secret: ``value`` is 8 to 40 ASCII letters and digits, and never shown.

    Raises:
        LocalProtocolError: the value has another length or other characters.
    """

    number: int
    name: str
    value: str = field(repr=False)

    def __post_init__(self) -> None:
        if not (self.value.isascii() and self.value.isalnum()):
            raise LocalProtocolError(f"canary {self.number} must be made of ASCII letters and digits")
        if not MIN_VALUE_LENGTH <= len(self.value) <= MAX_VALUE_LENGTH:
            raise LocalProtocolError(
                f"canary {self.number} must have {MIN_VALUE_LENGTH} to {MAX_VALUE_LENGTH} characters"
            )


@dataclass(frozen=True, slots=True)
class Sighting:
    """A canary was in the bytes; ``offset`` counts from the first byte ever fed to its first visible byte.

    For base64 that is the first character which depends on nothing but the value.
    """

    number: int
    name: str
    encoding: Encoding
    offset: int


class CanaryScanner:
    """Scan one direction of one connection; each canary is reported once per encoding."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        wanted = tuple(canaries)
        self._plain = [_Target(canary, canary.value.encode()) for canary in wanted]
        self._base64 = [_Target(canary, part) for canary in wanted for part in base64_parts(canary.value.encode())]
        self._quoted = [_Target(canary, canary.value.encode()) for canary in wanted]
        self._tail = b""
        self._consumed = 0

    def __repr__(self) -> str:
        return f"<CanaryScanner after {self._consumed} bytes>"

    def receive_data(self, data: bytes | bytearray | memoryview) -> list[Sighting]:
        """Scan the next bytes of the stream; return what was completed by them, in the order of offsets."""
        if not (self._plain or self._base64 or self._quoted):
            self._consumed += len(data)
            return []
        window = b"".join((self._tail, data))
        start = self._consumed - len(self._tail)
        found = [*self._find_plain(window), *self._find_base64(window), *self._find_quoted(window)]
        self._consumed += len(data)
        self._tail = window[-_TAIL_SIZE:]
        sightings = [Sighting(hit.canary.number, hit.canary.name, encoding, start + at) for hit, encoding, at in found]
        return sorted(sightings, key=lambda sighting: (sighting.offset, sighting.number))

    def _find_plain(self, window: bytes) -> list[_Hit]:
        hits: list[_Hit] = [(target, "plain", at) for target in self._plain if (at := window.find(target.pattern)) >= 0]
        self._plain = _without(self._plain, hits)
        return hits

    def _find_base64(self, window: bytes) -> list[_Hit]:
        if not self._base64:
            return []
        joined = window.translate(None, _LINE_BREAKS) if b"\n" in window else window
        hits: list[_Hit] = []
        for target in self._base64:
            if target.pattern in joined and not any(hit.canary is target.canary for hit, _, _ in hits):
                hits.extend(target.first_over_lines(window))
        self._base64 = _without(self._base64, hits)
        return hits

    def _find_quoted(self, window: bytes) -> list[_Hit]:
        if not self._quoted or b"=" not in window:
            return []
        decoded = _decode_quoted(window)
        if decoded is window:
            return []
        hits: list[_Hit] = []
        for target in self._quoted:
            # A plain occurrence stays one in the decoded bytes: only what decoding has added is quoted-printable.
            if decoded.count(target.pattern) > window.count(target.pattern):
                hits.extend(target.first_quoted(window))
        self._quoted = _without(self._quoted, hits)
        return hits


class _Target:
    """One byte pattern to look for, and the canary it stands for."""

    __slots__ = ("canary", "pattern")

    def __init__(self, canary: Canary, pattern: bytes) -> None:
        self.canary = canary
        self.pattern = pattern

    def first_over_lines(self, window: bytes) -> list[_Hit]:
        """Find the first occurrence with line breaks between any two characters; built and run only on a hit."""
        written = re.compile(rb"[\r\n]*".join(bytes([byte]) for byte in self.pattern))
        return [(self, "base64", match.start()) for match in written.finditer(window)][:1]

    def first_quoted(self, window: bytes) -> list[_Hit]:
        """Find the first quoted-printable occurrence; built and run only when there is one."""
        characters = (rb"(?:%c|=(?i:%02X))" % (byte, byte) for byte in self.pattern)
        written = re.compile(rb"(?:=\r?\n)*".join(characters))
        starts = (match.start() for match in written.finditer(window) if len(match[0]) > len(self.pattern))
        return [(self, "quoted-printable", at) for at in starts][:1]


_Hit: TypeAlias = tuple[_Target, Encoding, int]
"""A target that was found, how it was written, and where in the window."""


def base64_parts(value: bytes) -> tuple[bytes, bytes, bytes]:
    """Return, for each of the three alignments, the base64 characters that depend on nothing but ``value``.

    A base64 character holds 6 bits; the first and the last may share theirs with a neighbour (RFC 4648, section 4).
    The URL-safe alphabet needs no patterns of its own: letters and digits never produce its 62nd and 63rd characters.
    """
    return _base64_part(value, 0), _base64_part(value, 1), _base64_part(value, 2)


def _base64_part(value: bytes, bytes_before: int) -> bytes:
    encoded = base64.b64encode(bytes(bytes_before) + value)
    first = -(-8 * bytes_before // 6)
    end = 8 * (bytes_before + len(value)) // 6
    return encoded[first:end]


def _decode_quoted(window: bytes) -> bytes:
    """Undo soft line breaks and the escapes of letters and digits; return the same object if there are none."""
    joined = _SOFT_LINE_BREAK.sub(b"", window)
    decoded = _ESCAPED_ALPHANUMERIC.sub(_unescape, joined)
    return window if decoded == window else decoded


def _unescape(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 16)])


def _without(targets: list[_Target], hits: list[_Hit]) -> list[_Target]:
    """Return the targets whose canary is still to be found."""
    if not hits:
        return targets
    seen = {hit.canary.number for hit, _, _ in hits}
    return [target for target in targets if target.canary.number not in seen]
