"""The three ways in which every parser case is delivered: whole, byte by byte, and with trailing bytes behind it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import pytest

EventT = TypeVar("EventT")

TRAILING = b"* OK ready\r\n"

Deliver = Callable[[bytes], Iterator[bytes]]


def whole(data: bytes) -> Iterator[bytes]:
    """Yield the bytes as one piece."""
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    """Yield each byte alone."""
    for index in range(len(data)):
        yield data[index : index + 1]


def in_pieces(data: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    """Yield the bytes cut at the given places (taken modulo the length)."""
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    for start, end in itertools.pairwise(places):
        yield data[start:end]


either_way = pytest.mark.parametrize("deliver", [whole, byte_by_byte], ids=["whole", "byte_by_byte"])


def collect(receive: Callable[[bytes], list[EventT]], pieces: Iterable[bytes]) -> list[EventT]:
    """Feed the pieces one after the other and return all events in their order."""
    return [event for piece in pieces for event in receive(piece)]
