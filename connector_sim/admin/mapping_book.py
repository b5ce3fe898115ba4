"""The system mappings of every subaccount: those that the connector carries, and those that are only kept.

The connector's access control is the truth about TCP and TCPS; what it does not know (creation date, system ID and so
on) is kept beside. A virtual host and port belongs to one mapping, whatever its protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from connector_sim.admin.errors import ErrorType, Refused, not_found
from connector_sim.admin.mapping_entry import MappingEntry, entry_of
from connector_sim.admin.records import Change, Delete, DeleteAll, Kind, Put
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.virtual_systems import MappingOverlap

_Key: TypeAlias = tuple[str, PortRange]
Resource: TypeAlias = Mapping[str, Any]
Resources: TypeAlias = Mapping[str, Resource]
"""The resources of a mapping by their IDs."""


@dataclass(frozen=True, slots=True)
class KeptMapping:
    """What is to be kept of a system mapping."""

    entry: MappingEntry
    resources: Resources = field(default_factory=dict)


class MappingBook:
    """The mappings of one connector.

    There may be so many that nobody looks for the one that has changed: the book writes down what has.
    """

    def __init__(
        self, connector: CloudConnector, clock: Callable[[], float], record: Callable[[str, KeptMapping], Put]
    ) -> None:
        """``record`` returns how a mapping of a subaccount is to be kept."""
        self._connector = connector
        self._clock = clock
        self._record = record
        self._began_ms = self.now_ms()
        self._entries: dict[str, dict[_Key, MappingEntry]] = {}
        self._resources: dict[tuple[str, str], dict[str, Resource]] = {}
        self._changes: list[Change] = []

    def take_changes(self) -> list[Change]:
        """Return what has changed since this was called last."""
        changes, self._changes = self._changes, []
        return changes

    def kept(self, subaccount: str) -> list[KeptMapping]:
        """Return every mapping of a subaccount with its resources, the oldest first."""
        return [KeptMapping(each, dict(self.resources(subaccount, each))) for each in self.entries(subaccount)]

    def load(self, kept: Mapping[str, Iterable[KeptMapping]]) -> None:
        """Be what was kept, of the connector's subaccounts. Raises MappingOverlap."""
        self._connector.checks.forget()
        self._entries.clear()
        self._resources.clear()
        for subaccount in self._connector.tunnels:
            mappings = list(kept.get(subaccount, ()))
            carried = tuple(each.entry.as_system_mapping() for each in mappings if each.entry.is_carried)
            if carried != self._connector.mappings(subaccount):
                self._connector.expose(subaccount, carried)
            self._entries[subaccount] = {_key(each.entry): each.entry for each in mappings}
            for each in mappings:
                if each.resources:
                    self._resources[subaccount, each.entry.virtual.lower()] = dict(each.resources)

    def forget(self, subaccount: str) -> None:
        """Forget what is written down of a subaccount."""
        self._entries.pop(subaccount, None)
        for key in [each for each in self._resources if each[0] == subaccount]:
            del self._resources[key]
        self._changes.append(DeleteAll(Kind.MAPPING, subaccount))

    def now_ms(self) -> int:
        """Return now as a creation date has it."""
        return int(self._clock() * 1000)

    def entries(self, subaccount: str) -> list[MappingEntry]:
        """Return every mapping, the oldest first."""
        known = self._entries.get(subaccount, {})
        carried = []
        for mapping in self._connector.mappings(subaccount):
            entry = known.get((mapping.virtual_host.lower(), mapping.virtual_ports))
            carried.append(entry.showing(mapping) if entry else entry_of(mapping, self._began_ms))
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
        self._keep(subaccount, entry)

    def put(self, subaccount: str, old: MappingEntry, entry: MappingEntry) -> None:
        """Change one; what is open stays open. Raises SettingsError, and changes nothing then."""
        access_control = self._connector.access_control(subaccount)
        if entry.is_carried:
            access_control.put(entry.as_system_mapping())
        elif old.is_carried:
            access_control.remove(old.virtual_host, old.virtual_ports)
        self._drop(subaccount, entry)  # it is the last one now, as in the access control
        self._keep(subaccount, entry)

    def remove(self, subaccount: str, entry: MappingEntry) -> None:
        """Remove one: the next connection is refused, what is open stays open."""
        if entry.is_carried:
            self._connector.access_control(subaccount).remove(entry.virtual_host, entry.virtual_ports)
        self._drop(subaccount, entry)
        self._resources.pop((subaccount, entry.virtual.lower()), None)

    def clear(self, subaccount: str) -> None:
        """Remove all."""
        self._connector.expose(subaccount, ())
        self.forget(subaccount)

    def resources(self, subaccount: str, entry: MappingEntry) -> Resources:
        """Return the resources that are kept for a mapping."""
        return self._resources.get((subaccount, entry.virtual.lower()), {})

    def put_resource(self, subaccount: str, entry: MappingEntry, resource: Resource) -> None:
        """Keep a resource for a mapping, in place of the one with the same ID."""
        self._resources.setdefault((subaccount, entry.virtual.lower()), {})[str(resource["id"])] = resource
        self._keep(subaccount, entry)

    def remove_resource(self, subaccount: str, entry: MappingEntry, resource: str) -> None:
        """Keep a resource no longer. Raises KeyError."""
        del self._resources[subaccount, entry.virtual.lower()][resource]
        self._keep(subaccount, entry)

    def count_resources(self, subaccount: str, entry: MappingEntry) -> tuple[int, int]:
        """Return how many resources there are, and how many of them are enabled."""
        found = self._resources.get((subaccount, entry.virtual.lower()), {}) if self._resources else {}
        return len(found), sum(each["enabled"] is True for each in found.values())

    def _keep(self, subaccount: str, entry: MappingEntry) -> None:
        self._entries.setdefault(subaccount, {})[_key(entry)] = entry
        self._changes.append(self._record(subaccount, KeptMapping(entry, self.resources(subaccount, entry))))

    def _drop(self, subaccount: str, entry: MappingEntry) -> None:
        self._entries.get(subaccount, {}).pop(_key(entry), None)
        self._changes.append(Delete((Kind.MAPPING, subaccount, entry.virtual.lower())))

    def _refuse_overlap(self, subaccount: str, entry: MappingEntry) -> None:
        """Refuse what overlaps with a mapping of the other kind; the access control sees to its own."""
        carried = self._connector.access_control(subaccount)
        known, host = self._entries.get(subaccount, {}), entry.virtual_host.lower()
        for port in range(entry.virtual_ports.first, entry.virtual_ports.last + 1):  # what is only kept has one port
            other = known.get((host, PortRange(port, port)))
            if other and not other.is_carried:
                raise _taken(entry, other.virtual)
        if not entry.is_carried and (found := carried.find(entry.virtual_host, entry.virtual_ports.first)):
            raise _taken(entry, found.virtual)


def _taken(entry: MappingEntry, other: str) -> Refused:
    text = f"virtualPort: {entry.virtual!r} overlaps {other!r}; a virtual port belongs to one mapping"
    return Refused(ErrorType.INVALID_CONFIGURATION, text)


def _key(entry: MappingEntry) -> _Key:
    return entry.virtual_host.lower(), entry.virtual_ports
