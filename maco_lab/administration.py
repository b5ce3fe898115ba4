"""Build the administration of each Cloud Connector from the lab file; nothing is started here."""

from __future__ import annotations

import dataclasses
import functools

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Issued
from certs.trust import server_context
from connector_sim.admin.installation import Installation, OwnIdentities
from connector_sim.admin.key_pair import Identity
from connector_sim.admin.landscape_certificates import LandscapeCertificates
from connector_sim.admin.server import Administration
from connector_sim.http_client import JsonClient
from connector_sim.on_premise.certificate_signing import CertificateSource, SubaccountCertificate
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.ha.node import HaNode
from maco_lab import lab_model
from maco_lab.lab_checks import admin_settings
from maco_lab.parties import TUNNEL_HOST
from maco_lab.pki import LabPki


def build_administration(
    described: lab_model.CloudConnector,
    keys: lab_model.Administration,
    connector: CloudConnector,
    pki: LabPki,
    *,
    port: int | None = None,
    node: HaNode | None = None,
) -> Administration:
    """Bind the administration of a connector, at ``port`` instead of the lab file's if it is given.

    ``node`` is the part it plays as one of a pair. Raises OSError naming the address that is in use.
    """
    settings = connector.settings
    settings_here = admin_settings(keys)
    if port is not None:
        settings_here = dataclasses.replace(settings_here, port=port)
    client = JsonClient(pki.token_client_context(), TUNNEL_HOST, settings.tunnel_connect_s, settings.tunnel_handshake_s)

    @functools.cache  # a context takes its time: its key is read from an encrypted file
    def first_certificate(subaccount: str) -> SubaccountCertificate:
        return SubaccountCertificate(pki.subaccount_certificate(subaccount), pki.tunnel_context(subaccount))

    installation = Installation(
        connector,
        settings_here,
        certificates=CertificateSource(client, settings.tunnel_address, pki.signed_tunnel_context),
        first_certificate=first_certificate,
        own=_own_identities(described, keys, pki),
        landscape=_landscape_certificates(pki),
        node=node,
    )
    return Administration(installation)


def _landscape_certificates(pki: LabPki) -> LandscapeCertificates:
    def of_subaccount(signed: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> SubaccountCertificate | None:
        if not pki.signed_subaccount(signed):
            return None  # the cloud side is another one by now
        return SubaccountCertificate(signed.public_bytes(Encoding.DER), pki.signed_tunnel_context(signed, key), key)

    return LandscapeCertificates(pki.cast.name_of, pki.named, of_subaccount)


def _own_identities(described: lab_model.CloudConnector, keys: lab_model.Administration, pki: LabPki) -> OwnIdentities:
    system = pki.cast.system_certificate if described.system_certificate is True else None
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
