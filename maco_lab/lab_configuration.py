"""From a Cloud Connector of the lab file to the configuration of its installation, and back to data of a lab file.

The lab file has words of its own for what acts, and takes the rest by the REST API's names: ``api_fields`` of a
mapping, and ``settings`` by path. What is not in a lab file is new at every start: creation dates, aliases of trusted
certificates, subaccount certificates, and signing requests that were not answered.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Issued
from connector_sim.admin.configuration import Configuration
from connector_sim.admin.fields import Fields
from connector_sim.admin.key_pair import Identity, KeptPair
from connector_sim.admin.mapping_book import KeptMapping
from connector_sim.admin.mapping_entry import (
    CARRIED,
    MappingEntry,
    changed_entry,
    entry_fields,
    entry_of,
    read_entry,
)
from connector_sim.admin.settings import DEFAULT_USER
from connector_sim.admin.subaccount_book import Description, Details, KeptSubaccount
from connector_sim.on_premise.system_mapping import BackEndType, MappingProtocol, SystemMapping
from maco_lab import lab_model
from maco_lab.pki import LabPki, key_pair_of

API_FIELDS = (
    "authenticationMode",
    "hostInHeader",
    "sid",
    "sncPartnerName",
    "sapRouter",
    "allowedClients",
    "blacklistedUsers",
)
"""What ``api_fields`` of a mapping may have."""

_DEFAULTS: Mapping[str, object] = {"authenticationMode": "NONE", "allowedClients": [], "blacklistedUsers": []}


def configured(present: Configuration, described: lab_model.CloudConnector, now_ms: int) -> Configuration:
    """Return the configuration of an installation that was just built, with everything that the lab file says.

    Raises what ``mapping_entry`` and ``key_pair_of`` raise; a lab file that was checked has no such mistake.
    """
    keys = described.administration
    stored = {each.subaccount: each.settings for each in described.subaccounts if each.settings}
    return dataclasses.replace(
        present,
        description=keys.description,
        stored={**({"": keys.settings} if keys.settings else {}), **stored},
        system_certificate=_pair(_given(described.system_certificate), present.system_certificate),
        ui_certificate=_pair(keys.ui_certificate, present.ui_certificate),
        ca_certificate=_pair(keys.ca_certificate, present.ca_certificate),
        subaccounts={
            each.subaccount: _subaccount(each, present.subaccounts[each.subaccount]) for each in described.subaccounts
        },
        mappings={
            each.subaccount: tuple(kept_mapping(mapping, now_ms) for mapping in each.mappings)
            for each in described.subaccounts
        },
    )


def kept_mapping(mapping: lab_model.SystemMapping, now_ms: int) -> KeptMapping:
    """Return a mapping of the lab file with its resources. Raises as ``mapping_entry``, and Refused for a resource."""
    first: dict[str, Any] = {"enabled": False, "exactMatchOnly": False, "websocketUpgradeAllowed": False}
    resources = {
        Fields(each).text("id"): {"id": "", **first, "creationDate": str(now_ms), "description": "", **each}
        for each in mapping.resources
    }
    return KeptMapping(mapping_entry(mapping, now_ms), resources)


def mapping_entry(mapping: lab_model.SystemMapping, now_ms: int) -> MappingEntry:
    """Return a mapping of the lab file as the REST API has it. Raises Refused, SettingsError."""
    (virtual_host, virtual_ports), (local_host, local_ports) = mapping.virtual, mapping.internal
    if mapping.protocol in CARRIED:
        entry = entry_of(system_mapping(mapping), now_ms)
        entry = dataclasses.replace(entry, description=mapping.description)
        return changed_entry(entry, Fields(mapping.api_fields))
    own = {
        "virtualHost": virtual_host,
        "virtualPort": str(virtual_ports),
        "localHost": local_host,
        "localPort": str(local_ports),
        "protocol": mapping.protocol,
        "backendType": mapping.back_end_type,
        **({} if mapping.description is None else {"description": mapping.description}),
    }
    return read_entry(Fields(own | mapping.api_fields), now_ms)


def system_mapping(mapping: lab_model.SystemMapping) -> SystemMapping:
    """Return a system mapping as the Cloud Connector takes it. Raises SettingsError.

    One of a protocol that is not carried becomes one that is: what it must not be is the same.
    """
    is_carried = mapping.protocol in CARRIED
    return SystemMapping.between(
        *mapping.virtual,
        *mapping.internal,
        MappingProtocol(mapping.protocol) if is_carried else MappingProtocol.TCP,
        BackEndType(mapping.back_end_type) if is_carried else BackEndType.NON_SAP,
        mapping.description or "",
    )


def _subaccount(described: lab_model.ConnectorSubaccount, present: KeptSubaccount) -> KeptSubaccount:
    name = described.display_name or described.subaccount
    details = Details(
        Description(name, described.description, described.auto_cert_renewal, described.managed),
        present.details.certificate,
        described.cloud_user,
        described.sync_trust,
        described.connected,
    )
    return KeptSubaccount(present.location_id, details)


def _given(choice: bool | lab_model.KeyPairText) -> lab_model.KeyPairText | None:
    return None if isinstance(choice, bool) else choice


def _pair(text: lab_model.KeyPairText | None, present: KeptPair) -> KeptPair:
    if text is None:
        return present
    issued = key_pair_of(text)
    return KeptPair(Identity(issued.certificate, issued.private_key, issued.chain))


def described_by(configuration: Configuration, described: lab_model.CloudConnector, pki: LabPki) -> dict[str, Any]:
    """Return those keys of a Cloud Connector in a lab file that its configuration makes; defaults are left out."""
    by_subaccount = configuration.stored
    return {
        "back_end_trust_store": {
            "trust_all_backends": configuration.trust.trusts_all,
            "certificates": [_choice(each, described, pki) for each in configuration.trust.entries.values()],
        },
        "system_certificate": _system_certificate(configuration.system_certificate),
        "administration": _administration(configuration),
        "subaccounts": [
            _without_defaults(
                {
                    "subaccount": name,
                    "location_id": kept.location_id,
                    "connected": kept.details.connects,
                    "display_name": kept.details.described.display_name,
                    "description": kept.details.described.description,
                    "auto_cert_renewal": kept.details.described.auto_cert_renewal,
                    "managed": kept.details.described.is_managed,
                    "sync_trust": kept.details.syncs_trust,
                    "cloud_user": kept.details.user,
                    "mappings": [_mapping(each) for each in configuration.mappings[name]],
                    "settings": _plain(by_subaccount.get(name, {})),
                },
                {"location_id": "", "connected": True, "display_name": name, "description": "", "cloud_user": ""},
            )
            for name, kept in configuration.subaccounts.items()
        ],
    }


def _administration(configuration: Configuration) -> dict[str, Any]:
    first = next(each for each in configuration.users if each.is_first)
    others = [each for each in configuration.users if not each.is_first]
    keys = {
        "user": first.name,
        "password": first.password,
        "must_change_password": first.must_change,
        "users": [
            {"user": each.name, "password": each.password, "roles": sorted(map(str, each.roles))} for each in others
        ],
        "ui_certificate": _text(configuration.ui_certificate),
        "ca_certificate": _text(configuration.ca_certificate),
        "description": configuration.description,
        "settings": _plain(configuration.stored.get("", {})),
    }
    return _without_defaults(keys, _ADMINISTRATION)


def _mapping(kept: KeptMapping) -> dict[str, Any]:
    entry = kept.entry
    fields = {name: value for name, value in entry_fields(entry).items() if _DEFAULTS.get(name) != value}
    keys = {
        "virtual": entry.virtual,
        "internal": f"{entry.local_host}:{entry.local_ports}",
        "protocol": entry.protocol,
        "back_end_type": entry.back_end_type,
        "description": entry.description,
        "api_fields": {name: fields[name] for name in API_FIELDS if name in fields},
        "resources": [
            {name: each[name] for name in each if name != "creationDate"} for each in kept.resources.values()
        ],
    }
    return _without_defaults(keys, {"back_end_type": "nonSAPsys", "description": None})


def _choice(certificate: x509.Certificate, described: lab_model.CloudConnector, pki: LabPki) -> object:
    """Return a trusted certificate as the lab file has it, by its name in the lab's PKI, or else as PEM."""
    der = certificate.public_bytes(Encoding.DER)
    for choice in described.back_end_trust_store.certificates:
        if pki.anchor(choice) == der:
            return choice if isinstance(choice, str) else choice.model_dump(exclude_none=True)
    return pki.cast.name_of(certificate) or {"pem": certificate.public_bytes(Encoding.PEM).decode()}


def _system_certificate(kept: KeptPair) -> object:
    return _text(kept) or kept.identity is not None


def _text(kept: KeptPair) -> dict[str, str] | None:
    """Return a certificate with its key; None for one that the landscape gives, and for none."""
    if kept.identity is None or kept.is_first:
        return None
    identity = kept.identity
    issued = Issued(identity.certificate, identity.key, identity.chain)
    return {"pem": (issued.chain_pem() + issued.key_pem()).decode()}


def _plain(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {path: dict(values) for path, values in settings.items()}


def _without_defaults(keys: dict[str, Any], defaults: Mapping[str, object]) -> dict[str, Any]:
    """Leave out what a lab file without the key says too: the defaults, and what is empty or false without one."""
    return {name: value for name, value in keys.items() if value != defaults.get(name, _EMPTY.get(type(value)))}


_ADMINISTRATION: Mapping[str, object] = {
    "user": DEFAULT_USER,
    "must_change_password": True,
    "ui_certificate": None,
    "ca_certificate": None,
    "description": "",
}
_EMPTY: Mapping[type, object] = {list: [], dict: {}, bool: False}
