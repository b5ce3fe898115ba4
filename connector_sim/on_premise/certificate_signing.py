"""Obtain a subaccount certificate: make a key that never leaves the connector, and let the cloud side sign for it."""

from __future__ import annotations

import http
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from connector_sim.http_client import HttpBroken, JsonClient
from connector_sim.signing import PATH, CloudLogin, SigningRequest
from connector_sim.tunnel.handshake import HandshakeRefused
from maco_wire.observation import Address

MakeContext: TypeAlias = Callable[[x509.Certificate, ec.EllipticCurvePrivateKey], ssl.SSLContext]
"""Return the tunnel's client context with a certificate and its key; given by the composition root."""


@dataclass(frozen=True, slots=True)
class SubaccountCertificate:
    """The client certificate of a subaccount (DER), and the context that shows it."""

    der: bytes
    context: ssl.SSLContext
    key: ec.EllipticCurvePrivateKey | None = field(default=None, repr=False)
    """Its key, if it was signed at run time; None for one that the connector has from the start."""


class CertificateSource:
    """Asks the cloud side at ``address``."""

    def __init__(self, client: JsonClient, address: Address, make_context: MakeContext) -> None:
        self._client = client
        self._address = address
        self._make_context = make_context

    async def obtain(self, subaccount: str, login: CloudLogin) -> SubaccountCertificate:
        """Return a new certificate of a subaccount.

        Raises HandshakeRefused, with 401 for wrong credentials and 403 for a user without the right; or NetError.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        asked = SigningRequest(subaccount, login, _request(subaccount, key))
        status, answer = await self._client.post(self._address, PATH, asked.as_message())
        if status != http.HTTPStatus.OK:
            raise HandshakeRefused(status)
        certificate = _certificate(answer)
        if certificate.public_key() != key.public_key():
            raise HttpBroken("a certificate for another key")
        return SubaccountCertificate(certificate.public_bytes(Encoding.DER), self._make_context(certificate, key), key)


def _request(subaccount: str, key: ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subaccount[:64])])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def _certificate(answer: object) -> x509.Certificate:
    match answer:
        case {"certificate": str(pem)}:
            try:
                return x509.load_pem_x509_certificate(pem.encode())
            except ValueError as error:
                raise HttpBroken("no certificate in PEM") from error
    raise HttpBroken("no certificate")
