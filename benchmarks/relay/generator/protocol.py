"""What clients say to the sink. A connection begins in command mode.

``E`` is answered by ``E``, and from then on everything is said back. ``W`` is answered by ``W`` and nothing changes: it
proves that the whole way is open. ``D`` with a count asks for that many bytes and then the end, ``K`` for the same
without the end. ``U`` with a count is answered by ``G``; then the client sends that many bytes, and the sink answers
with the count that it has received.
"""

from __future__ import annotations

import struct

ECHO = b"E"
WAIT = b"W"
DOWN = b"D"
DOWN_AND_KEEP = b"K"
UP = b"U"
GO = b"G"

COUNT = struct.Struct("!Q")
TRANSFER_BYTES = 1 + COUNT.size
CHUNK_BYTES = 1024 * 1024


def transfer(direction: bytes, count: int) -> bytes:
    """Return the command for a bulk transfer."""
    return direction + COUNT.pack(count)
