"""Which mapping leads to an internal host and port: for the hint to a caller who used the internal name.

Pure. Several mappings may lead to one internal system; the one that was added first is named. A hint is not worth much
time: of the ranges of one internal host only the first are looked through.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TypeAlias

from connector_sim.on_premise.system_mapping import SystemMapping

RANGES_SEARCHED = 200

_Key: TypeAlias = tuple[str, int | None]
_Virtual: TypeAlias = tuple[str, int]


class InternalSystems:
    """Mappings found by an internal port."""

    def __init__(self, mappings: Iterable[SystemMapping] = ()) -> None:
        # By host and port; those with a port range by host and None. Inside, by virtual host and first port.
        self._leading_to: dict[_Key, dict[_Virtual, SystemMapping]] = {}
        for mapping in mappings:
            self.add(mapping)

    def add(self, mapping: SystemMapping) -> None:
        """Add a mapping."""
        self._leading_to.setdefault(_key(mapping), {})[_virtual(mapping)] = mapping

    def remove(self, mapping: SystemMapping) -> None:
        """Remove a mapping that was added."""
        key = _key(mapping)
        del self._leading_to[key][_virtual(mapping)]
        if not self._leading_to[key]:
            del self._leading_to[key]

    def find(self, internal_host: str, internal_port: int) -> SystemMapping | None:
        """Return the mapping that leads there; of a port range, the part for this port."""
        host = internal_host.lower()
        if single := self._leading_to.get((host, internal_port)):
            return next(iter(single.values()))
        ranges = self._leading_to.get((host, None), {})
        for mapping in itertools.islice(ranges.values(), RANGES_SEARCHED):
            if internal_port in mapping.internal_ports:
                return mapping.narrowed_to(mapping.virtual_port + internal_port - mapping.internal_port)
        return None


def _key(mapping: SystemMapping) -> _Key:
    return mapping.internal_host.lower(), mapping.internal_port if mapping.port_count == 1 else None


def _virtual(mapping: SystemMapping) -> _Virtual:
    return mapping.virtual_host.lower(), mapping.virtual_port
