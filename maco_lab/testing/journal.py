"""The journal as tests ask it: what a party observed, and where TLS ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from maco_lab.canaries import password_name
from maco_lab.journal import Entry, Journal
from maco_lab.sight import Sight, sight_of
from maco_lab.testing.thread import LabThread
from maco_wire.observation import CanarySeen, Handshake, Login, Observation, Party, TlsSession

DEADLINE_S = 10.0
"""How long ``wait_for`` waits unless told otherwise."""

_NOT_IN_DIGEST = frozenset({"local", "peer", "back_end", "peer_chain", "trace_id"})

_O = TypeVar("_O", bound=Observation)


class LabJournal:
    """What all parties observed since the test began."""

    def __init__(self, thread: LabThread, journal: Journal) -> None:
        self._thread = thread
        self._journal = journal

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._journal.entries())

    def __len__(self) -> int:
        return len(self._journal.entries())

    def of(self, kind: type[_O], party: Party | None = None, **fields: object) -> list[_O]:
        """Return the observations of one class, of one party if given, whose fields have these values; in order."""
        return [each for each in self._journal.of(kind) if _is_wanted(each, kind, party, fields)]

    def one(self, kind: type[_O], party: Party | None = None, **fields: object) -> _O:
        """Return the only such observation. Raises LookupError if there is none, or another one."""
        found = self.of(kind, party, **fields)
        if len(found) != 1:
            raise LookupError(f"{len(found)} observations instead of one: {kind.kind} {party or ''} {fields or ''}")
        return found[0]

    def wait_for(
        self, kind: type[_O], party: Party | None = None, *, timeout_s: float = DEADLINE_S, **fields: object
    ) -> _O:
        """Return the first such observation, now or as soon as it is there. Raises TimeoutError."""
        return self._thread.run(self._wait(kind, party, timeout_s, fields))

    async def wait_for_async(
        self, kind: type[_O], party: Party | None = None, *, timeout_s: float = DEADLINE_S, **fields: object
    ) -> _O:
        """Do the same for an async test."""
        return await self._thread.run_async(self._wait(kind, party, timeout_s, fields))

    def sight(self, connection: str) -> Sight:
        """Return who did TLS with whom at the last poll of an e-mail connection. Raises LookupError before one."""
        sight = sight_of(self._journal.entries(), connection)
        if sight is None:
            raise LookupError(f"e-mail connection {connection!r} was not polled in this test")
        return sight

    def client_handshake(self, party: Party) -> Handshake:
        """Return the one TLS handshake with the mail server, as ``party`` saw it, which was the client.

        Raises LookupError if somebody else was, or if there is not exactly one.
        """
        clients = [each for each in self.of(Handshake, role="client") if each.session is not TlsSession.TUNNEL]
        if [each.party for each in clients] != [party]:
            raise LookupError(f"{party} alone should be client of the mail server: {[each.party for each in clients]}")
        return clients[0]

    def server_handshake(self, *, succeeded: bool) -> Handshake:
        """Return the mail server's own view of a handshake, now or as soon as it is there. Raises TimeoutError."""
        return self.wait_for(Handshake, Party.MAIL_SERVER, succeeded=succeeded)

    def passwords_held_by(self, user: str | None = None) -> set[Party]:
        """Return every party that held a mailbox password in clear: any, or that of ``user``."""
        return {each.party for each in self.of(CanarySeen) if _is_password(each.name, user)}

    def no_password_was_sent(self) -> bool:
        """Tell whether no party held a password in clear, and no login sent one."""
        return not self.passwords_held_by() and not self.of(Login, credentials_sent=True)

    def lines(self) -> list[str]:
        """Return the entries as the lines of JSON that docs/journal.md describes."""
        return [entry.as_json() for entry in self._journal.entries()]

    def digest(self) -> list[str]:
        """Return the entries as short lines for people: without addresses and certificates."""
        return [_digest(entry) for entry in self._journal.entries()]

    async def _wait(self, kind: type[_O], party: Party | None, timeout_s: float, fields: dict[str, object]) -> _O:
        entry = await self._journal.wait_for(
            lambda each: _is_wanted(each.observation, kind, party, fields), timeout_s=timeout_s
        )
        assert isinstance(entry.observation, kind)  # the first thing that _is_wanted asks
        return entry.observation


def _digest(entry: Entry) -> str:
    fields = entry.observation.as_fields()
    kind, party = fields.pop("kind"), fields.pop("party")
    details = [f"{name}={value}" for name, value in fields.items() if name not in _NOT_IN_DIGEST]
    return f"{entry.number:4} {party}: {kind} {', '.join(details)}"


def _is_password(name: str, user: str | None) -> bool:
    return name.startswith(password_name()) if user is None else name == password_name(user)


def _is_wanted(
    observation: Observation, kind: type[Observation], party: Party | None, fields: dict[str, object]
) -> bool:
    return (
        isinstance(observation, kind)
        and party in (None, observation.party)
        and all(getattr(observation, name) == value for name, value in fields.items())
    )
