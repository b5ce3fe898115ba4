"""A configuration as records, and back. Pure.

Contents have the names of the API's fields. Certificates are PEM, private keys PKCS#8 without encryption: whoever keeps
records keeps them from others. A certificate of the landscape is kept by its name, and is what has it then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from connector_sim.admin.configuration import Configuration
from connector_sim.admin.key_pair import Identity, KeptPair, PrivateKey
from connector_sim.admin.landscape_certificates import LandscapeCertificates
from connector_sim.admin.mapping_book import KeptMapping
from connector_sim.admin.mapping_entry import MappingEntry, entry_fields
from connector_sim.admin.records import Kind, Put, Record
from connector_sim.admin.roles import Role
from connector_sim.admin.subaccount_book import Description, Details, KeptSubaccount
from connector_sim.admin.trust_list import KeptTrust
from connector_sim.admin.users import User
from connector_sim.on_premise.port_range import PortRange

SYSTEM, UI, CA = "system", "ui", "ca"


class UnreadableRecords(Exception):
    """Records are not those of a configuration; the text says which one, and never what is in it."""


class RecordCodec:
    """Writes and reads the records of one installation."""

    def __init__(self, landscape: LandscapeCertificates, first: Mapping[str, Identity | None]) -> None:
        """``first`` are the connector's own certificates as its landscape has them now: system, ui and ca."""
        self._landscape = landscape
        self._first = first

    def records(self, configuration: Configuration) -> Iterator[Record]:
        """Return every record of a configuration."""
        yield Record(Kind.CONNECTOR, "", {"description": configuration.description})
        for user in configuration.users:
            yield Record(Kind.USER, user.name, _user(user))
        yield self._pair(SYSTEM, configuration.system_certificate)
        yield self._pair(UI, configuration.ui_certificate)
        yield self._pair(CA, configuration.ca_certificate)
        trust = configuration.trust
        yield Record(Kind.TRUST_STORE, "", {"trustAllBackends": trust.trusts_all, "uploads": trust.uploads})
        for alias, certificate in trust.entries.items():
            name = self._landscape.name_of(certificate)
            yield Record(Kind.TRUSTED, alias, {"name": name} if name else {"certificate": _pem([certificate])})
        for name, subaccount in configuration.subaccounts.items():
            yield Record(Kind.SUBACCOUNT, name, _subaccount(subaccount))
        for name, mappings in configuration.mappings.items():
            yield from (put_mapping(name, each).record for each in mappings)
        for name, settings in configuration.stored.items():
            for path, values in settings.items():
                yield Record(Kind.SETTING, path, values, name)

    def configuration(self, records: Iterable[Record]) -> Configuration:
        """Return the configuration of records. Raises UnreadableRecords."""
        by_kind: dict[Kind, list[Record]] = {kind: [] for kind in Kind}
        try:
            for record in records:
                by_kind[Kind(record.kind)].append(record)
            return self._configuration(by_kind)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise UnreadableRecords(f"not the configuration of a Cloud Connector ({type(error).__name__})") from error

    def _configuration(self, records: Mapping[Kind, list[Record]]) -> Configuration:
        pairs = {each.name: self._read_pair(each) for each in records[Kind.CERTIFICATE]}
        subaccounts = {each.name: self._read_subaccount(each.content) for each in records[Kind.SUBACCOUNT]}
        mappings: dict[str, list[KeptMapping]] = {name: [] for name in subaccounts}
        for each in records[Kind.MAPPING]:
            mappings[each.subaccount].append(_read_mapping(each.content))
        stored: dict[str, dict[str, Mapping[str, Any]]] = {}
        for each in records[Kind.SETTING]:
            stored.setdefault(each.subaccount, {})[each.name] = dict(each.content)
        [connector] = records[Kind.CONNECTOR]
        [trust_store] = records[Kind.TRUST_STORE]
        trusted = {each.name: self._read_trusted(each.content) for each in records[Kind.TRUSTED]}
        return Configuration(
            tuple(_read_user(each) for each in records[Kind.USER]),
            KeptTrust(
                {alias: certificate for alias, certificate in trusted.items() if certificate},
                int(trust_store.content["uploads"]),
                bool(trust_store.content["trustAllBackends"]),
            ),
            pairs[SYSTEM],
            pairs[UI],
            pairs[CA],
            subaccounts,
            {name: tuple(each) for name, each in mappings.items()},
            stored,
            str(connector.content["description"]),
        )

    def _pair(self, name: str, kept: KeptPair) -> Record:
        """Return a certificate of the connector's own; the first UI certificate is kept too: clients know it."""
        content: dict[str, Any] = {"isFirst": kept.is_first}
        if kept.identity and (not kept.is_first or name == UI):
            content["certificate"] = _pem([kept.identity.certificate, *kept.identity.chain])
            content["key"] = _key_pem(kept.identity.key)
        if kept.requested:
            content["requestedKey"] = _key_pem(kept.requested)
        return Record(Kind.CERTIFICATE, name, content)

    def _read_pair(self, record: Record) -> KeptPair:
        content = record.content
        requested = _read_key(content["requestedKey"]) if "requestedKey" in content else None
        if "certificate" not in content:
            identity = self._first[record.name] if content["isFirst"] else None
            return KeptPair(identity, bool(content["isFirst"]), requested)
        leaf, *chain = x509.load_pem_x509_certificates(content["certificate"].encode())
        identity = Identity(leaf, _read_key(content["key"]), tuple(chain))
        return KeptPair(identity, bool(content["isFirst"]), requested)

    def _read_trusted(self, content: Mapping[str, Any]) -> x509.Certificate | None:
        """Return a trusted certificate; None for a name that the landscape no longer has."""
        if "name" in content:
            return self._landscape.named(content["name"])
        return x509.load_pem_x509_certificate(content["certificate"].encode())

    def _read_subaccount(self, content: Mapping[str, Any]) -> KeptSubaccount:
        certificate = None
        if "certificate" in content:
            key = _read_key(content["key"])
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise TypeError("a subaccount certificate has an EC key")
            signed = x509.load_pem_x509_certificate(content["certificate"].encode())
            certificate = self._landscape.of_subaccount(signed, key)
        described = Description(
            content["displayName"], content["description"], content["autoCertRenewal"], content["isManaged"]
        )
        details = Details(
            described, certificate, content["user"], content["autoSyncTrustEnabled"], content["connected"]
        )
        return KeptSubaccount(content["locationID"], details)


def put_mapping(subaccount: str, kept: KeptMapping) -> Put:
    """Return how a system mapping is kept."""
    content = entry_fields(kept.entry) | {"resources": list(kept.resources.values())}
    return Put(Record(Kind.MAPPING, kept.entry.virtual.lower(), content, subaccount))


def _read_mapping(content: Mapping[str, Any]) -> KeptMapping:
    entry = MappingEntry(
        content["virtualHost"],
        PortRange.parse(content["virtualPort"]),
        content["localHost"],
        PortRange.parse(content["localPort"]),
        content["protocol"],
        content["backendType"],
        int(content["creationDate"]),
        content["authenticationMode"],
        content.get("hostInHeader"),
        content.get("sid"),
        content.get("description"),
        content.get("sncPartnerName"),
        content.get("sapRouter"),
        tuple(content["allowedClients"]),
        tuple(content["blacklistedUsers"]),
    )
    return KeptMapping(entry, {each["id"]: dict(each) for each in content["resources"]})


def _user(user: User) -> dict[str, Any]:
    shown = {"password": user.password, "roles": sorted(user.roles)}
    return shown | {"mustChange": user.must_change, "isFirst": user.is_first}


def _read_user(record: Record) -> User:
    content = record.content
    roles = frozenset(map(Role, content["roles"]))
    return User(record.name, str(content["password"]), roles, content["mustChange"], content["isFirst"])


def _subaccount(kept: KeptSubaccount) -> dict[str, Any]:
    details = kept.details
    content: dict[str, Any] = {
        "locationID": kept.location_id,
        "displayName": details.described.display_name,
        "description": details.described.description,
        "autoCertRenewal": details.described.auto_cert_renewal,
        "isManaged": details.described.is_managed,
        "user": details.user,
        "autoSyncTrustEnabled": details.syncs_trust,
        "connected": details.connects,
    }
    if details.certificate and details.certificate.key:
        content["certificate"] = _pem([x509.load_der_x509_certificate(details.certificate.der)])
        content["key"] = _key_pem(details.certificate.key)
    return content


def _pem(certificates: Iterable[x509.Certificate]) -> str:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates).decode()


def _key_pem(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _read_key(pem: str) -> PrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise TypeError(f"found a key of type {type(key).__name__}, allowed: EC or RSA")
    return key
