"""The lab file's shape: what is allowed where. Cross references are checked in ``lab_file``.

The words are those of SAP's pages and REST API; the values are those that the parties' own settings take.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from connector_sim.on_premise.port_range import PortRange
from mailserver_sim.settings import OFFERED_MECHANISMS, SPECIAL_FOLDERS, AuthMechanism, SpecialUse
from mailserver_sim.tls_settings import TlsVersion

Port: TypeAlias = Annotated[int, Field(ge=0, le=65_535, strict=True)]
"""0 takes a free port."""

Limit: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Quota: TypeAlias = Annotated[int, Field(ge=0, strict=True)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=120)]


SubaccountId: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""Upper case is refused, as in the real product."""


def _kind(value: Any) -> str:
    """Return a simple value as it stands in the file, and the kind of any other."""
    match value:
        case None:
            return "nothing"
        case str() | int() | float():
            return repr(value)
    return (
        "a list" if isinstance(value, list) else "a mapping" if isinstance(value, Mapping) else "another kind of value"
    )


HOST_PORTS = "host:port, as in mail.example.com:143, or host:low-high, as in ftp.example.com:1000-1010"


def split_host_ports(value: Any) -> tuple[str, PortRange]:
    """Turn ``host:port`` or ``host:low-high`` into a pair. Raises ValueError for anything else, with an example."""
    host, _, ports = str(value).rpartition(":")
    with contextlib.suppress(ValueError):
        if host:
            return host.strip("[]"), PortRange.parse(ports)
    raise ValueError(f"found {_kind(value)}, allowed: {HOST_PORTS}")


def _split_unless_done(value: Any) -> Any:
    return value if isinstance(value, tuple) else split_host_ports(value)


HostPorts: TypeAlias = Annotated[tuple[str, PortRange], BeforeValidator(_split_unless_done)]
"""A host with a port, or with a range of ports."""


def _loopback_unless_told(value: Any) -> Any:
    """Let a listener leave loopback only where the file says so by an explicit address."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError as error:
        raise ValueError(f"found {_kind(value)}, allowed: an IP address, as in 127.0.0.1") from error
    return str(value)


ListenHost: TypeAlias = Annotated[str, BeforeValidator(_loopback_unless_told)]


class Section(BaseModel):
    """A mapping of the lab file: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CertificateFile(Section):
    """A certificate of the user's own: PEM or DER, leaf first; a server's key is PEM, in ``key`` or the same file."""

    file: Name
    key: Name | None = None


def _name_or_file(value: Any) -> Any:
    """Say once what is allowed, instead of once for each kind."""
    if isinstance(value, Mapping) and "file" in value and set(value) <= {"file", "key"}:
        return value
    if isinstance(value, str | CertificateFile):
        return value
    shown = "a mapping without 'file' or with other keys" if isinstance(value, Mapping) else _kind(value)
    raise ValueError(f"found {shown}, allowed: the name of a certificate, or 'file: PATH' (and 'key: PATH')")


Certificate: TypeAlias = Annotated[CertificateFile | Name, BeforeValidator(_name_or_file)]
"""A name in the lab's PKI, or a PEM or DER file."""


class Client(Section):
    """A client of the token service."""

    client_id: Name
    client_secret: SecretStr
    subaccount: Name


class TunnelKeys(Section):
    """How one side keeps its tunnels, and ends them."""

    drain_s: Annotated[float, Field(ge=0, le=86_400)] = 5
    ping_interval_s: Seconds = 30
    ping_timeout_s: Seconds = 10
    keep_alive_idle_s: Annotated[int, Field(ge=1, le=32_767, strict=True)] = 60
    keep_alive_interval_s: Annotated[int, Field(ge=1, le=32_767, strict=True)] = 10
    keep_alive_probes: Annotated[int, Field(ge=1, le=127, strict=True)] = 6


class CloudUser(Section):
    """Somebody who may add subaccounts to a Cloud Connector and renew their certificates."""

    user: Name
    password: SecretStr
    subaccounts: list[Name] | None = None


class Cloud(TunnelKeys):
    """The Connectivity service."""

    host: ListenHost = "127.0.0.1"
    socks5_port: Port = 20_004
    token_port: Port = 20_010
    tunnel_port: Port = 20_011
    clients: list[Client] = Field(min_length=1)
    token_lifetime_s: Annotated[int, Field(ge=1, le=86_400)] = 43_200
    untrusted_back_end_answer: Literal["host_unreachable", "failure", "success_then_close"] = "host_unreachable"
    bad_token_answer: Literal["status", "reply"] = "status"  # noqa: S105 - a choice, no secret
    replace_foreign_tunnel: bool = False
    max_connections_per_client: Limit = 3000
    users: list[CloudUser] = Field(default_factory=list)


class SystemMapping(Section):
    """One system mapping of the access control."""

    virtual: HostPorts
    internal: HostPorts
    protocol: Literal["TCP", "TCPS"]
    back_end_type: Literal["abapSys", "hana", "netweaverGW", "otherSAPsys", "nonSAPsys"] = "nonSAPsys"
    description: str = ""


class ConnectorSubaccount(Section):
    """A subaccount of a Cloud Connector."""

    subaccount: Name
    location_id: str = ""
    mappings: list[SystemMapping] = Field(default_factory=list)


class TrustStore(Section):
    """The back-end trust store; empty means that nobody is trusted."""

    trust_all_backends: bool = False
    certificates: list[Certificate] = Field(default_factory=list)


class HighAvailability(Section):
    """Give a Cloud Connector a shadow, and say how the two watch each other."""

    master_port: Port = 8444
    shadow_port: Port = 8445
    check_interval_s: Seconds = 30
    takeover_delay_s: Annotated[float, Field(ge=0, le=86_400)] = 10
    connect_timeout_ms: Annotated[int, Field(ge=1, le=3_600_000, strict=True)] = 1_000
    request_timeout_ms: Annotated[int, Field(ge=1, le=3_600_000, strict=True)] = 12_000
    missed_checks: Annotated[int, Field(ge=1, le=1_000, strict=True)] = 3


ADMINISTRATION_PORT = 8443
"""The product's own; for the first Cloud Connector of a file."""


class AdministrationUser(Section):
    """A user of the administration; the product has others than Administrator from LDAP."""

    user: Name
    password: SecretStr
    roles: list[Literal["sccadmin", "sccassocadmin", "sccsubadmin", "sccsupport", "sccdisplay", "sccmonitoring"]] = (
        Field(min_length=1)
    )


class Administration(Section):
    """Where a Cloud Connector is administered, and who may do it."""

    serve: bool = True
    host: ListenHost = "127.0.0.1"
    port: Port | None = None
    password: SecretStr = SecretStr("manage")
    must_change_password: bool = True
    users: list[AdministrationUser] = Field(default_factory=list)


class CloudConnector(TunnelKeys):
    """One installed Cloud Connector."""

    name: Name
    back_end_trust_store: TrustStore = TrustStore()
    system_certificate: bool = False
    check_back_end_name: bool = False
    maco_end_to_tls: Literal["hold", "close"] = "hold"
    truncated_as: Literal["reset", "end"] = "reset"
    connect_timeout_s: Seconds = 10
    tls_timeout_s: Seconds = 10
    max_connections: Limit = 4000
    application_tunnel_connections: Annotated[int, Field(ge=1, le=64, strict=True)] = 1
    high_availability: HighAvailability | None = None
    administration: Administration = Administration()
    subaccounts: list[ConnectorSubaccount] = Field(min_length=1)


class MailPorts(Section):
    """The ports of the mail server; one that is absent is not served."""

    imap: Port | None = None
    imaps: Port | None = None
    smtp: Port | None = None
    submission: Port | None = None
    smtps: Port | None = None
    pop3: Port | None = None
    pop3s: Port | None = None


class Account(Section):
    """A mailbox with its login; further addresses are delivered to it too."""

    user: Name
    password: SecretStr
    addresses: list[str] = Field(default_factory=list)
    tokens: list[SecretStr] = Field(default_factory=list)
    quota_bytes: Quota | None = None
    quota_messages: Quota | None = None


TlsVersionKey: TypeAlias = Annotated[TlsVersion, BeforeValidator(str)]
"""With quotes or without: unquoted it is a number."""


class MailTls(Section):
    """How one port of the mail server does TLS, where that differs from the others."""

    certificate: Certificate | None = None
    minimum_version: TlsVersionKey = "1.2"
    maximum_version: TlsVersionKey = "1.3"
    ciphers: str = ""
    client_certificate: Literal["none", "wanted", "required"] = "none"
    client_authorities: list[Certificate] = Field(default_factory=list)


class Fault(Section):
    """One scripted misbehaviour of the mail server."""

    step: Name
    count: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] = 1
    after: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] = 0
    protocol: str = ""
    parameters: dict[str, str | int | float] = Field(default_factory=dict)


class MailServer(Section):
    """The mail server on premise."""

    host_name: Name
    certificate: Certificate = "mail_server"
    special_folders: dict[Name, SpecialUse] = Field(default=dict(SPECIAL_FOLDERS))
    offer_starttls: bool = True
    auth_mechanisms: list[AuthMechanism] = Field(default=list(OFFERED_MECHANISMS), min_length=1)
    literal_plus: bool = False
    host: ListenHost = "127.0.0.1"
    ports: MailPorts
    accounts: list[Account] = Field(min_length=1)
    store: Literal["file", "memory"] = "file"
    preload: dict[Name, Name] = Field(default_factory=dict)
    tls: dict[Name, MailTls] = Field(default_factory=dict)
    faults: list[Fault] = Field(default_factory=list)

    def certificate_of(self, protocol: str) -> Certificate:
        """Return what the port of a protocol presents."""
        own = self.tls.get(protocol)
        return (own.certificate if own else None) or self.certificate


class Credential(Section):
    """A "User Credentials" artifact."""

    name: Name
    user: Name
    password: SecretStr


class EmailServer(Section):
    """Say where the mail server is reached ("Configure Email Server")."""

    name: Name
    address: Name
    proxy_type: Literal["On-Premise", "Internet"]
    location_id: str = ""
    timeout_ms: Annotated[int, Field(ge=1, le=3_600_000, strict=True)] = 30_000


class EmailConnection(Section):
    """Say how mail is read from an e-mail server ("Configure Email Connection")."""

    name: Name
    server: Name
    protection: Literal["Off", "STARTTLS Mandatory", "STARTTLS Optional", "IMAPS"]
    credential: Name
    folder: Name = "INBOX"
    selection: Literal["All Mails", "Only Unread"] = "Only Unread"
    max_messages_per_poll: Annotated[int, Field(ge=1, strict=True)] | None = None
    post_processing: Literal["Archive", "Archive and Mark as Read", "Delete", "Mark as Read"] = "Mark as Read"
    archive_folder: str = ""


class MaCo(Section):
    """SAP Market Communication, as far as mail goes."""

    client: Name
    key_store: dict[Name, Certificate] = Field(default_factory=dict)
    credentials: list[Credential] = Field(default_factory=list)
    email_servers: list[EmailServer] = Field(default_factory=list)
    email_connections: list[EmailConnection] = Field(default_factory=list)
    poll_every_s: Seconds = 60


class Page(Section):
    """The lab page of ``maco-lab up``, on 127.0.0.1 only."""

    serve: bool = True
    port: Port = 8025


class LabModel(Section):
    """The whole file."""

    cloud: Cloud
    subaccounts: list[SubaccountId] = Field(min_length=1)
    cloud_connectors: list[CloudConnector] = Field(default_factory=list)
    hosts: dict[Name, HostPorts] = Field(default_factory=dict)
    mail_server: MailServer
    maco: MaCo
    page: Page = Page()

    def administration_of(self, connector: CloudConnector) -> Administration | None:
        """Return how a Cloud Connector is administered, its port filled in; None if it is not.

        Without a port of its own the first one is at the product's, the others are at free ones.
        """
        keys = connector.administration
        if keys.port is None:
            is_first = connector.name == self.cloud_connectors[0].name
            keys = keys.model_copy(update={"port": ADMINISTRATION_PORT if is_first else 0})
        return keys if keys.serve else None

    @model_validator(mode="before")
    @classmethod
    def _is_a_mapping(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("the file must be a mapping with cloud, subaccounts, mail_server and maco")  # noqa: TRY004
        return value
