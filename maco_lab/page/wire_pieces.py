"""What passed on one tapped connection, cut into pieces as somebody on that wire would read it. Pure.

A piece is what one end said before the other one spoke, or one TLS record. Nothing is decrypted: the key logs only
give a name to the session that a record belongs to. Secrets that were in clear are hidden before anything leaves here.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from maco_lab.page.masking import Mask
from maco_lab.taps import tls_records
from maco_lab.taps.chunk import TapChunk
from maco_lab.taps.conversation import Conversation
from maco_lab.taps.tls_records import HEADER_SIZE, NotOpened, records
from maco_lab.taps.tls_stream import TlsBegin, find_tls, looks_like_tls

MAX_CLEAR = 512
"""How many bytes in clear a piece has at most; more of them are several pieces."""

MAX_SHOWN = 256
"""How many bytes of a TLS record are shown: nobody reads them, but everybody should have seen some."""

IN_CLEAR = "in clear"
LIKE_TLS = "like TLS, but it cannot be followed"

_KINDS = {
    tls_records.CHANGE_CIPHER_SPEC: "change cipher spec",
    tls_records.ALERT: "alert",
    tls_records.HANDSHAKE: "handshake",
    tls_records.APPLICATION_DATA: "application data",
}
# RFC 8446, section 4, and RFC 5246, section 7.4
_MESSAGES = {1: "ClientHello", 2: "ServerHello", 4: "NewSessionTicket", 11: "Certificate", 12: "ServerKeyExchange",
             13: "CertificateRequest", 14: "ServerHelloDone", 16: "ClientKeyExchange"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of one direction; ``offset`` counts from its begin. ``data`` are the first of ``size`` bytes."""

    at: float
    to_mail_server: bool
    kind: str
    """``in clear``, or which TLS record it is."""
    session: str
    """Between whom the TLS session is; empty in clear."""
    offset: int
    size: int
    data: bytes = field(repr=False)
    hidden: tuple[range, ...] = ()
    """Which bytes of ``data`` are parts of secrets."""


@dataclass(frozen=True, slots=True)
class Wire:
    """One tapped connection. The tunnel is dialled by the Cloud Connector: its client's bytes go to MaCo."""

    chunks: tuple[TapChunk, ...]
    seen: Conversation
    client_is_maco_side: bool
    incomplete: bool = False

    @property
    def begin(self) -> TlsBegin | None:
        """Where TLS begins; unknown when bytes were lost, because records can no longer be counted."""
        return None if self.incomplete else find_tls(self.seen)


def pieces_of(wire: Wire, session_of: Mapping[bytes, str], mask: Mask) -> list[Piece]:
    """Return everything that passed, in order; ``session_of`` names sessions by the random of their ClientHello.

    Of a connection that lost bytes nothing is returned, unless it is a tunnel, which is TLS as a whole: what is left
    may begin in the middle of a secret.
    """
    if wire.incomplete and wire.client_is_maco_side:
        return []
    begin = wire.begin
    session = session_of.get(begin.client_random, "") if begin else ""
    found = [
        piece
        for from_client in (True, False)
        for piece in _Direction(wire, from_client, begin).pieces(session, mask, is_odd=_is_odd(wire, begin))
    ]
    return sorted(found, key=lambda piece: piece.at)


def _is_odd(wire: Wire, begin: TlsBegin | None) -> bool:
    return begin is None and (wire.incomplete or looks_like_tls(wire.seen))


class _Direction:
    """One direction of a wire: its bytes, and when each of them passed."""

    def __init__(self, wire: Wire, from_client: bool, begin: TlsBegin | None) -> None:
        self._data = wire.seen.from_client if from_client else wire.seen.to_client
        self._to_mail_server = from_client is wire.client_is_maco_side
        self._tls_at = len(self._data)
        if begin is not None:
            self._tls_at = begin.from_client if from_client else begin.to_client
        self._offsets: list[int] = []
        self._times: list[float] = []
        self._turns: list[int] = []
        self._read(wire.chunks, from_client)

    def _read(self, chunks: tuple[TapChunk, ...], from_client: bool) -> None:
        """Note the offset and time of each chunk, and where this end began to speak after the other one."""
        at, was_other = 0, True
        for chunk in chunks:
            if chunk.from_client is from_client:
                self._offsets.append(at)
                self._times.append(chunk.at)
                if was_other:
                    self._turns.append(at)
                at += len(chunk.data)
            was_other = chunk.from_client is not from_client

    def pieces(self, session: str, mask: Mask, *, is_odd: bool) -> Iterator[Piece]:
        hidden = mask.hidden(self._data[: self._tls_at])
        kind = LIKE_TLS if is_odd else IN_CLEAR
        for first, last in self._clear():
            inside = (range(max(each.start, first), min(each.stop, last)) for each in hidden)
            parts = tuple(range(each.start - first, each.stop - first) for each in inside if each)
            yield self._piece(first, last - first, kind, "", self._data[first:last], parts)
        yield from self._records(session)

    def _clear(self) -> Iterator[tuple[int, int]]:
        turns = [turn for turn in self._turns if turn < self._tls_at]
        for first, last in itertools.pairwise([*turns, self._tls_at]):
            for part in range(first, last, MAX_CLEAR):
                yield part, min(part + MAX_CLEAR, last)

    def _records(self, session: str) -> Iterator[Piece]:
        offset, encrypted = self._tls_at, False
        try:
            found = records(self._data[self._tls_at :])
        except NotOpened as error:
            raise AssertionError("find_tls has read these records to their end") from error
        for record in found:
            data = record.header + record.body
            encrypted = encrypted or record.content_type == tls_records.CHANGE_CIPHER_SPEC
            kind = _kind(record.content_type, data, encrypted=encrypted)
            yield self._piece(offset, len(data), kind, session, data[:MAX_SHOWN])
            offset += len(data)

    def _piece(
        self, offset: int, size: int, kind: str, session: str, data: bytes, hidden: tuple[range, ...] = ()
    ) -> Piece:
        at = self._times[bisect.bisect_right(self._offsets, offset) - 1]
        return Piece(at, self._to_mail_server, kind, session, offset, size, data, hidden)


def _kind(content_type: int, data: bytes, *, encrypted: bool) -> str:
    name = _KINDS[content_type]
    if content_type != tls_records.HANDSHAKE or encrypted or len(data) <= HEADER_SIZE:
        return name + (", encrypted" if encrypted and content_type == tls_records.HANDSHAKE else "")
    message = _MESSAGES.get(data[HEADER_SIZE])
    return f"{name}: {message}" if message else name
