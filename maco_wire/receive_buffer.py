"""The bytes a machine has received and not yet understood.

It only stores and hands out; how much may pile up is the owning machine's rule, which it checks from the lengths the
peer announces before it waits for the bytes themselves.
"""

from __future__ import annotations


class ReceiveBuffer:
    """Hold received bytes until a whole message is there."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data)

    def append(self, data: bytes) -> None:
        """Add what was just received."""
        self._data += data

    def byte(self, index: int) -> int | None:
        """Return one byte without taking it, None if it has not arrived."""
        return self._data[index] if index < len(self._data) else None

    def number(self, start: int, size: int) -> int | None:
        """Return ``size`` bytes as an unsigned big-endian number without taking them, None if they have not arrived."""
        if len(self._data) < start + size:
            return None
        return int.from_bytes(self._data[start : start + size], "big")

    def take(self, count: int) -> bytes | None:
        """Take exactly ``count`` bytes off the front, None (and nothing taken) if they have not all arrived."""
        if len(self._data) < count:
            return None
        taken = bytes(self._data[:count])
        del self._data[:count]
        return taken

    def take_all(self) -> bytes:
        """Take everything that is there."""
        taken = bytes(self._data)
        self._data.clear()
        return taken

    def __bytes__(self) -> bytes:
        return bytes(self._data)
