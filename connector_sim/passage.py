"""What a party that merely passes bytes on can tell about them.

One rule: it looks at the bytes exactly as they pass this party, before and after nothing; what is encrypted for
somebody else stays so. It changes nothing and keeps no copy beyond a few bytes of overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

from maco_wire.canary import Canary, CanaryScanner
from maco_wire.observation import CanarySeen, ClientHelloPassed, Direction, Party, Record
from maco_wire.tls_peek import ClientHello, TlsPeek, looks_like_client_hello

HANDSHAKE_RECORD = b"\x16"  # RFC 8446, section 5.1: ContentType handshake(22)


@dataclass(frozen=True, slots=True)
class Watcher:
    """A party's eyes on the connections it relays."""

    party: Party
    record: Record
    canaries: tuple[Canary, ...] = ()

    def passage(self, direction: Direction, trace_id: str) -> Passage:
        """Return the view of one direction of one connection."""
        return Passage(self, direction, trace_id)


class Passage:
    """One direction of one connection, as seen by the party that passes it on; ``count`` is its bytes so far."""

    __slots__ = ("_direction", "_peek", "_peek_offset", "_peeked", "_scanner", "_trace_id", "_watcher", "count")

    def __init__(self, watcher: Watcher, direction: Direction, trace_id: str) -> None:
        self.count = 0
        self._watcher = watcher
        self._direction = direction
        self._trace_id = trace_id
        self._scanner = CanaryScanner(watcher.canaries) if watcher.canaries else None
        self._peek: TlsPeek | None = None
        self._peek_offset = 0
        self._peeked = direction != "to_mail_server"

    @property
    def is_looking(self) -> bool:
        """Whether there is still anything to be found: once there is not, bytes need not be shown."""
        return not self._peeked or self._scanner is not None

    def see(self, data: bytes | memoryview) -> None:
        """Take the next bytes of this direction."""
        if self._scanner is None and self._peek is None and self.count and data[:1] != HANDSHAKE_RECORD:
            self.count += len(data)  # nothing to be found: a ClientHello begins anew with its record, or not at all
            return
        if self._scanner:
            self._report_canaries(self._scanner, data)
        if not self._peeked:
            self._look_for_client_hello(data)
        self.count += len(data)

    def _report_canaries(self, scanner: CanaryScanner, data: bytes | memoryview) -> None:
        for seen in scanner.receive_data(data):
            self._watcher.record(
                CanarySeen(
                    self._watcher.party, seen.number, seen.name, self._direction, seen.encoding, trace_id=self._trace_id
                )
            )

    def _look_for_client_hello(self, data: bytes | memoryview) -> None:
        """Look where one can stand: at the very first byte, and where a client begins anew, as after a STARTTLS."""
        if self._peek is None:
            if self.count and not looks_like_client_hello(data):
                return
            self._peek, self._peek_offset = TlsPeek(), self.count
        found = self._peek.receive_data(data)
        if found is None:
            return
        self._peek = None
        if isinstance(found, ClientHello):
            self._peeked = True
            self._watcher.record(
                ClientHelloPassed(
                    self._watcher.party, found.server_name or "", self._peek_offset, trace_id=self._trace_id
                )
            )
