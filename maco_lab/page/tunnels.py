"""The tunnels of a running lab with their newest state, and what is mapped through each.

States come from the journal. It forgets its oldest entries, so the newest state of each tunnel is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self, TypeAlias, TypeVar

from connector_sim.on_premise.system_mapping import SystemMapping
from maco_lab import lab_model
from maco_lab.ha_party import shadow_name
from maco_lab.journal import Entry, Journal
from maco_lab.lab_configuration import system_mapping
from maco_lab.page import shapes
from maco_lab.page.landscape import Lab
from maco_lab.topology import RunningLab
from maco_wire.observation import HaState, TunnelState

Exposed: TypeAlias = Mapping[str, Iterable[SystemMapping]]
"""What is exposed to each subaccount of a Cloud Connector."""

Mappings: TypeAlias = Callable[[str], Exposed | None]
"""What a Cloud Connector exposes now; None if that is not known here."""

_K = TypeVar("_K")


class TunnelBook:
    """Knows the newest state of each tunnel, by Cloud Connector and subaccount, and the roles, while the block runs."""

    def __init__(self, journal: Journal) -> None:
        self._newest: dict[tuple[str, str], Entry] = {}
        self._roles: dict[str, Entry] = {}
        self._stop = journal.listen(self._take)
        for entry in journal.entries():
            self._take(entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def _take(self, entry: Entry) -> None:
        match entry.observation:
            case TunnelState(system=system, subaccount=subaccount):
                _keep(self._newest, (system or "", subaccount), entry)
            case HaState(system=system):
                _keep(self._roles, system or "", entry)

    def tunnels(self, model: lab_model.LabModel, mappings: Mappings) -> shapes.Tunnels:
        """Return every tunnel that the lab has; a shadow has the same subaccounts as its master."""
        return shapes.Tunnels(tunnels=list(self._tunnels(model, mappings)))

    def _tunnels(self, model: lab_model.LabModel, mappings: Mappings) -> Iterator[shapes.Tunnel]:
        for connector in model.cloud_connectors:
            names = [connector.name, *([shadow_name(connector)] if connector.high_availability else [])]
            for name in names:
                described = {each.subaccount: each for each in connector.subaccounts}
                exposed = mappings(name)
                if exposed is None:
                    exposed = {each: map(system_mapping, described[each].carried) for each in described}
                for subaccount, listed in exposed.items():
                    location_id = described[subaccount].location_id if subaccount in described else ""
                    yield self._tunnel(name, subaccount, location_id, listed)

    def _tunnel(self, name: str, subaccount: str, location_id: str, exposed: Iterable[SystemMapping]) -> shapes.Tunnel:
        newest, role = self._newest.get((name, subaccount)), self._roles.get(name)
        told = newest.observation if newest and isinstance(newest.observation, TunnelState) else None
        plays = role.observation if role and isinstance(role.observation, HaState) else None
        return shapes.Tunnel(
            cloud_connector=name,
            role=plays.role if plays else "",
            role_state=plays.state if plays else "",
            subaccount=subaccount,
            location_id=told.location_id if told else location_id,
            state=told.state if told else "",
            reason=told.reason if told else "",
            changed_at=newest.time if newest else None,
            mappings=[_mapping(each) for each in exposed],
        )


def mappings_of(lab: Lab) -> Mappings:
    """Return what tells the subaccounts and mappings of each Cloud Connector as they are now.

    None where it runs in a process of its own, which nobody changes: then those of the lab file are true.
    """
    connectors = lab.connectors if isinstance(lab, RunningLab) else {}

    def exposed(name: str) -> Exposed | None:
        if name not in connectors:
            return None
        return {subaccount: connectors[name].mappings(subaccount) for subaccount in connectors[name].tunnels}

    return exposed


def _keep(newest: dict[_K, Entry], key: _K, entry: Entry) -> None:
    known = newest.get(key)
    if known is None or known.number <= entry.number:
        newest[key] = entry


def _mapping(mapping: SystemMapping) -> shapes.SystemMapping:
    return shapes.SystemMapping(
        virtual=f"{mapping.virtual_host}:{mapping.virtual_ports}",
        internal=f"{mapping.internal_host}:{mapping.internal_ports}",
        protocol=mapping.protocol,
        description=mapping.description,
    )
