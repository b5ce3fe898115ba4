"""What MaCo is configured with as one value: key store, security material, e-mail servers, e-mail connections. Pure.

Its rule: every reference leads somewhere. A change returns a new value, or raises and changes nothing: SettingsError
for what cannot be, UnknownEntry, NameTaken, or StillUsed for what a connection needs. Changes of the sending
connections are in ``smtp.configured``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from maco_client.failures import MacoError, SettingsError
from maco_client.settings import Credential, EmailConnection, EmailServer, check_alias
from maco_client.settings.fields import check_total
from maco_client.smtp.settings import SendingConnection

KEY_STORE_BYTES = 6 * 1024 * 1024  # CPI on Cloud Foundry: keystore
MOST_ENTRIES = 10_000
MOST_LISTED = 20


class UnknownEntry(MacoError):
    """There is no entry of this name; the text lists those that there are."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"found {kind} {name!r}, allowed: {_listed(known)}")


class NameTaken(MacoError):
    """There is an entry of this name already."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name!r} is there already: delete it first, or take another name")


class StillUsed(MacoError):
    """An entry cannot go because connections refer to it."""

    def __init__(self, kind: str, name: str, connections: Iterable[str]) -> None:
        super().__init__(f"{kind} {name!r} is used by {', '.join(map(repr, connections))}")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_N = TypeVar("_N", bound=_Named)
_V = TypeVar("_V")
_C = TypeVar("_C", EmailConnection, SendingConnection)

Kind: TypeAlias = Literal["key store entry", "credential", "e-mail server", "e-mail connection", "sending connection"]

KEY_STORE_ENTRY: Kind = "key store entry"
CREDENTIAL: Kind = "credential"
EMAIL_SERVER: Kind = "e-mail server"
EMAIL_CONNECTION: Kind = "e-mail connection"
SENDING_CONNECTION: Kind = "sending connection"


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Configuration:
    """Everything that is configured, by name and in the order in which it was added; certificates are DER."""

    key_store: Mapping[str, bytes] = field(default_factory=_nothing)
    credentials: Mapping[str, Credential] = field(default_factory=_nothing)
    servers: Mapping[str, EmailServer] = field(default_factory=_nothing)
    connections: Mapping[str, EmailConnection] = field(default_factory=_nothing)
    sending: Mapping[str, SendingConnection] = field(default_factory=_nothing)

    def with_certificates(self, certificates: Mapping[str, bytes]) -> Configuration:
        """Add certificates, all of them or none."""
        for alias in certificates:
            check_alias(alias)
            must_be_free(KEY_STORE_ENTRY, alias, self.key_store)
        entries = {**self.key_store, **certificates}
        check_total("key_store", map(len, entries.values()), KEY_STORE_BYTES)
        return dataclasses.replace(self, key_store=MappingProxyType(entries))

    def without_certificate(self, alias: str) -> Configuration:
        """Remove a certificate."""
        find(KEY_STORE_ENTRY, self.key_store, alias)
        return dataclasses.replace(self, key_store=without_entry(self.key_store, alias))

    def with_credential(self, credential: Credential) -> Configuration:
        """Add security material."""
        must_be_free(CREDENTIAL, credential.name, self.credentials)
        return dataclasses.replace(self, credentials=with_entry(self.credentials, credential))

    def with_changed_credential(self, name: str, **changes: Any) -> Configuration:
        """Change security material; connections that refer to it have the new one."""
        changed = dataclasses.replace(find(CREDENTIAL, self.credentials, name), **changes)
        return dataclasses.replace(
            self,
            credentials=with_entry(self.credentials, changed),
            connections=_with_credential(self.connections, changed),
            sending=_with_credential(self.sending, changed),
        )

    def without_credential(self, name: str) -> Configuration:
        """Remove security material that nobody refers to."""
        find(CREDENTIAL, self.credentials, name)
        _must_be_unused(CREDENTIAL, name, self.users_of_credential(name))
        return dataclasses.replace(self, credentials=without_entry(self.credentials, name))

    def with_server(self, server: EmailServer) -> Configuration:
        """Add an e-mail server."""
        must_be_free(EMAIL_SERVER, server.name, self.servers)
        return dataclasses.replace(self, servers=with_entry(self.servers, server))

    def with_changed_server(self, name: str, **changes: Any) -> Configuration:
        """Change an e-mail server; e-mail connections that refer to it have the new one."""
        changed = dataclasses.replace(find(EMAIL_SERVER, self.servers, name), **changes)
        connections = {
            each: dataclasses.replace(self.connections[each], server=changed) for each in self.users_of_server(name)
        }
        return dataclasses.replace(
            self,
            servers=with_entry(self.servers, changed),
            connections=MappingProxyType({**self.connections, **connections}),
        )

    def without_server(self, name: str) -> Configuration:
        """Remove an e-mail server that nobody refers to."""
        find(EMAIL_SERVER, self.servers, name)
        _must_be_unused(EMAIL_SERVER, name, self.users_of_server(name))
        return dataclasses.replace(self, servers=without_entry(self.servers, name))

    def with_connection(self, name: str, *, server: str, credential: str, **settings: Any) -> Configuration:
        """Add an e-mail connection; ``server`` and ``credential`` are names."""
        must_be_free(EMAIL_CONNECTION, name, self.connections)
        connection = EmailConnection(
            name=name,
            server=referred_to("server", self.servers, server),
            credential=referred_to("credential", self.credentials, credential),
            **settings,
        )
        return dataclasses.replace(self, connections=with_entry(self.connections, connection))

    def with_changed_connection(self, name: str, **changes: Any) -> Configuration:
        """Change an e-mail connection; ``server`` and ``credential`` among the changes are names.

        With another transport protocol Selection begins anew, unless that is among the changes.
        """
        if "transport_protocol" in changes:
            changes = {"selection": None, **changes}
        if "server" in changes:
            changes["server"] = referred_to("server", self.servers, changes["server"])
        if "credential" in changes:
            changes["credential"] = referred_to("credential", self.credentials, changes["credential"])
        changed = dataclasses.replace(find(EMAIL_CONNECTION, self.connections, name), **changes)
        return dataclasses.replace(self, connections=with_entry(self.connections, changed))

    def without_connection(self, name: str) -> Configuration:
        """Remove an e-mail connection."""
        find(EMAIL_CONNECTION, self.connections, name)
        return dataclasses.replace(self, connections=without_entry(self.connections, name))

    def users_of_server(self, name: str) -> list[str]:
        """Return the e-mail connections that refer to an e-mail server."""
        return [each.name for each in self.connections.values() if each.server.name == name]

    def users_of_credential(self, name: str) -> list[str]:
        """Return the connections that refer to security material, those for reading first."""
        users: list[EmailConnection | SendingConnection] = [*self.connections.values(), *self.sending.values()]
        return [each.name for each in users if credential_name(each) == name]


def credential_name(connection: EmailConnection | SendingConnection) -> str:
    """Return the name of a connection's security material, empty for none."""
    return connection.credential.name if connection.credential is not None else ""


def find(kind: str, entries: Mapping[str, _V], name: str) -> _V:
    """Return the entry of this name. Raises UnknownEntry."""
    if name not in entries:
        raise UnknownEntry(kind, name, entries)
    return entries[name]


def _with_credential(connections: Mapping[str, _C], changed: Credential) -> Mapping[str, _C]:
    """Return the connections with security material in the place of the one of the same name."""
    return MappingProxyType(
        {
            name: dataclasses.replace(each, credential=changed) if credential_name(each) == changed.name else each
            for name, each in connections.items()
        }
    )


def referred_to(field: str, entries: Mapping[str, _V], name: str) -> _V:
    """Return what a field of a connection names. Raises SettingsError."""
    if name not in entries:
        raise SettingsError(field, f"found {name!r}, allowed: {_listed(entries)}")
    return entries[name]


def _listed(names: Iterable[str]) -> str:
    shown = [repr(name) for name in sorted(names)]
    return ", ".join(shown[:MOST_LISTED]) + (", …" if len(shown) > MOST_LISTED else "") or "none is defined"


def must_be_free(kind: str, name: str, entries: Mapping[str, object]) -> None:
    """Refuse a name that is taken, and an entry too many. Raises NameTaken or SettingsError."""
    if name in entries:
        raise NameTaken(kind, name)
    check_total(kind, [len(entries) + 1], MOST_ENTRIES)


def _must_be_unused(kind: str, name: str, users: list[str]) -> None:
    if users:
        raise StillUsed(kind, name, users)


def with_entry(entries: Mapping[str, _N], entry: _N) -> Mapping[str, _N]:
    """Return the entries with one more, or with another of that name."""
    return MappingProxyType({**entries, entry.name: entry})


def without_entry(entries: Mapping[str, _V], name: str) -> Mapping[str, _V]:
    """Return the entries without one."""
    return MappingProxyType({key: value for key, value in entries.items() if key != name})


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that was added, changed or removed."""

    kind: Kind
    name: str
    change: Literal["added", "changed", "removed"]


def differences(before: Configuration, after: Configuration) -> list[Difference]:
    """Return what was changed, in the order of the screens."""
    found: list[Difference] = []
    kinds: tuple[tuple[Kind, Mapping[str, object], Mapping[str, object]], ...] = (
        (KEY_STORE_ENTRY, before.key_store, after.key_store),
        (CREDENTIAL, before.credentials, after.credentials),
        (EMAIL_SERVER, before.servers, after.servers),
        (EMAIL_CONNECTION, before.connections, after.connections),
        (SENDING_CONNECTION, before.sending, after.sending),
    )
    for kind, old, new in kinds:
        found += [Difference(kind, name, "removed") for name in old if name not in new]
        found += [Difference(kind, name, "added") for name in new if name not in old]
        found += [Difference(kind, name, "changed") for name in new if name in old and old[name] != new[name]]
    return found
