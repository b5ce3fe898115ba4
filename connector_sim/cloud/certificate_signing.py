"""Sign subaccount certificates: the cloud side's half of adding a subaccount and of renewing its certificate.

The cloud user's password is needed for this alone; the tunnel lives on the certificate (facts, section 2.2).
"""

from __future__ import annotations

import http
import json
from collections.abc import Callable
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from connector_sim.cloud.authentication_data import AuthenticationDataDesk
from connector_sim.cloud.cloud_users import CloudUsers
from connector_sim.http_server import HttpAnswer, HttpRequest
from connector_sim.signing import SigningRequest

SignRequest: TypeAlias = Callable[[x509.CertificateSigningRequest, str], bytes]
"""Sign a request for a subaccount and return the certificate as PEM; given by the composition root."""

SMALLEST_RSA_BITS = 2048


class CertificateSigning:
    """Answers Cloud Connectors that ask for a subaccount certificate."""

    def __init__(self, users: CloudUsers, desk: AuthenticationDataDesk, sign: SignRequest) -> None:
        """``desk`` tells whether authentication data is genuine."""
        self._users = users
        self._desk = desk
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
        if refusal := self._refusal(asked):
            return _no(refusal)
        return HttpAnswer(http.HTTPStatus.OK, {"certificate": self._sign(wanted, asked.subaccount).decode()})

    def _refusal(self, asked: SigningRequest) -> http.HTTPStatus | None:
        login = asked.login
        if not login.authentication_data:
            return self._users.refusal(login.user, login.password, asked.subaccount)
        data = self._desk.verified(login.authentication_data)
        if data is None or data.user != login.user:
            return http.HTTPStatus.UNAUTHORIZED
        is_right = data.subaccount == asked.subaccount and self._users.may_administer(data.user, data.subaccount)
        return None if is_right else http.HTTPStatus.FORBIDDEN


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
