"""The access control of one subaccount: deny by default, allow what is mapped.

Pure: virtual host and port in, mapping out. Virtual hosts compare case-insensitively (RFC 4343).
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

from connector_sim.on_premise.settings import SystemMapping

NEAREST_AMONG = 200
"""How many mappings are searched for a similar name; a hint is not worth more than a few milliseconds."""


class AccessControl:
    """The mappings of one subaccount."""

    def __init__(self, mappings: Iterable[SystemMapping] = ()) -> None:
        self._mappings = {_key(mapping.virtual_host, mapping.virtual_port): mapping for mapping in mappings}
        self._internal = {
            _key(mapping.internal_host, mapping.internal_port): mapping for mapping in reversed(self._mappings.values())
        }

    def find(self, virtual_host: str, virtual_port: int) -> SystemMapping | None:
        """Return the mapping for this virtual system, if it is exposed."""
        return self._mappings.get(_key(virtual_host, virtual_port))

    def nearest(self, virtual_host: str, virtual_port: int) -> str:
        """Return the virtual ``host:port`` of the mapping a caller may have meant; empty if none comes near.

        First the mapping whose *internal* host and port were used instead of the virtual ones, then the most similar.
        """
        if used_instead := self._internal.get(_key(virtual_host, virtual_port)):
            return _virtual(used_instead)
        names = {
            _virtual(mapping).lower(): mapping for mapping in itertools.islice(self._mappings.values(), NEAREST_AMONG)
        }
        close = difflib.get_close_matches(f"{virtual_host.lower()}:{virtual_port}", names, n=1, cutoff=0.6)
        return _virtual(names[close[0]]) if close else ""


def _virtual(mapping: SystemMapping) -> str:
    return f"{mapping.virtual_host}:{mapping.virtual_port}"


def _key(host: str, port: int) -> tuple[str, int]:
    return host.lower(), port
