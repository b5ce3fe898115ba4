"""One system mapping with all that the API keeps of it, and the rules for its fields. Pure.

TCP and TCPS mappings are the connector's own and carry traffic. Mappings of the other protocols are kept and shown, and
nothing passes through them: a connection to one is refused as if it were not there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector_sim.admin.errors import invalid
from connector_sim.admin.fields import Fields
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.system_mapping import BackEndType, MappingProtocol, SystemMapping

CARRIED = tuple(each.value for each in MappingProtocol)
PROTOCOLS = ("HTTP", "HTTPS", "RFC", "RFCS", "LDAP", "LDAPS", "RFCWS", *CARRIED)
"""RFCWS is not on SAP's page, but SAP's client sends it."""

_ANY_MODE = ("NONE", "NONE_RESTRICTED", "X509_GENERAL", "X509_RESTRICTED")
_MODES: Mapping[str, tuple[str, ...]] = {
    "TCP": ("NONE",),
    "TCPS": ("NONE",),
    "HTTP": (*_ANY_MODE, "KERBEROS"),
    "HTTPS": (*_ANY_MODE, "KERBEROS"),
}
"""Authentication modes by protocol: SAP's own client sends only NONE for TCP and TCPS (facts, section 3.1)."""

_CARRIED_TYPES = tuple(each.value for each in BackEndType)
_OTHER_TYPES = ("applServerJava", "netweaverCE", "BC", "PI")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,255}")


@dataclass(frozen=True, slots=True)
class MappingEntry:
    """One system mapping; texts that were never sent are None."""

    virtual_host: str
    virtual_ports: PortRange
    local_host: str
    local_ports: PortRange
    protocol: str
    back_end_type: str
    creation_ms: int
    authentication_mode: str = "NONE"
    host_in_header: str | None = None
    sid: str | None = None
    description: str | None = None
    snc_partner_name: str | None = None
    sap_router: str | None = None
    allowed_clients: tuple[str, ...] = ()
    blacklisted_users: tuple[str, ...] = ()

    @property
    def is_carried(self) -> bool:
        """Whether the connector carries traffic for it."""
        return self.protocol in CARRIED

    @property
    def virtual(self) -> str:
        """What identifies it."""
        return f"{self.virtual_host}:{self.virtual_ports}"

    def as_system_mapping(self) -> SystemMapping:
        """Return what the connector knows of it. Raises SettingsError."""
        return SystemMapping.between(
            self.virtual_host,
            self.virtual_ports,
            self.local_host,
            self.local_ports,
            MappingProtocol(self.protocol),
            BackEndType(self.back_end_type),
            self.description or "",
        )

    def showing(self, mapping: SystemMapping) -> MappingEntry:
        """Return this with what the connector knows now."""
        if self._shows(mapping):
            return self
        return dataclasses.replace(
            self,
            virtual_host=mapping.virtual_host,
            virtual_ports=mapping.virtual_ports,
            local_host=mapping.internal_host,
            local_ports=mapping.internal_ports,
            protocol=mapping.protocol.value,
            back_end_type=mapping.back_end_type.value,
            description=mapping.description or self.description,
        )

    def _shows(self, mapping: SystemMapping) -> bool:
        """Tell whether the connector knows nothing else; a list of thousands asks this of each."""
        return (
            self.local_ports.first == mapping.internal_port
            and self.virtual_ports.first == mapping.virtual_port
            and self.virtual_ports.last == mapping.virtual_port + mapping.port_count - 1
            and self.local_host == mapping.internal_host
            and self.virtual_host == mapping.virtual_host
            and self.protocol == mapping.protocol
            and self.back_end_type == mapping.back_end_type
            and mapping.description in {"", self.description}
        )


def entry_of(mapping: SystemMapping, creation_ms: int) -> MappingEntry:
    """Return the entry of a mapping that was not made by the API."""
    return MappingEntry(
        mapping.virtual_host,
        mapping.virtual_ports,
        mapping.internal_host,
        mapping.internal_ports,
        mapping.protocol.value,
        mapping.back_end_type.value,
        creation_ms,
        description=mapping.description or None,
    )


def read_entry(fields: Fields, creation_ms: int) -> MappingEntry:
    """Return the mapping that a request describes. Raises Refused, SettingsError."""
    protocol = fields.choice("protocol", PROTOCOLS)
    entry = MappingEntry(
        _host(fields, "virtualHost"),
        _ports(fields, "virtualPort"),
        _host(fields, "localHost"),
        _ports(fields, "localPort"),
        protocol,
        _back_end_type(fields, protocol),
        creation_ms,
        _mode(fields, protocol),
        _host_in_header(fields, protocol),
    )
    return _with_texts(entry, fields)


def changed_entry(old: MappingEntry, fields: Fields) -> MappingEntry:
    """Return a mapping with what was sent; the path fixes its virtual host and port. Raises Refused, SettingsError."""
    sent = {"virtualHost": old.virtual_host.lower(), "virtualPort": str(old.virtual_ports)}
    for name, fixed in sent.items():
        if name in fields and fields.ports(name).lower() != fixed:
            raise invalid(f"{name}: Protocol as well as virtual host and port cannot be changed")
    protocol = fields.choice("protocol", PROTOCOLS) if "protocol" in fields else old.protocol
    entry = dataclasses.replace(
        old,
        local_host=_host(fields, "localHost") if "localHost" in fields else old.local_host,
        local_ports=_ports(fields, "localPort") if "localPort" in fields else old.local_ports,
        protocol=protocol,
        back_end_type=_back_end_type(fields, protocol, old.back_end_type),
        authentication_mode=_mode(fields, protocol, old.authentication_mode),
        host_in_header=_host_in_header(fields, protocol, old.host_in_header),
    )
    return _with_texts(entry, fields)


def entry_fields(entry: MappingEntry) -> dict[str, Any]:
    """Return a mapping as ``read_entry`` reads it; ``sid`` and other texts only where they were sent."""
    return {
        **_first_fields(entry),
        "authenticationMode": entry.authentication_mode,
        **_last_fields(entry),
    }


def entry_shape(entry: MappingEntry, url: str, resources: int, enabled: int) -> dict[str, Any]:
    """Return a mapping in the recorded key order; ``sid`` and ``description`` only where they were sent."""
    return {
        **_first_fields(entry),
        "totalResourcesCount": resources,
        "enabledResourcesCount": enabled,
        "authenticationMode": entry.authentication_mode,
        **_last_fields(entry),
        "_links": {"self": {"href": url}, "resources": {"href": f"{url}/resources"}},
    }


def _first_fields(entry: MappingEntry) -> dict[str, Any]:
    return {
        "virtualHost": entry.virtual_host,
        "virtualPort": str(entry.virtual_ports),
        "localHost": entry.local_host,
        "localPort": str(entry.local_ports),
        "creationDate": str(entry.creation_ms),
        "protocol": entry.protocol,
        "backendType": entry.back_end_type,
        **_sent("hostInHeader", entry.host_in_header),
        **_sent("sid", entry.sid),
    }


def _last_fields(entry: MappingEntry) -> dict[str, Any]:
    return {
        **_sent("description", entry.description),
        **_sent("sncPartnerName", entry.snc_partner_name),
        **_sent("sapRouter", entry.sap_router),
        "allowedClients": list(entry.allowed_clients),
        "blacklistedUsers": list(entry.blacklisted_users),
    }


def _sent(name: str, value: str | None) -> dict[str, str]:
    return {} if value is None else {name: value}


def _with_texts(entry: MappingEntry, fields: Fields) -> MappingEntry:
    def sent(name: str, old: str | None) -> str | None:
        return fields.text(name, "") if name in fields else old

    return dataclasses.replace(
        entry,
        sid=sent("sid", entry.sid),
        description=sent("description", entry.description),
        snc_partner_name=sent("sncPartnerName", entry.snc_partner_name),
        sap_router=sent("sapRouter", entry.sap_router),
        allowed_clients=tuple(fields.texts("allowedClients")) if "allowedClients" in fields else entry.allowed_clients,
        blacklisted_users=(
            tuple(fields.texts("blacklistedUsers")) if "blacklistedUsers" in fields else entry.blacklisted_users
        ),
    )


def _host(fields: Fields, name: str) -> str:
    found = fields.text(name)
    if not _HOST.fullmatch(found):
        raise invalid(f"{name}: found {found[:80]!r}, allowed: letters, digits, dots and hyphens")
    return found


def _ports(fields: Fields, name: str) -> PortRange:
    try:
        found = PortRange.parse(fields.ports(name))
    except ValueError as error:
        raise invalid(f"{name}: {error}") from error
    if found.first < 1:
        raise invalid(f"{name}: found {found}, allowed: 1 to 65535")
    return found


def _back_end_type(fields: Fields, protocol: str, default: str | None = None) -> str:
    allowed = _CARRIED_TYPES if protocol in CARRIED else (*_CARRIED_TYPES, *_OTHER_TYPES)
    found = fields.choice("backendType", (*_CARRIED_TYPES, *_OTHER_TYPES), default)
    if found not in allowed:
        raise invalid(f"backendType: found {found!r}, allowed for {protocol}: {', '.join(allowed)}")
    return found


def _mode(fields: Fields, protocol: str, default: str = "NONE") -> str:
    allowed = _MODES.get(protocol, _ANY_MODE)
    if "authenticationMode" not in fields:
        return default if default in allowed else "NONE"
    return fields.choice("authenticationMode", allowed)


def _host_in_header(fields: Fields, protocol: str, default: str | None = None) -> str | None:
    """Return what only HTTP and HTTPS have; left out for TCP, of which nothing was recorded."""
    if protocol not in {"HTTP", "HTTPS"}:
        return None
    return fields.choice("hostInHeader", ("VIRTUAL", "INTERNAL", "virtual", "internal"), default or "VIRTUAL").upper()
