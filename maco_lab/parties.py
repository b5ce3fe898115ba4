"""Build each party from the lab file: its settings, its trust, its certificates; nothing is started here.

Used by the whole lab in one process and by the parties that run alone.
"""

from __future__ import annotations

import dataclasses
import functools
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from joserfc.jwk import RSAKey

from certs.summary import summarize
from connector_sim.cloud.service import ConnectivityService
from connector_sim.cloud.settings import CloudUser, ConnectivitySettings
from connector_sim.cloud.tunnel_settings import TunnelCare
from connector_sim.logs.logs import ConnectorLogs, LogPlaces
from connector_sim.logs.names import as_name
from connector_sim.on_premise.back_end import BackEndOpener
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.settings import ConnectorSettings, SubaccountSettings
from connector_sim.on_premise.trust_store import BackEndTrustStore
from connector_sim.on_premise.tunnel_settings import TunnelLife
from connector_sim.passage import Watcher
from connector_sim.tunnel.keep_alive import KeepAlive
from connector_sim.tunnel.session import SessionSettings
from maco_client.inbox import Inbox
from maco_client.key_store import KeyStore
from maco_client.poller import Poller
from maco_client.reach import Reach
from maco_client.settings import LOOPBACK_HOSTS, EmailConnection, SocksProxy, TokenService
from maco_client.tenant import Tenant
from maco_client.token import TokenSource
from maco_client.verification.profile import VerificationProfile
from maco_lab import lab_model
from maco_lab.lab_checks import REGION_HOST, fault_of, mail_account, oauth_client
from maco_lab.lab_configuration import system_mapping
from maco_lab.maco_keeping import KeptMaco
from maco_lab.maco_section import configuration_of
from maco_lab.names import OnPremiseNames
from maco_lab.pki import LabPki
from maco_wire.canary import Canary
from maco_wire.observation import Address, Observation, Party, Record
from mailserver_sim.settings import Listener, MailServerSettings, Preload
from mailserver_sim.store.values import MEMORY

TUNNEL_HOST = "connectivitytunnel.lab.example"
"""The name that the tunnel endpoint's certificate carries."""


LOG = "log"
"""The folder with the logs of Cloud Connectors, below the state folder."""

OpenBackEnds: TypeAlias = Callable[..., BackEndOpener]
"""The class of what opens back ends, or what has the same parameters."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """How a party reports, and which planted secrets it looks for in what it holds in clear."""

    record: Record
    canaries: tuple[Canary, ...] = ()
    folder: Path | None = None
    """The state folder, where Cloud Connectors keep their logs; without one they keep none."""

    def watcher(self, party: Party) -> Watcher:
        """Return the eyes of a party that relays."""
        return Watcher(party, self.record, self.canaries)

    def of_system(self, name: str) -> Reporting:
        """Return the same for one of several systems of a kind: what it reports carries its name."""

        def record(observation: Observation) -> None:
            self.record(dataclasses.replace(observation, system=name))

        return Reporting(record, self.canaries, self.folder)

    def logged(self, logs: ConnectorLogs) -> Reporting:
        """Return the same for a Cloud Connector whose logs hear what it reports."""
        return Reporting(logs.seeing(self.record), self.canaries, self.folder)


@dataclass(frozen=True, slots=True)
class CloudAddresses:
    """Where the cloud side listens."""

    socks5: Address
    token_url: str
    tunnel: Address


def configured_cloud_addresses(cloud: lab_model.Cloud) -> CloudAddresses:
    """Return the addresses of the lab file, for a party that runs without the cloud side."""
    token_url = token_service_url(cloud, (cloud.host, cloud.token_port))
    return CloudAddresses((cloud.host, cloud.socks5_port), token_url, (cloud.host, cloud.tunnel_port))


def token_service_url(cloud: lab_model.Cloud, address: Address) -> str:
    """Return the base of the token service that listens at ``address``."""
    host, port = address
    return f"{'https' if token_service_uses_tls(cloud) else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def token_service_uses_tls(cloud: lab_model.Cloud) -> bool:
    """Tell whether the token service speaks HTTPS: everywhere but on this machine's own 127.0.0.1 and ::1.

    See docs/decisions/0007. A client secret never travels in clear over a network.
    """
    return cloud.host not in LOOPBACK_HOSTS


def connectivity_settings(model: lab_model.LabModel, *, free_ports: bool) -> ConnectivitySettings:
    """Return the settings of the cloud side; with ``free_ports`` every port is taken from those that are free."""
    cloud = model.cloud
    return ConnectivitySettings(
        subaccounts=frozenset(model.subaccounts),
        clients=tuple(map(oauth_client, cloud.clients)),
        host=cloud.host,
        socks5_port=0 if free_ports else cloud.socks5_port,
        token_port=0 if free_ports else cloud.token_port,
        tunnel_port=0 if free_ports else cloud.tunnel_port,
        token_lifetime_s=cloud.token_lifetime_s,
        untrusted_back_end_answer=cloud.untrusted_back_end_answer,
        bad_token_answer=cloud.bad_token_answer,
        replace_foreign_tunnel=cloud.replace_foreign_tunnel,
        max_connections_per_client=cloud.max_connections_per_client,
        negotiation_s=cloud.negotiation_timeout_s,
        tunnel_handshake_s=cloud.tunnel_handshake_timeout_s,
        open_s=cloud.open_timeout_s,
        http_s=cloud.token_timeout_s,
        half_closed_s=cloud.half_closed_timeout_s,
        tunnel=TunnelCare(cloud.drain_s, _keep_alive(cloud)),
        users=tuple(
            CloudUser(
                user.user,
                user.password.get_secret_value(),
                None if user.subaccounts is None else frozenset(user.subaccounts),
            )
            for user in cloud.users
        ),
        region_host=REGION_HOST,
    )


def _keep_alive(keys: lab_model.TunnelKeys) -> KeepAlive:
    return KeepAlive(keys.keep_alive_idle_s, keys.keep_alive_interval_s, keys.keep_alive_probes)


def tunnel_session_settings(keys: lab_model.TunnelKeys) -> SessionSettings:
    """Return how one side watches the peer in its tunnels."""
    return SessionSettings(ping_interval_s=keys.ping_interval_s, ping_timeout_s=keys.ping_timeout_s)


def longest_drain_s(model: lab_model.LabModel) -> float:
    """Return how long the whole lab may take to drain: all parties do it at once."""
    return max([model.cloud.drain_s, *(each.drain_s for each in model.cloud_connectors)])


def build_connectivity(
    settings: ConnectivitySettings,
    pki: LabPki,
    signing_key: RSAKey,
    reporting: Reporting,
    *,
    over_tls: bool,
    session: SessionSettings | None = None,
) -> ConnectivityService:
    """Bind the cloud side; ``over_tls`` is for its token service. Raises OSError naming the address that is in use."""
    return ConnectivityService(
        settings,
        tunnel_context=pki.tunnel_endpoint_context(),
        signing_key=signing_key,
        watcher=reporting.watcher(Party.CONNECTIVITY),
        describe_certificate=summarize,
        token_context=pki.token_service_context() if over_tls else None,
        session_settings=session,
        sign_request=pki.sign_subaccount_request,
    )


def build_connector(
    connector: lab_model.CloudConnector,
    cloud: CloudAddresses,
    names: OnPremiseNames,
    pki: LabPki,
    reporting: Reporting,
    *,
    installation_id: str = "",
    connects: bool = True,
    open_back_ends: OpenBackEnds = BackEndOpener,
) -> CloudConnector:
    """Build one Cloud Connector; without ``installation_id`` it is a new installation.

    One of a pair does not ``connects`` by itself: only a master has tunnels. ``open_back_ends`` makes what dials on the
    customer's LAN.
    """
    places = log_places(reporting.folder, connector.name) if reporting.folder else None
    logs = ConnectorLogs(connector.name, places)
    reporting = reporting.of_system(connector.name).logged(logs)
    for subaccount in connector.subaccounts:
        if subaccount.certificate == "expired":
            pki.expire(subaccount.subaccount)
    settings = _connector_settings(connector, cloud, installation_id or uuid.uuid4().hex)
    back_ends = open_back_ends(
        settings,
        build_trust_store(connector, pki),
        names.resolve,
        record=reporting.record,
        describe_certificate=summarize,
        system_certificate="system certificate",
        drops=names.drops,
    )
    return CloudConnector(
        settings,
        tunnel_context=pki.tunnel_context,
        back_ends=back_ends,
        watcher=reporting.watcher(Party.CLOUD_CONNECTOR),
        describe_certificate=summarize,
        session_settings=tunnel_session_settings(connector),
        connects=connects,
        logs=logs,
    )


def log_places(state: Path, connector: str) -> LogPlaces:
    """Return where a Cloud Connector keeps its logs, below a state folder."""
    name = as_name(connector)
    return LogPlaces(state / LOG / name, state / "scc_config" / name / "writeHexDump", REGION_HOST)


def _connector_settings(
    connector: lab_model.CloudConnector, cloud: CloudAddresses, installation_id: str
) -> ConnectorSettings:
    return ConnectorSettings(
        name=connector.name,
        installation_id=installation_id,
        tunnel_host=TUNNEL_HOST,
        tunnel_address=cloud.tunnel,
        subaccounts=tuple(_subaccount(subaccount) for subaccount in connector.subaccounts),
        check_back_end_name=connector.check_back_end_name,
        connect_s=connector.connect_timeout_s,
        back_end_tls_s=connector.tls_timeout_s,
        tunnel_connect_s=connector.tunnel_connect_timeout_s,
        tunnel_handshake_s=connector.tunnel_handshake_timeout_s,
        open_request_s=connector.open_request_timeout_s,
        half_closed_s=connector.half_closed_timeout_s,
        max_reconnect_attempts=connector.max_reconnect_attempts,
        first_reconnect_delay_s=connector.first_reconnect_delay_s,
        longest_reconnect_delay_s=connector.longest_reconnect_delay_s,
        max_connections=connector.max_connections,
        maco_end_to_tls=connector.maco_end_to_tls,
        truncated_as=connector.truncated_as,
        tunnel=TunnelLife(connector.application_tunnel_connections, connector.drain_s, _keep_alive(connector)),
    )


def build_trust_store(connector: lab_model.CloudConnector, pki: LabPki) -> BackEndTrustStore:
    """Build the back-end trust store of a Cloud Connector."""
    listed = connector.back_end_trust_store
    trust_store = BackEndTrustStore(
        [pki.anchor(choice) for choice in listed.certificates],
        trust_all=listed.trust_all_backends,
        check_name=connector.check_back_end_name,
        offer_system_certificate=pki.offer_system_certificate(connector.system_certificate),
    )
    pki.logged(trust_store.context(), Party.CLOUD_CONNECTOR)
    return trust_store


def _subaccount(subaccount: lab_model.ConnectorSubaccount) -> SubaccountSettings:
    mappings = tuple(system_mapping(mapping) for mapping in subaccount.carried)
    return SubaccountSettings(subaccount.subaccount, subaccount.location_id, mappings, subaccount.connected)


def mail_server_settings(
    server: lab_model.MailServer, folder: Path, store: Path, *, free_ports: bool
) -> tuple[MailServerSettings, Mapping[str, Address]]:
    """Return the settings of the mail server, and the address that the lab file gives to each protocol.

    ``folder`` is that of the lab file, ``store`` where mail is kept unless the file says that it is not.
    """
    configured: dict[str, Address] = {
        protocol: (server.host, port) for protocol, port in server.ports.model_dump().items() if port is not None
    }
    listeners = tuple(
        Listener(protocol, host, 0 if free_ports else port)  # type: ignore[arg-type]  # the model's own field names
        for protocol, (host, port) in configured.items()
    )
    settings = MailServerSettings(
        host_name=server.host_name,
        accounts=tuple(mail_account(account) for account in server.accounts),
        listeners=listeners,
        store=MEMORY if server.store == "memory" else store,
        special_folders=server.special_folders,
        offer_starttls=server.offer_starttls,
        auth_mechanisms=tuple(dict.fromkeys(server.auth_mechanisms)),
        literal_plus=server.literal_plus,
        preload=tuple(Preload(user, folder / path) for user, path in server.preload.items()),
        faults=tuple(fault_of(fault) for fault in server.faults),
    )
    return settings, configured


class LabTokens(TokenSource):
    """Fetches tokens, and remembers the one that MaCo was given last, even if it was refused since."""

    last = ""

    async def token(self) -> str:
        """See TokenSource."""
        self.last = await super().token()
        return self.last


def build_token_source(model: lab_model.LabModel, cloud: CloudAddresses, pki: LabPki) -> LabTokens:
    """Build what fetches MaCo's tokens."""
    client = next(client for client in model.cloud.clients if client.client_id == model.maco.client)
    secret = model.maco.client_secret or client.client_secret
    service = TokenService(cloud.token_url, client.client_id, secret.get_secret_value())
    if not token_service_uses_tls(model.cloud):
        return LabTokens(service)
    return LabTokens(service, context=pki.token_client_context(), server_name=TUNNEL_HOST)


def build_reach(cloud: CloudAddresses, reporting: Reporting, tokens: TokenSource) -> Reach:
    """Say how mail servers are reached from MaCo."""
    return Reach(SocksProxy(*cloud.socks5), tokens, reporting.record, summarize, reporting.canaries)


def build_tenant(
    model: lab_model.LabModel, pki: LabPki, inbox: Inbox, reach: Reach, kept: KeptMaco | None = None
) -> Tenant:
    """Build MaCo: as the lab file says, or as it is kept. Raises CertificateFileError."""

    def make_key_store(certificates: Mapping[str, bytes]) -> KeyStore:
        profile = VerificationProfile(model.maco.verification)
        return KeyStore(certificates, profile, prepare=functools.partial(pki.logged, party=Party.MACO))

    def make_poller(connection: EmailConnection, key_store: KeyStore) -> Poller:
        return Poller(
            connection,
            proxy=reach.proxy,
            tokens=reach.tokens,
            key_store=key_store,
            inbox=inbox,
            record=reach.record,
            describe_certificate=reach.describe_certificate,
            canaries=reach.canaries,
        )

    return Tenant(
        configuration_of(kept.section if kept else model.maco, pki),
        make_key_store=make_key_store,
        make_poller=make_poller,
        record=reach.record,
        keep=kept.keep if kept else None,
    )
