"""Build the administration of each Cloud Connector from the lab file; nothing is started here.

Without a key of its own the first Cloud Connector of a file is administered at the product's port, the others are not.
"""

from __future__ import annotations

import functools

from certs.authority import Issued
from certs.trust import server_context
from connector_sim.admin.installation import Installation, OwnIdentities
from connector_sim.admin.key_pair import Identity
from connector_sim.admin.roles import Role
from connector_sim.admin.server import Administration
from connector_sim.admin.settings import AdminSettings, AdminUser
from connector_sim.http_client import JsonClient
from connector_sim.on_premise.certificate_signing import CertificateSource, SubaccountCertificate
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.ha.node import HaNode
from maco_lab import lab_model
from maco_lab.parties import TUNNEL_HOST
from maco_lab.pki import LabPki

REGION_HOST = TUNNEL_HOST.removeprefix("connectivitytunnel.")
"""The region's host, as the hosts of the real regions begin with ``connectivitytunnel.`` too."""


def administration_keys(
    model: lab_model.LabModel, connector: lab_model.CloudConnector
) -> lab_model.Administration | None:
    """Return how a Cloud Connector is administered; None if it is not."""
    keys = connector.administration
    if keys is None and connector.name == model.cloud_connectors[0].name:
        keys = lab_model.Administration()
    return keys if keys and keys.serve else None


def admin_settings(keys: lab_model.Administration, *, port: int | None = None) -> AdminSettings:
    """Return the settings; ``port`` counts instead of the lab file's. Raises SettingsError."""
    return AdminSettings(
        REGION_HOST,
        keys.host,
        keys.port if port is None else port,
        keys.password.get_secret_value(),
        keys.must_change_password,
        tuple(
            AdminUser(user.user, user.password.get_secret_value(), frozenset(map(Role, user.roles)))
            for user in keys.users
        ),
    )


def build_administration(
    keys: lab_model.Administration,
    connector: CloudConnector,
    pki: LabPki,
    *,
    port: int | None = None,
    node: HaNode | None = None,
) -> Administration:
    """Bind the administration of a connector; ``node`` is the part it plays as one of a pair.

    Raises OSError naming the address that is in use.
    """
    settings = connector.settings
    client = JsonClient(pki.token_client_context(), TUNNEL_HOST, settings.tunnel_connect_s, settings.tunnel_handshake_s)

    @functools.cache  # a context takes its time: its key is read from an encrypted file
    def first_certificate(subaccount: str) -> SubaccountCertificate:
        return SubaccountCertificate(pki.subaccount_certificate(subaccount), pki.tunnel_context(subaccount))

    installation = Installation(
        connector,
        admin_settings(keys, port=port),
        certificates=CertificateSource(client, settings.tunnel_address, pki.signed_tunnel_context),
        first_certificate=first_certificate,
        own=_own_identities(keys, connector, pki),
        node=node,
    )
    return Administration(installation)


def _own_identities(keys: lab_model.Administration, connector: CloudConnector, pki: LabPki) -> OwnIdentities:
    system = pki.cast.system_certificate if connector.trust_store.offers_certificate else None
    return OwnIdentities(
        _identity(system) if system else None,
        _identity(pki.ui_certificate(keys.host)),
        lambda identity: _issued(identity).configure_client,
        lambda identity: server_context(_issued(identity)),
    )


def _identity(issued: Issued) -> Identity:
    return Identity(issued.certificate, issued.private_key, issued.chain)


def _issued(identity: Identity) -> Issued:
    return Issued(identity.certificate, identity.key, identity.chain)
