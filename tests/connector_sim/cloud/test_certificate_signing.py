from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from connector_sim.cloud.authentication_data import AuthenticationDataDesk
from connector_sim.cloud.certificate_signing import CertificateSigning
from connector_sim.cloud.cloud_users import CloudUsers
from connector_sim.cloud.settings import CloudUser
from connector_sim.http_server import HttpAnswer, HttpRequest
from connector_sim.signing import PATH
from tests.connector_sim.landscape import SIGNING_KEY

USERS = (CloudUser("me", "secret"), CloudUser("other", "word", frozenset({"netzbetreiber"})))
CLOUD_USERS = CloudUsers(USERS, frozenset({"stadtwerke", "netzbetreiber"}))
DESK = AuthenticationDataDesk(CLOUD_USERS, SIGNING_KEY, "lab.example")
SIGNED: list[tuple[x509.CertificateSigningRequest, str]] = []


def sign(request: x509.CertificateSigningRequest, subaccount: str) -> bytes:
    SIGNED.append((request, subaccount))
    return b"signed"


def csr(key: Any = None) -> str:
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "whatever")])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, algorithm)
    return request.public_bytes(Encoding.PEM).decode()


def tampered() -> str:
    der = bytearray(x509.load_pem_x509_csr(csr().encode()).public_bytes(Encoding.DER))
    at = der.index(b"whatever")
    der[at : at + 8] = b"otherone"
    return x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()


def answer(method: str = "POST", body: bytes | None = None, **changes: object) -> HttpAnswer:
    right = {"subaccount": "stadtwerke", "user": "me", "password": "secret", "authentication_data": ""}
    asked = {**right, "request": csr(), **changes}
    signing = CertificateSigning(CLOUD_USERS, DESK, sign)
    return signing.handle(HttpRequest(method, PATH, {}, json.dumps(asked).encode() if body is None else body))


def test_a_request_of_a_user_who_may_is_signed_for_the_subaccount_asked_for() -> None:
    SIGNED.clear()
    assert answer() == HttpAnswer(200, {"certificate": "signed"})
    assert [subaccount for _, subaccount in SIGNED] == ["stadtwerke"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"password": "wrong"}, 401),
        ({"user": "nobody"}, 401),
        ({"user": "other", "password": "word"}, 403),
        ({"subaccount": "nowhere"}, 403),
        ({"request": "no PEM"}, 400),
        ({"request": csr(ed25519.Ed25519PrivateKey.generate())}, 400),
        ({"request": csr(rsa.generate_private_key(65537, 1024))}, 400),
        ({"request": tampered()}, 400),
        ({"user": None}, 400),
        ({"password": "", "authentication_data": "x"}, 401),
        ({"password": "secret", "authentication_data": "x"}, 401),
        ({"user": "other", "password": "", "authentication_data": DESK.issue("me", "stadtwerke")}, 401),
        ({"password": "", "authentication_data": DESK.issue("me", "netzbetreiber")}, 403),
        ({"user": "other", "password": "", "authentication_data": DESK.issue("other", "stadtwerke")}, 403),
        ({"method": "GET"}, 405),
        ({"body": b"{"}, 400),
        ({"body": b"[" * 100_000}, 400),
    ],
)
def test_every_other_request_is_refused_and_nothing_is_signed(changes: dict[str, Any], status: int) -> None:
    SIGNED.clear()
    assert answer(**changes).status == status
    assert SIGNED == []


def test_authentication_data_stands_for_the_password() -> None:
    assert answer(password="", authentication_data=DESK.issue("me", "stadtwerke")).status == 200


def test_a_user_of_one_subaccount_may_have_that_one_signed() -> None:
    assert answer(user="other", password="word", subaccount="netzbetreiber").status == 200
