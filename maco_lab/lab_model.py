"""The lab file's shape: what is allowed where. Cross references are checked in ``lab_file``.

The words are those of SAP's pages and REST API; the values are those that the parties' own settings take.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, JsonValue, SecretStr, model_validator

from connector_sim.admin.settings import DEFAULT_PASSWORD, DEFAULT_USER
from connector_sim.cloud.token_defects import TokenDefect
from maco_lab.lab_section import (
    MOST_PEM_CHARACTERS,
    Certificate,
    HostPorts,
    Limit,
    ListenHost,
    Name,
    Port,
    Quota,
    Seconds,
    Section,
    SubaccountId,
)
from maco_lab.maco_model import MaCo
from mailserver_sim.settings import OFFERED_MECHANISMS, SPECIAL_FOLDERS, AuthMechanism, SpecialUse
from mailserver_sim.tls_settings import TlsVersion


class Client(Section):
    """A client of the token service."""

    client_id: Name
    client_secret: SecretStr
    subaccount: Name
    claims: dict[Name, JsonValue] = Field(default_factory=dict)
    token_defect: TokenDefect | None = None


class TunnelKeys(Section):
    """How one side keeps its tunnels and the connections in them, and ends them."""

    drain_s: Annotated[float, Field(ge=0, le=86_400)] = 5
    ping_interval_s: Seconds = 30
    ping_timeout_s: Seconds = 10
    keep_alive_idle_s: Annotated[int, Field(ge=1, le=32_767, strict=True)] = 60
    keep_alive_interval_s: Annotated[int, Field(ge=1, le=32_767, strict=True)] = 10
    keep_alive_probes: Annotated[int, Field(ge=1, le=127, strict=True)] = 6
    tunnel_handshake_timeout_s: Seconds = 10
    half_closed_timeout_s: Seconds = 30


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
    negotiation_timeout_s: Seconds = 10
    open_timeout_s: Seconds = 25
    token_timeout_s: Seconds = 10
    users: list[CloudUser] = Field(default_factory=list)


class KeyPairText(Section):
    """A certificate that stands in the lab file itself, as PEM: leaf, what is sent after it, and its key."""

    pem: Annotated[str, Field(min_length=1, max_length=MOST_PEM_CHARACTERS)]


def _flag_or_pem(value: Any) -> Any:
    """Say once what is allowed, instead of once for each kind."""
    if isinstance(value, bool | KeyPairText) or (isinstance(value, Mapping) and set(value) == {"pem"}):
        return value
    raise ValueError("allowed: true, false, or 'pem: TEXT' with certificate and key")


SystemCertificate: TypeAlias = Annotated[bool | KeyPairText, BeforeValidator(_flag_or_pem)]
"""That of the lab, none, or the user's own."""

ApiFields: TypeAlias = dict[Name, JsonValue]
"""Fields of the Cloud Connector's REST API, by their names there."""


class SystemMapping(Section):
    """One system mapping of the access control; TCP and TCPS alone carry traffic."""

    virtual: HostPorts
    internal: HostPorts
    protocol: Literal["TCP", "TCPS", "HTTP", "HTTPS", "RFC", "RFCS", "LDAP", "LDAPS", "RFCWS"]
    back_end_type: Literal[
        "abapSys", "hana", "netweaverGW", "otherSAPsys", "nonSAPsys", "applServerJava", "netweaverCE", "BC", "PI"
    ] = "nonSAPsys"
    description: str | None = None
    api_fields: ApiFields = Field(default_factory=dict)
    resources: list[ApiFields] = Field(default_factory=list)


KeptSettings: TypeAlias = dict[Annotated[str, Field(pattern="^/api/", max_length=200)], ApiFields]
"""What the REST API keeps at a path, and shows."""


class ConnectorSubaccount(Section):
    """A subaccount of a Cloud Connector."""

    subaccount: Name
    location_id: str = ""
    certificate: Literal["valid", "expired"] = "valid"
    connected: bool = True
    display_name: str = ""
    description: str = ""
    auto_cert_renewal: bool = False
    managed: bool = False
    sync_trust: bool = False
    cloud_user: str = ""
    mappings: list[SystemMapping] = Field(default_factory=list)
    settings: KeptSettings = Field(default_factory=dict)

    @property
    def carried(self) -> list[SystemMapping]:
        """The mappings that carry traffic."""
        return [each for each in self.mappings if each.protocol in {"TCP", "TCPS"}]


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
    user: Name = DEFAULT_USER
    password: SecretStr = SecretStr(DEFAULT_PASSWORD)
    must_change_password: bool = True
    users: list[AdministrationUser] = Field(default_factory=list)
    ui_certificate: KeyPairText | None = None
    ca_certificate: KeyPairText | None = None
    description: str = ""
    settings: KeptSettings = Field(default_factory=dict)


class CloudConnector(TunnelKeys):
    """One installed Cloud Connector."""

    name: Name
    back_end_trust_store: TrustStore = TrustStore()
    system_certificate: SystemCertificate = False
    check_back_end_name: bool = False
    maco_end_to_tls: Literal["hold", "close"] = "hold"
    truncated_as: Literal["reset", "end"] = "reset"
    connect_timeout_s: Seconds = 10
    tls_timeout_s: Seconds = 10
    open_request_timeout_s: Seconds = 10
    tunnel_connect_timeout_s: Seconds = 10
    max_reconnect_attempts: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 150
    first_reconnect_delay_s: Seconds = 0.5
    longest_reconnect_delay_s: Seconds = 60
    max_connections: Limit = 4000
    application_tunnel_connections: Annotated[int, Field(ge=1, le=64, strict=True)] = 1
    high_availability: HighAvailability | None = None
    administration: Administration = Administration()
    subaccounts: list[ConnectorSubaccount] = Field(default_factory=list)


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
    firewall: list[HostPorts] = Field(default_factory=list)
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
