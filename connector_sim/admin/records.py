"""What is kept of an installation: records, each one thing of its configuration, and the changes of them. Pure.

The kinds are a Cloud Connector's; what else has records names kinds of its own.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias


class Kind(enum.StrEnum):
    """What a record is about; the order is that in which records are read back."""

    CONNECTOR = "connector"
    USER = "user"
    CERTIFICATE = "certificate"
    TRUST_STORE = "trustStore"
    TRUSTED = "trustedCertificate"
    SUBACCOUNT = "subaccount"
    MAPPING = "systemMapping"
    SETTING = "setting"


Key: TypeAlias = tuple[str, str, str]
"""Kind, subaccount (empty: of the connector) and name."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing; ``content`` is what JSON can say, and may hold passwords and private keys."""

    kind: str
    name: str
    content: Mapping[str, Any] = field(repr=False)
    subaccount: str = ""

    @property
    def key(self) -> Key:
        """What identifies it."""
        return self.kind, self.subaccount, self.name


@dataclass(frozen=True, slots=True)
class Put:
    """Keep a record: in its place, or behind all others if it is new."""

    record: Record


@dataclass(frozen=True, slots=True)
class Delete:
    """Keep a record no longer; one that is not there is no error."""

    key: Key


@dataclass(frozen=True, slots=True)
class DeleteAll:
    """Keep nothing of a kind in a subaccount."""

    kind: str
    subaccount: str


@dataclass(frozen=True, slots=True)
class Replace:
    """Keep these records and no others."""

    records: tuple[Record, ...]


Change: TypeAlias = Put | Delete | DeleteAll | Replace
