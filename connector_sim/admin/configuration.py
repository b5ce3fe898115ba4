"""Everything that is configured in an installation, as one value. Pure.

An installation shows it and takes it. It is what a store keeps, what a backup holds, and what becomes a lab file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from connector_sim.admin.key_pair import KeptPair
from connector_sim.admin.mapping_book import KeptMapping
from connector_sim.admin.subaccount_book import KeptSubaccount
from connector_sim.admin.trust_list import KeptTrust
from connector_sim.admin.users import User

Stored: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""What is kept and acts on nothing, by subaccount (empty: of the connector) and path of its endpoint."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration of one installation; what is ordered here is listed in this order by the API."""

    users: tuple[User, ...]
    trust: KeptTrust
    system_certificate: KeptPair
    ui_certificate: KeptPair
    ca_certificate: KeptPair
    subaccounts: Mapping[str, KeptSubaccount]
    mappings: Mapping[str, tuple[KeptMapping, ...]]
    """By subaccount."""
    stored: Stored
    description: str = ""
