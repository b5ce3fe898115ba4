from __future__ import annotations

import ssl
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from connector_sim.http_client import HttpBroken, JsonClient
from connector_sim.on_premise.certificate_signing import CertificateSource
from connector_sim.signing import PATH, CloudLogin
from connector_sim.tunnel.handshake import HandshakeRefused
from maco_net.errors import NetError
from maco_wire.observation import Address
from tests.connector_sim.landscape import CAST

ADDRESS = ("127.0.0.1", 1)


class Answering(JsonClient):
    """Answers as told, instead of asking anybody."""

    answer: tuple[int, object] = (200, None)
    asked: tuple[Address, str, Any] | None = None

    async def post(self, address: Address, path: str, content: object) -> tuple[int, object]:
        object.__setattr__(self, "asked", (address, path, content))
        return self.answer


def make_context(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def source(answer: tuple[int, object]) -> tuple[CertificateSource, Answering]:
    client = Answering(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "x", 1.0, 1.0)
    object.__setattr__(client, "answer", answer)
    return CertificateSource(client, ADDRESS, make_context), client


async def test_a_request_proves_that_the_connector_has_the_key() -> None:
    asking, client = source((401, {}))
    with pytest.raises(HandshakeRefused, match="SCC handshake failed: 401 — Unauthorized"):
        await asking.obtain("stadtwerke", CloudLogin("me", "secret"))

    assert client.asked is not None
    address, path, content = client.asked
    assert (address, path, content["subaccount"], content["user"]) == (ADDRESS, PATH, "stadtwerke", "me")
    request = x509.load_pem_x509_csr(content["request"].encode())
    assert request.is_signature_valid
    assert "PRIVATE" not in content["request"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((403, {}), HandshakeRefused),
        ((500, None), HandshakeRefused),
        ((200, None), HttpBroken),
        ((200, {"certificate": "no PEM"}), HttpBroken),
        ((200, {"certificate": CAST.mail_server.certificate_pem().decode()}), HttpBroken),  # for another key
    ],
)
async def test_what_is_no_certificate_of_the_connectors_own_key_is_refused(
    answer: tuple[int, object], error: type[NetError]
) -> None:
    with pytest.raises(error):
        await source(answer)[0].obtain("stadtwerke", CloudLogin("me", "secret"))
