"""The on-premise names: where an internal host and port of a mapping really listen.

Only the Cloud Connector resolves them. A name that is not in the table does not resolve: the lab never asks a DNS.
"""

from __future__ import annotations

from collections.abc import Mapping

from maco_wire.observation import Address


class OnPremiseNames:
    """The ``hosts`` table of a lab file; names compare case-insensitively.

    ``moved`` tells where a listener of the lab really got its port when free ones were taken.
    """

    def __init__(self, hosts: Mapping[str, Address], moved: Mapping[Address, Address]) -> None:
        self._hosts = {name.lower(): moved.get(address, address) for name, address in hosts.items()}
        self._table = dict(self._hosts)

    def resolve(self, host: str, port: int) -> Address | None:
        """Return where ``host``:``port`` listens."""
        return self._table.get(f"{host.lower()}:{port}")

    def lead(self, host: str, port: int, address: Address) -> None:
        """Let ``host``:``port`` lead elsewhere, as a line added to the table would: for dials to come."""
        self._table[f"{host.lower()}:{port}"] = address

    def restore(self) -> None:
        """Put the table of the lab file back."""
        self._table = dict(self._hosts)
