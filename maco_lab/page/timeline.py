"""Every connection through the landscape with what all parties saw of it, put together from the journal.

Pure. One walk over the entries, oldest first. In the tunnel the trace ID joins them. MaCo's side is joined by MaCo's
address, which belongs to one connection until its poll is finished; the mail server's side by the connector's address
on the customer's LAN, from what came since the last connection there was closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from maco_lab.journal import Entry
from maco_lab.sight import lan_of
from maco_wire.observation import (
    Address,
    Handshake,
    Observation,
    Party,
    PollFinished,
    StreamClosed,
    StreamOpened,
    StreamRefused,
    TlsSession,
)

_O = TypeVar("_O", bound=Observation)


@dataclass(slots=True)
class Connection:
    """One connection; ``trace_id`` is empty when it never got through the SOCKS5 proxy."""

    trace_id: str = ""
    entries: list[Entry] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The trace ID, or the number of its first entry if it has none."""
        return self.trace_id or f"entry-{self.timeline[0].number}"

    @property
    def timeline(self) -> list[Entry]:
        """What all parties saw, in the order of the journal."""
        return sorted(self.entries, key=lambda entry: entry.number)

    @property
    def finished(self) -> PollFinished | None:
        """How its poll ended, if MaCo's poll it was and if it has ended."""
        return next((each for each in self._of(PollFinished)), None)

    @property
    def virtual(self) -> str:
        """The virtual host and port that was asked for; empty if nobody came to ask."""
        asked: list[StreamOpened | StreamRefused] = [*self._of(StreamOpened), *self._of(StreamRefused)]
        return f"{asked[0].virtual_host}:{asked[0].virtual_port}" if asked else ""

    @property
    def outcome(self) -> str:
        """One word: done, failed, refused, closed or open."""
        if self.finished:
            return "done" if self.finished.succeeded else "failed"
        if any(self._of(StreamRefused)):
            return "refused"
        return "closed" if self.ended_at else "open"

    @property
    def ended_at(self) -> float | None:
        """When its poll, or else the stream, was over."""
        over = [entry.time for entry in self.entries if isinstance(entry.observation, PollFinished)]
        closed = (StreamClosed, StreamRefused)
        over = over or [entry.time for entry in self.entries if isinstance(entry.observation, closed)]
        return max(over, default=None)

    def _of(self, kind: type[_O]) -> list[_O]:
        return [entry.observation for entry in self.entries if isinstance(entry.observation, kind)]


def connections_of(entries: Iterable[Entry]) -> list[Connection]:
    """Return every connection that the entries tell of, in the order of their first entries."""
    walk = _Walk()
    for entry in entries:
        walk.take(entry)
    found = [each for each in walk.connections if each.entries]
    return sorted(found, key=lambda each: min(entry.number for entry in each.entries))


class _Walk:
    """Which connection owns which trace ID and which address, while the entries go by."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self._by_trace: dict[str, Connection] = {}
        self._by_maco: dict[Address, Connection] = {}
        self._by_lan: dict[Address, Connection] = {}
        self._early_on_lan: dict[Address, list[Entry]] = {}

    def take(self, entry: Entry) -> None:
        seen = entry.observation
        if seen.trace_id is not None:
            self._traced(entry, seen.trace_id)
        elif seen.party is Party.MACO:
            self._at_maco(entry)
        elif seen.party is Party.CONNECTIVITY and seen.peer is not None and not _is_of_tunnel(seen):
            self._maco_connection(seen.peer).entries.append(entry)  # a refused token: there is no trace yet
        elif seen.party is Party.MAIL_SERVER and seen.peer is not None:
            self._at_mail_server(entry, seen.peer)

    def _traced(self, entry: Entry, trace_id: str) -> None:
        seen = entry.observation
        connection = self._by_trace.get(trace_id)
        if connection is None:
            opened = isinstance(seen, StreamOpened | StreamRefused) and seen.party is Party.CONNECTIVITY
            connection = self._maco_connection(seen.peer) if opened and seen.peer else self._new()
            if connection.trace_id:  # MaCo's address has gone to another connection, whose poll was not MaCo's
                connection = self._new()
                self._by_maco |= {seen.peer: connection} if opened and seen.peer else {}
            connection.trace_id = trace_id
            self._by_trace[trace_id] = connection
        elif isinstance(seen, StreamOpened | StreamRefused) and seen.party is Party.CONNECTIVITY and seen.peer:
            self._join_maco(connection, seen.peer)
        connection.entries.append(entry)
        self._on_lan(connection, seen)

    def _join_maco(self, connection: Connection, address: Address) -> None:
        """Give a connection that the Cloud Connector told of first what MaCo's side has seen of it."""
        early = self._by_maco.get(address)
        if early is not None and early is not connection and not early.trace_id:
            connection.entries += early.entries
            early.entries.clear()
        self._by_maco[address] = connection

    def _on_lan(self, connection: Connection, seen: Observation) -> None:
        address = lan_of(seen)
        if address is not None:
            self._by_lan[address] = connection
            connection.entries += self._early_on_lan.pop(address, [])
        elif isinstance(seen, StreamClosed) and seen.party is Party.CLOUD_CONNECTOR:
            self._by_lan = {there: each for there, each in self._by_lan.items() if each is not connection}

    def _at_maco(self, entry: Entry) -> None:
        local = entry.observation.local
        connection = self._maco_connection(local) if local else self._new()
        connection.entries.append(entry)
        if local and isinstance(entry.observation, PollFinished):
            self._by_maco.pop(local, None)

    def _at_mail_server(self, entry: Entry, lan: Address) -> None:
        owner = self._by_lan.get(lan)
        if owner is not None:
            owner.entries.append(entry)
        else:
            self._early_on_lan.setdefault(lan, []).append(entry)

    def _maco_connection(self, address: Address) -> Connection:
        if address not in self._by_maco:
            self._by_maco[address] = self._new()
        return self._by_maco[address]

    def _new(self) -> Connection:
        self.connections.append(Connection())
        return self.connections[-1]


def _is_of_tunnel(seen: Observation) -> bool:
    return isinstance(seen, Handshake) and seen.session is TlsSession.TUNNEL


def newest(connections: Sequence[Connection], limit: int) -> list[Connection]:
    """Return the newest ones, the newest first."""
    return list(reversed(connections[-limit:]))
