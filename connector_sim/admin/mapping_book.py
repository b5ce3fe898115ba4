"""The system mappings of every subaccount: those that the connector carries, and those that are only kept.

The connector's access control is the truth about TCP and TCPS; what it does not know (creation date, system ID and so
on) is kept beside. A virtual host and port belongs to one mapping, whatever its protocol.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from connector_sim.admin.errors import ErrorType, Refused, not_found
from connector_sim.admin.mapping_entry import MappingEntry, entry_of
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.virtual_systems import MappingOverlap

_Key: TypeAlias = tuple[str, PortRange]
Stored: TypeAlias = dict[str, dict[str, object]]


class MappingBook:
    """The mappings of one connector."""

    def __init__(self, connector: CloudConnector, clock: Callable[[], float]) -> None:
        self._connector = connector
        self._clock = clock
        self.restore()

    def restore(self) -> None:
        """Forget everything but what the connector itself has."""
        self._began_ms = self.now_ms()
        self._entries: dict[str, dict[_Key, MappingEntry]] = {}
        self._resources: dict[tuple[str, str], Stored] = {}

    def forget(self, subaccount: str) -> None:
        """Forget a subaccount that is no more."""
        self._entries.pop(subaccount, None)
        for key in [each for each in self._resources if each[0] == subaccount]:
            del self._resources[key]

    def now_ms(self) -> int:
        """Return now as a creation date has it."""
        return int(self._clock() * 1000)

    def entries(self, subaccount: str) -> list[MappingEntry]:
        """Return every mapping, the oldest first."""
        known = self._entries.get(subaccount, {})
        carried = [
            known.get(_key(entry), entry).showing(mapping)
            for mapping in self._connector.mappings(subaccount)
            for entry in [entry_of(mapping, self._began_ms)]
        ]
        kept = [each for each in known.values() if not each.is_carried]
        return sorted([*carried, *kept], key=lambda each: each.creation_ms)

    def get(self, subaccount: str, virtual: str) -> MappingEntry:
        """Return one by its ``host:port`` or ``host:low-high``. Raises Refused."""
        host, _, ports = virtual.rpartition(":")
        try:
            key = (host.lower(), PortRange.parse(ports))
        except ValueError:
            raise not_found("System mapping", virtual) from None
        access_control = self._connector.access_control(subaccount)
        known = self._entries.get(subaccount, {}).get(key)
        if mapping := access_control.get(*key):
            return (known or entry_of(mapping, self._began_ms)).showing(mapping)
        if known is None or known.is_carried:
            raise not_found("System mapping", virtual)
        return known

    def add(self, subaccount: str, entry: MappingEntry) -> None:
        """Add one; it carries traffic at once. Raises Refused for a virtual port that is taken, SettingsError."""
        self._refuse_overlap(subaccount, entry)
        if entry.is_carried:
            try:
                self._connector.access_control(subaccount).add(entry.as_system_mapping())
            except MappingOverlap as error:
                raise Refused(ErrorType.INVALID_CONFIGURATION, str(error)) from error
        self._entries.setdefault(subaccount, {})[_key(entry)] = entry

    def put(self, subaccount: str, old: MappingEntry, entry: MappingEntry) -> None:
        """Change one; what is open stays open. Raises SettingsError, and changes nothing then."""
        access_control = self._connector.access_control(subaccount)
        if entry.is_carried:
            access_control.put(entry.as_system_mapping())
        elif old.is_carried:
            access_control.remove(old.virtual_host, old.virtual_ports)
        self._entries.setdefault(subaccount, {})[_key(entry)] = entry

    def remove(self, subaccount: str, entry: MappingEntry) -> None:
        """Remove one: the next connection is refused, what is open stays open."""
        if entry.is_carried:
            self._connector.access_control(subaccount).remove(entry.virtual_host, entry.virtual_ports)
        self._entries.get(subaccount, {}).pop(_key(entry), None)
        self._resources.pop((subaccount, entry.virtual.lower()), None)

    def clear(self, subaccount: str) -> None:
        """Remove all."""
        self._connector.expose(subaccount, ())
        self.forget(subaccount)

    def resources(self, subaccount: str, entry: MappingEntry) -> Stored:
        """Return the resources that are kept for a mapping, by their IDs."""
        return self._resources.setdefault((subaccount, entry.virtual.lower()), {})

    def count_resources(self, subaccount: str, entry: MappingEntry) -> tuple[int, int]:
        """Return how many resources there are, and how many of them are enabled."""
        found = self._resources.get((subaccount, entry.virtual.lower()), {})
        return len(found), sum(each["enabled"] is True for each in found.values())

    def _refuse_overlap(self, subaccount: str, entry: MappingEntry) -> None:
        """Refuse what overlaps with a mapping of the other kind; the access control sees to its own."""
        carried = self._connector.access_control(subaccount)
        for (host, ports), other in self._entries.get(subaccount, {}).items():
            if not other.is_carried and host == entry.virtual_host.lower() and ports.overlaps(entry.virtual_ports):
                raise _taken(entry, other.virtual)
        if not entry.is_carried and (found := carried.find(entry.virtual_host, entry.virtual_ports.first)):
            raise _taken(entry, found.virtual)


def _taken(entry: MappingEntry, other: str) -> Refused:
    text = f"virtualPort: {entry.virtual!r} overlaps {other!r}; a virtual port belongs to one mapping"
    return Refused(ErrorType.INVALID_CONFIGURATION, text)


def _key(entry: MappingEntry) -> _Key:
    return entry.virtual_host.lower(), entry.virtual_ports
