"""The back-end trust store by the API: whole answers as recorded, and what each change does to the next handshake."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from maco_lab.testing.lab import Lab
from maco_wire.observation import Handshake, Party, TlsSession
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.settings import LAB
from tests.connector_sim.admin.traffic import reply

pytestmark = LAB

STORE = "/api/v1/configuration/connector/onPremises/truststore"
CERTIFICATES = f"{STORE}/certificates"
VIRTUAL, PORT = "mailbox.virtual", 993
UNTRUSTED = 0x04
NO_CONTENT = (204, "", [*FIRST, NO_STORE], "")


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def listed(alias: str, certificate: x509.Certificate, subject: str, issuer: str) -> dict[str, Any]:
    end = int(certificate.not_valid_after_utc.timestamp()) * 1000
    return {"alias": alias, "subjectDN": subject, "issuer": issuer, "notAfterTimeStamp": end}


def aliases(admin: AdminClient) -> list[str]:
    return [each["alias"] for each in admin.get(STORE).json["trustedBackends"]]


ROOT = "CN=maco-lab Mail Root CA,O=maco-lab"


@pytest.mark.parametrize("path", [STORE, STORE.replace("onPremises", "onPremise")])
def test_the_store_is_shown_as_recorded(maco_lab: Lab, admin: AdminClient, path: str) -> None:
    entry = listed("trustedbackend.1.1", maco_lab.authority.root_certificate, ROOT, ROOT)
    body = compact({"trustAllBackends": False, "trustedBackends": [entry]})

    assert admin.get(path).whole == (200, "", [*FIRST, NO_STORE, JSON, length(body)], body)


def test_a_certificate_that_is_deleted_is_trusted_no_more_from_the_next_handshake_on(
    maco_lab: Lab, admin: AdminClient
) -> None:
    assert reply(maco_lab, VIRTUAL, PORT) == 0

    assert admin.call("DELETE", f"{CERTIFICATES}/trustedbackend.1.1").whole == NO_CONTENT

    assert admin.get(STORE).text == '{"trustAllBackends":false,"trustedBackends":[]}'
    assert reply(maco_lab, VIRTUAL, PORT) == UNTRUSTED
    seen = maco_lab.journal.of(Handshake, Party.CLOUD_CONNECTOR, session=TlsSession.BACK_END)[-1]
    assert (seen.succeeded, seen.verified_against) == (False, "")


@pytest.mark.parametrize("field", ["certificates", "certificate"])
@pytest.mark.parametrize("encode", [pem, der])
def test_a_certificate_that_is_uploaded_counts_from_the_next_handshake_on(
    maco_lab: Lab, admin: AdminClient, field: str, encode: Any
) -> None:
    admin.call("DELETE", CERTIFICATES)
    assert reply(maco_lab, VIRTUAL, PORT) == UNTRUSTED

    answer = admin.upload("POST", CERTIFICATES, **{field: encode(maco_lab.authority.intermediate_certificate)})

    location = ("Location", admin.url + CERTIFICATES)
    assert answer.whole == (201, "", [*FIRST, NO_STORE, location, ("Content-Length", "0")], "")
    assert reply(maco_lab, VIRTUAL, PORT) == 0
    assert aliases(admin) == ["trustedbackend.2.1"]


def test_several_certificates_may_come_in_one_upload(maco_lab: Lab, admin: AdminClient) -> None:
    cast = maco_lab.authority
    both = pem(cast.intermediate_certificate) + pem(cast.unknown_root_certificate)

    assert admin.upload("POST", CERTIFICATES, certificates=both).status == 201
    assert aliases(admin) == ["trustedbackend.1.1", "trustedbackend.2.1", "trustedbackend.2.2"]


def test_a_certificate_that_is_there_already_is_refused_with_all_that_came_with_it(
    maco_lab: Lab, admin: AdminClient
) -> None:
    both = pem(maco_lab.authority.intermediate_certificate) + pem(maco_lab.authority.root_certificate)

    message = f"certificates: {ROOT} is in the trust store already"
    assert admin.upload("POST", CERTIFICATES, certificates=both).refusal == (400, "INVALID_REQUEST", message)
    assert aliases(admin) == ["trustedbackend.1.1"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"certificates": b"x"}, "certificates: found no certificate in PEM or DER"),
        ({"other": b"x"}, "certificates: found nothing, allowed: certificates in PEM or DER"),
    ],
)
def test_an_upload_without_a_certificate_is_refused(admin: AdminClient, parts: dict[str, bytes], message: str) -> None:
    assert admin.upload("POST", CERTIFICATES, **parts).refusal == (400, "INVALID_REQUEST", message)


def test_certificates_are_uploaded_as_a_form_only(maco_lab: Lab, admin: AdminClient) -> None:
    assert admin.call("POST", CERTIFICATES, {"certificate": "x"}).status == 415
    form = {"Content-Type": "multipart/form-data"}
    refusal = (400, "INVALID_REQUEST", "the body is no multipart/form-data")
    assert admin.call("POST", CERTIFICATES, headers=form, body=b"x").refusal == refusal


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
def test_all_back_ends_are_trusted_while_the_switch_says_so(
    maco_lab: Lab, admin: AdminClient, headers: dict[str, str]
) -> None:
    """SAP's own example of this request sends no JSON content type (facts, 5.5)."""
    admin.call("DELETE", CERTIFICATES)
    sent = {"Accept": "application/json", **headers}

    assert admin.call("PATCH", STORE, headers=sent, body=b'{"trustAllBackends":true}').whole == NO_CONTENT
    assert admin.get(STORE).json["trustAllBackends"] is True
    assert reply(maco_lab, VIRTUAL, PORT) == 0
    assert admin.call("PATCH", STORE, headers=sent, body=b'{"trustAllBackends":"false"}').status == 204
    assert reply(maco_lab, VIRTUAL, PORT) == UNTRUSTED


def test_certificates_may_be_downloaded(maco_lab: Lab, admin: AdminClient) -> None:
    root, other = maco_lab.authority.root_certificate, maco_lab.authority.unknown_root_certificate
    one = admin.get(f"{CERTIFICATES}/trustedbackend.1.1", Accept="application/pkix-cert")
    assert (one.status, one.header("Content-Type"), one.body) == (200, "application/pkix-cert", der(root))
    assert admin.get(CERTIFICATES, Accept="application/pkix-cert").body == der(root)
    admin.upload("POST", CERTIFICATES, certificates=pem(other))

    both = admin.get(CERTIFICATES, Accept="application/x-pem-file")
    assert (both.status, both.header("Content-Type")) == (200, "application/x-pem-file")
    assert both.body == pem(root) + pem(other)
    assert admin.get(CERTIFICATES, Accept="application/pkix-cert").status == 400


def test_an_alias_that_is_not_there_is_not_found(admin: AdminClient) -> None:
    refusal = (404, "NOT_FOUND", "Trusted backend certificate with value 'x' does not exist")

    assert admin.get(f"{CERTIFICATES}/x").refusal == refusal
    assert admin.call("DELETE", f"{CERTIFICATES}/x").refusal == refusal


def test_an_empty_store_has_nothing_to_download(admin: AdminClient) -> None:
    assert admin.call("DELETE", CERTIFICATES).whole == NO_CONTENT
    assert admin.get(CERTIFICATES).refusal == (404, "NOT_FOUND", "There is no trusted backend certificate")
