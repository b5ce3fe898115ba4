"""What the shape of a lab file cannot say: references between its sections, and what the parties' settings refuse.

Pure. Every finding is the location of the wrong value and a text; ``lab_file`` turns a location into line and column.
The parties check their own settings when these are built; they are built here once, so that a user is told the line.
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Sequence
from pathlib import Path

from connector_sim.admin.errors import Refused
from connector_sim.admin.mapping_entry import CARRIED
from connector_sim.admin.roles import Role
from connector_sim.admin.settings import AdminSettings, AdminUser
from connector_sim.cloud.settings import OauthClient
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.settings import SubaccountSettings
from connector_sim.on_premise.system_mapping import BackEndType
from connector_sim.on_premise.virtual_systems import VirtualSystems
from maco_client.settings import TokenService
from maco_lab import lab_model
from maco_lab.lab_configuration import API_FIELDS, kept_mapping, system_mapping
from maco_lab.lab_model import LabModel
from maco_lab.lab_refusals import Found, Location, built_at, repeated, unknown
from maco_lab.lab_section import HOST_PORTS, Certificate, CertificateText, split_host_ports
from maco_lab.maco_checks import maco_findings
from maco_lab.pki import CertificateFileError, anchor_names, key_pair_of, server_names
from maco_lab.tls_abilities import speaks, unknown_ciphers
from mailserver_sim.faults.plan import Fault
from mailserver_sim.settings import LISTENER_PROTOCOLS, Account, MailServerSettings
from mailserver_sim.tls_settings import TlsSettings

REGION_HOST = "lab.example"
"""The region's host: the tunnel endpoint's name without ``connectivitytunnel.``, as in the real regions."""


def check(model: LabModel) -> list[tuple[Location, str]]:
    """Return everything that is wrong with a lab file of the right shape; each place is told once."""
    found: dict[Location, str] = {}
    for rule in (_cloud, _connectors, _hosts, _firewall, _mail_server, _mail_tls, _certificates, _ports, maco_findings):
        for where, text in rule(model):
            found.setdefault(where, text)
    return list(found.items())


def _cloud(model: LabModel) -> Found:
    if ipaddress.ip_address(model.cloud.host).is_unspecified:
        text = f"found {model.cloud.host!r}, allowed: one address, because MaCo and the Cloud Connectors dial it"
        yield ("cloud", "host"), text
    clients = model.cloud.clients
    for i, client in enumerate(clients):
        where: Location = ("cloud", "clients", i)
        if client.subaccount not in model.subaccounts:
            yield (*where, "subaccount"), unknown(client.subaccount, model.subaccounts)
        secret = client.client_secret.get_secret_value()
        yield from built_at(where, TokenService, "http://127.0.0.1:1", client.client_id, secret)[1]
        yield from built_at(where, oauth_client, client)[1]
    yield from repeated(("cloud", "clients"), [client.client_id for client in clients], "client_id")
    for i, user in enumerate(model.cloud.users):
        for j, subaccount in enumerate(user.subaccounts or ()):
            if subaccount not in model.subaccounts:
                yield ("cloud", "users", i, "subaccounts", j), unknown(subaccount, model.subaccounts)
    yield from repeated(("cloud", "users"), [user.user for user in model.cloud.users], "user")
    yield from repeated(("subaccounts",), model.subaccounts)


def oauth_client(client: lab_model.Client) -> OauthClient:
    """Return a client as the token service takes it. Raises SettingsError."""
    secret = client.client_secret.get_secret_value()
    return OauthClient(client.client_id, secret, client.subaccount, client.claims, client.token_defect)


def _connectors(model: LabModel) -> Found:
    for i, connector in enumerate(model.cloud_connectors):
        for j, inner in enumerate(connector.subaccounts):
            where: Location = ("cloud_connectors", i, "subaccounts", j)
            if inner.subaccount not in model.subaccounts:
                yield (*where, "subaccount"), unknown(inner.subaccount, model.subaccounts)
            yield from built_at(where, SubaccountSettings, inner.subaccount, inner.location_id)[1]
            yield from _mappings((*where, "mappings"), inner.mappings)
        yield from built_at(("cloud_connectors", i, "administration"), admin_settings, connector.administration)[1]
        yield from _kept_settings(i, connector)
        yield from _own_certificates(i, connector)
        names = [inner.subaccount for inner in connector.subaccounts]
        yield from repeated(("cloud_connectors", i, "subaccounts"), names, "subaccount")
    yield from repeated(("cloud_connectors",), [connector.name for connector in model.cloud_connectors], "name")
    yield from _shadows(model)


def _shadows(model: LabModel) -> Found:
    """Find a Cloud Connector that has the name of another one's shadow."""
    shadows = {f"{each.name} shadow": each.name for each in model.cloud_connectors if each.high_availability}
    for i, connector in enumerate(model.cloud_connectors):
        if connector.name in shadows:
            yield ("cloud_connectors", i, "name"), f"{connector.name!r} is the shadow of {shadows[connector.name]!r}"


def _mappings(where: Location, mappings: Sequence[lab_model.SystemMapping]) -> Found:
    systems = VirtualSystems()
    for i, mapping in enumerate(mappings):
        if mapping.protocol in CARRIED and mapping.back_end_type not in set(BackEndType):
            yield (*where, i, "back_end_type"), unknown(mapping.back_end_type, BackEndType)
            continue
        built, found = built_at((*where, i), system_mapping, mapping)
        yield from found
        if built:
            yield from built_at((*where, i), systems.add, built)[1]
            yield from _api_fields((*where, i), mapping)


def _api_fields(where: Location, mapping: lab_model.SystemMapping) -> Found:
    """Find what the REST API would refuse of a mapping, beyond what the Cloud Connector itself does."""
    if others := [name for name in mapping.api_fields if name not in API_FIELDS]:
        yield (*where, "api_fields", others[0]), unknown(others[0], API_FIELDS)
        return
    try:
        kept_mapping(mapping, now_ms=0)
    except Refused as refusal:
        yield where, refusal.message
    if mapping.resources and mapping.protocol in CARRIED:
        yield (*where, "resources"), "TCP and TCPS mappings have no resources"
    if mapping.protocol not in CARRIED and len(mapping.virtual[1]) > 1:
        yield (*where, "virtual"), "port ranges are for TCP and TCPS only"


def _kept_settings(i: int, connector: lab_model.CloudConnector) -> Found:
    """Find paths at which the REST API shows nothing, and lists there that it would refuse."""
    places: list[tuple[Location, lab_model.KeptSettings]] = [
        (("cloud_connectors", i, "administration", "settings"), connector.administration.settings)
    ]
    places += [
        (("cloud_connectors", i, "subaccounts", j, "settings"), each.settings)
        for j, each in enumerate(connector.subaccounts)
    ]
    if not any(settings for _, settings in places):
        return
    from connector_sim.admin import service_channels, subject_pattern_rules  # these and all: only where somebody asks
    from connector_sim.admin.endpoints import ENDPOINTS

    shown = {each.path for each in ENDPOINTS if each.method == "GET"}
    for where, settings in places:
        for path, kept in settings.items():
            if path not in shown:
                yield (*where, path), f"found {path!r}, allowed: a path that docs/rest-api.md lists with GET"
            try:
                service_channels.check_kept(path, kept)
                subject_pattern_rules.check_kept(path, kept)
            except Refused as refusal:
                yield (*where, path), refusal.message


def _own_certificates(i: int, connector: lab_model.CloudConnector) -> Found:
    """Find certificates of a Cloud Connector's own that are none, or have no key."""
    keys = connector.administration
    own: list[tuple[Location, bool | lab_model.KeyPairText | None]] = [
        (("cloud_connectors", i, "system_certificate"), connector.system_certificate),
        (("cloud_connectors", i, "administration", "ui_certificate"), keys.ui_certificate),
        (("cloud_connectors", i, "administration", "ca_certificate"), keys.ca_certificate),
    ]
    for where, text in own:
        if isinstance(text, lab_model.KeyPairText):
            try:
                key_pair_of(text)
            except CertificateFileError as error:
                yield where, str(error)


def admin_settings(keys: lab_model.Administration) -> AdminSettings:
    """Return the settings of an administration. Raises SettingsError."""
    return AdminSettings(
        REGION_HOST,
        keys.host,
        keys.port or 0,
        keys.user,
        keys.password.get_secret_value(),
        keys.must_change_password,
        users=tuple(
            AdminUser(user.user, user.password.get_secret_value(), frozenset(map(Role, user.roles)))
            for user in keys.users
        ),
    )


def _hosts(model: LabModel) -> Found:
    """Find names that are none, ranges of another size than their address, and a port that is there twice.

    A name with one port may be there beside a range that has it, and comes first then.
    """
    singles: set[tuple[str, int]] = set()
    ranges: list[tuple[str, PortRange, str]] = []
    for name, (_, there) in model.hosts.items():
        where: Location = ("hosts", name)
        try:
            host, ports = split_host_ports(name.lower())
        except ValueError:
            yield where, f"found name {name!r}, allowed: {HOST_PORTS}"
            continue
        if len(ports) != len(there):
            yield where, f"found {there} for {ports}, allowed: as many ports as in the name"
        if len(ports) > 1:
            ranges.append((host, ports, name))
            continue
        if (host, ports.first) in singles:
            yield where, f"{name.lower()!r} is there twice"
        singles.add((host, ports.first))
    for (host, ports, name), (next_host, next_ports, next_name) in itertools.pairwise(sorted(ranges)):
        if host == next_host and ports.overlaps(next_ports):
            yield ("hosts", next_name), f"{next_name!r} overlaps {name!r}"


def _firewall(model: LabModel) -> Found:
    """Find a name that no mapping leads to: it would drop nothing."""
    mapped = {
        mapping.internal[0].lower()
        for connector in model.cloud_connectors
        for subaccount in connector.subaccounts
        for mapping in subaccount.mappings
    }
    for i, (host, _) in enumerate(model.firewall):
        if host.lower() not in mapped:
            yield ("firewall", i), unknown(host, mapped)


def _mail_server(model: LabModel) -> Found:
    server = model.mail_server
    accounts: list[Account] = []
    for i, account in enumerate(server.accounts):
        where: Location = ("mail_server", "accounts", i)
        built, found = built_at(where, mail_account, account)
        yield from found
        accounts += [built] if built else []
    yield from repeated(("mail_server", "accounts"), [account.user for account in server.accounts], "user")
    users = [account.user for account in server.accounts]
    for user in server.preload:
        if user not in users:
            yield ("mail_server", "preload", user), unknown(user, users)
    settings = (server.host_name, tuple(accounts), (), Path())
    for _, text in built_at((), MailServerSettings, *settings)[1]:
        yield ("mail_server", "accounts"), text
    for i, fault in enumerate(server.faults):
        yield from built_at(("mail_server", "faults", i), fault_of, fault)[1]


def _mail_tls(model: LabModel) -> Found:
    """Find TLS of ports that have none, what OpenSSL lacks, and client certificates that nobody judges."""
    server = model.mail_server
    ports = server.ports.model_dump()
    for protocol, tls in server.tls.items():
        where: Location = ("mail_server", "tls", protocol)
        if protocol not in LISTENER_PROTOCOLS:
            yield where, unknown(protocol, LISTENER_PROTOCOLS)
        elif ports.get(protocol) is None:
            yield where, f"{protocol} is not served: give it a port in mail_server.ports"
        elif not (server.offer_starttls or protocol.endswith("s")):
            yield where, f"there is no TLS on {protocol} while offer_starttls is false"
        built, found = built_at(where, tls_settings, tls)
        yield from found
        yield from _abilities(where, built) if built else ()
        yield from _client_authorities(where, tls)


def _abilities(where: Location, tls: TlsSettings) -> Found:
    for version in tls.old_versions:
        if not speaks(version):
            yield (*where, "minimum_version"), f"the OpenSSL of this machine no longer speaks TLS {version}"
    if tls.ciphers and unknown_ciphers(tls.ciphers):
        yield (*where, "ciphers"), f"found {tls.ciphers!r}, in which OpenSSL knows no cipher"


def _client_authorities(where: Location, tls: lab_model.MailTls) -> Found:
    if tls.client_certificate == "none" and tls.client_authorities:
        yield (*where, "client_authorities"), "nobody is asked for a certificate: set client_certificate"
    if tls.client_certificate != "none" and not tls.client_authorities:
        yield (*where, "client_certificate"), "say whom to trust in client_authorities, as in [connector_ca]"


def tls_settings(tls: lab_model.MailTls) -> TlsSettings:
    """Return how a port does TLS, as the mail server takes it. Raises SettingsError."""
    return TlsSettings(tls.minimum_version, tls.maximum_version, tls.ciphers, tls.client_certificate)


def fault_of(fault: lab_model.Fault) -> Fault:
    """Return a fault as the mail server takes it. Raises SettingsError."""
    return Fault(fault.step, fault.count, fault.after, fault.protocol, fault.parameters)


def mail_account(account: lab_model.Account) -> Account:
    """Return an account as the mail server takes it. Raises SettingsError."""
    return Account(
        account.user,
        account.password.get_secret_value(),
        mail_addresses(account),
        tuple(token.get_secret_value() for token in account.tokens),
        account.quota_bytes,
        account.quota_messages,
    )


def mail_addresses(account: lab_model.Account) -> tuple[str, ...]:
    """Return every address that is delivered to a mailbox; a user name of the form name@domain is one of them."""
    own = (account.user,) if "@" in account.user else ()
    return own + tuple(address for address in account.addresses if address != account.user)


def _certificates(model: LabModel) -> Found:
    stores: list[tuple[Location, Certificate]] = [
        (("cloud_connectors", i, "back_end_trust_store", "certificates", j), choice)
        for i, connector in enumerate(model.cloud_connectors)
        for j, choice in enumerate(connector.back_end_trust_store.certificates)
    ]
    stores += [(("maco", "key_store", alias), choice) for alias, choice in model.maco.key_store.items()]
    stores += [
        (("mail_server", "tls", protocol, "client_authorities", i), choice)
        for protocol, tls in model.mail_server.tls.items()
        for i, choice in enumerate(tls.client_authorities)
    ]
    for where, choice in stores:
        if isinstance(choice, str) and choice not in anchor_names():
            yield where, unknown(choice, anchor_names())
    presented: list[tuple[Location, Certificate | None]] = [
        (("mail_server", "certificate"), model.mail_server.certificate)
    ]
    presented += [
        (("mail_server", "tls", protocol, "certificate"), tls.certificate)
        for protocol, tls in model.mail_server.tls.items()
    ]
    for where, own in presented:
        if isinstance(own, CertificateText):
            yield where, "found a certificate without its key, allowed: a name, or 'file: PATH' (and 'key: PATH')"
        if isinstance(own, str) and own not in server_names():
            yield where, unknown(own, server_names())


def _ports(model: LabModel) -> Found:
    """Find a port that is given to two listeners; 0 takes a free one and may be there as often as wanted."""
    cloud, server = model.cloud, model.mail_server
    listeners: list[tuple[Location, str, int | None]] = [
        (("cloud", key), cloud.host, getattr(cloud, key)) for key in ("socks5_port", "token_port", "tunnel_port")
    ]
    listeners += [
        (("mail_server", "ports", protocol), server.host, port) for protocol, port in server.ports.model_dump().items()
    ]
    listeners += [
        (("cloud_connectors", i, "high_availability", key), "127.0.0.1", getattr(connector.high_availability, key))
        for i, connector in enumerate(model.cloud_connectors)
        if connector.high_availability
        for key in ("master_port", "shadow_port")
    ]
    listeners += [
        (("cloud_connectors", i, "administration", "port"), keys.host, keys.port)
        for i, connector in enumerate(model.cloud_connectors)
        if (keys := model.administration_of(connector))
    ]
    listeners += [(("page", "port"), "127.0.0.1", model.page.port)] if model.page.serve else []
    listeners += [(("maco", "api", "port"), "127.0.0.1", model.maco.api.port)] if model.maco.api.serve else []
    taken: dict[tuple[str, int], Location] = {}
    for where, host, port in listeners:
        if port and taken.setdefault((host, port), where) != where:
            yield where, f"port {port} is that of {'.'.join(map(str, taken[host, port]))} already"
