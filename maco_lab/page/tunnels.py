"""The tunnels of a running lab with their newest state, and what is mapped through each.

States come from the journal. It forgets its oldest entries, so the newest state of each tunnel is kept here.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from maco_lab import lab_model
from maco_lab.journal import Entry, Journal
from maco_lab.page import shapes
from maco_wire.observation import TunnelState


class TunnelBook:
    """Knows the newest state of each tunnel, by Cloud Connector and subaccount, while the block runs."""

    def __init__(self, journal: Journal) -> None:
        self._newest: dict[tuple[str, str], Entry] = {}
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
        seen = entry.observation
        if isinstance(seen, TunnelState):
            place = (seen.system or "", seen.subaccount)
            known = self._newest.get(place)
            if known is None or known.number <= entry.number:
                self._newest[place] = entry

    def tunnels(self, model: lab_model.LabModel) -> shapes.Tunnels:
        """Return every tunnel that the lab file has."""
        return shapes.Tunnels(tunnels=list(self._tunnels(model)))

    def _tunnels(self, model: lab_model.LabModel) -> Iterator[shapes.Tunnel]:
        for connector in model.cloud_connectors:
            for described in connector.subaccounts:
                newest = self._newest.get((connector.name, described.subaccount))
                seen = newest.observation if newest else None
                told = seen if isinstance(seen, TunnelState) else None
                yield shapes.Tunnel(
                    cloud_connector=connector.name,
                    subaccount=described.subaccount,
                    location_id=told.location_id if told else described.location_id,
                    state=told.state if told else "",
                    reason=told.reason if told else "",
                    changed_at=newest.time if newest else None,
                    mappings=[_mapping(each) for each in described.mappings],
                )


def _mapping(mapping: lab_model.SystemMapping) -> shapes.SystemMapping:
    (virtual_host, virtual_ports), (internal_host, internal_ports) = mapping.virtual, mapping.internal
    return shapes.SystemMapping(
        virtual=f"{virtual_host}:{virtual_ports}",
        internal=f"{internal_host}:{internal_ports}",
        protocol=mapping.protocol,
        description=mapping.description,
    )
