"""Frames: the 12-byte header of yamux's spec.md ("Framing"), and the split of a byte stream into them.

Payload is never collected: a data frame that spans reads is handed on piece by piece as it arrives.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from maco_wire.exceptions import RemoteProtocolError

PROTOCOL = "yamux"

HEADER_SIZE = 12
INITIAL_WINDOW = 256 * 1024  # bytes; spec.md, "Flow Control": "Both sides assume the initial 256KB window"
MAX_FRAME = 64 * 1024  # bytes with the header; ours: four TLS records, so that one stream cannot occupy the wire long
MAX_NUMBER = 0xFFFF_FFFF  # stream IDs, windows and ping values have 32 bits

# spec.md, "Flag Field". Plain numbers: enum arithmetic would be felt on every frame.
SYN: Final = 0x1
ACK: Final = 0x2
FIN: Final = 0x4
RST: Final = 0x8

_VERSION = 0
_KNOWN_FLAGS = SYN | ACK | FIN | RST
_HEADER = struct.Struct(">BBHII")  # version, type, flags, stream ID, length
_PLAIN_HEADER = struct.Struct(">III")  # version, type and flags as one number, stream ID, length

PLAIN_DATA = 0
"""What version, type and flags of a data frame without flags are as one number."""
unpack_plain_header = _PLAIN_HEADER.unpack_from
"""Return version, type and flags as one number, the stream ID and the length of the header at a position."""
pack_plain_header = _PLAIN_HEADER.pack_into
"""Write such a header into a buffer at a position."""


class FrameType(enum.IntEnum):
    """spec.md, "Type Field"."""

    DATA = 0x0
    WINDOW_UPDATE = 0x1
    PING = 0x2
    GO_AWAY = 0x3


class GoAwayCode(enum.IntEnum):
    """spec.md, "Session termination"."""

    NORMAL = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2


_FRAME_TYPES = tuple(FrameType)


class Header(NamedTuple):
    """A frame's header; what ``length`` means depends on the type (spec.md, "Length Field")."""

    frame_type: FrameType
    flags: int
    stream_id: int
    length: int


def encode_header(frame_type: FrameType, flags: int, stream_id: int, length: int) -> bytes:
    """Return the 12 bytes of a header."""
    return _HEADER.pack(_VERSION, frame_type, flags, stream_id, length)


def decode_header(data: bytes | bytearray | memoryview, start: int = 0) -> Header:
    """Return the header that begins at ``start``; 12 bytes must be there.

    Raises:
        RemoteProtocolError: a version, type or flag that the specification does not know.
    """
    version, number, flags, stream_id, length = _HEADER.unpack_from(data, start)
    if version != _VERSION:
        raise RemoteProtocolError(PROTOCOL, f"version {_VERSION}", str(version))
    if number >= len(_FRAME_TYPES):
        raise RemoteProtocolError(PROTOCOL, "a frame type from 0 to 3", str(number))
    if flags & ~_KNOWN_FLAGS:
        raise RemoteProtocolError(PROTOCOL, "flags SYN, ACK, FIN and RST only", f"{flags:04x}")
    return Header(_FRAME_TYPES[number], flags, stream_id, length)


class FrameReader:
    """Split received bytes into headers and pieces of payload."""

    __slots__ = ("partial_header", "payload_remaining")

    def __init__(self) -> None:
        self.partial_header = bytearray()
        """The bytes of a header whose end is still to come."""
        self.payload_remaining = 0
        """How many payload bytes of the current data frame are still to come."""

    @property
    def inside_a_frame(self) -> bool:
        """Whether the bytes so far end in the middle of a frame."""
        return bool(self.partial_header or self.payload_remaining)

    def receive_data(self, data: bytes | bytearray | memoryview) -> Iterator[Header | memoryview]:
        """Yield each header, and behind that of a data frame its payload in views that die with ``data``.

        Raises:
            RemoteProtocolError: see ``decode_header``.
        """
        view = memoryview(data)
        position, end = 0, len(view)
        while position < end:
            if self.payload_remaining:
                piece = view[position : position + self.payload_remaining]
                position += len(piece)
                self.payload_remaining -= len(piece)
                yield piece
                continue
            header, position = self._read_header(view, position)
            if header is not None:
                if header.frame_type is FrameType.DATA:
                    self.payload_remaining = header.length
                yield header

    def _read_header(self, view: memoryview, position: int) -> tuple[Header | None, int]:
        if not self.partial_header and len(view) - position >= HEADER_SIZE:
            return decode_header(view, position), position + HEADER_SIZE
        missing = view[position : position + HEADER_SIZE - len(self.partial_header)]
        self.partial_header += missing
        position += len(missing)
        if len(self.partial_header) < HEADER_SIZE:
            return None, position
        header = decode_header(self.partial_header)
        self.partial_header.clear()
        return header, position
