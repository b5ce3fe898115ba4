"""Sign subaccount certificates: the cloud side's half of adding a subaccount and of renewing its certificate.

The cloud user's password is needed for this alone; the tunnel lives on the certificate (facts, section 2.2).
"""

from __future__ import annotations

import hmac
import http
import json
from collections.abc import Callable, Iterable
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from connector_sim.cloud.settings import CloudUser
from connector_sim.http_server import HttpAnswer, HttpRequest
from connector_sim.signing import SigningRequest

SignRequest: TypeAlias = Callable[[x509.CertificateSigningRequest, str], bytes]
"""Sign a request for a subaccount and return the certificate as PEM; given by the composition root."""

SMALLEST_RSA_BITS = 2048


class CertificateSigning:
    """Answers Cloud Connectors that ask for a subaccount certificate."""

    def __init__(self, users: Iterable[CloudUser], subaccounts: frozenset[str], sign: SignRequest) -> None:
        self._users = {user.user: user for user in users}
        self._subaccounts = subaccounts
        self._sign = sign

    def handle(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request."""
        if request.method != "POST":
            return _no(http.HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            asked = SigningRequest.from_message(json.loads(request.body))
        except (ValueError, RecursionError):
            asked = None
        wanted = _request(asked.request) if asked else None
        if asked is None or wanted is None:
            return _no(http.HTTPStatus.BAD_REQUEST)
        user = self._users.get(asked.user)
        if user is None or not hmac.compare_digest(user.password.encode(), asked.password.encode()):
            return _no(http.HTTPStatus.UNAUTHORIZED)
        if asked.subaccount not in self._subaccounts or not user.may_administer(asked.subaccount):
            return _no(http.HTTPStatus.FORBIDDEN)
        return HttpAnswer(http.HTTPStatus.OK, {"certificate": self._sign(wanted, asked.subaccount).decode()})


def _request(pem: str) -> x509.CertificateSigningRequest | None:
    """Return a request that proves that its sender has the key, and whose key is strong enough."""
    try:
        found = x509.load_pem_x509_csr(pem.encode())
        key = found.public_key()
    except ValueError:
        return None
    is_strong = isinstance(key, ec.EllipticCurvePublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA_BITS
    )
    return found if is_strong and found.is_signature_valid else None


def _no(status: http.HTTPStatus) -> HttpAnswer:
    return HttpAnswer(status, {"error": status.phrase})
