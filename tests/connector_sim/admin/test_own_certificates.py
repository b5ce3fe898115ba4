"""The connector's own certificates by the API: whole answers as recorded, and what TLS peers see of them."""

from __future__ import annotations

import datetime as dt
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certs.profile import Validity
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.demanding import demanding
from tests.connector_sim.admin.settings import LAB
from tests.connector_sim.admin.traffic import MAIL_HOST, reply

pytestmark = LAB

OWN = "/api/v1/configuration/connector"
SYSTEM, UI, CA = f"{OWN}/onPremises/systemCertificate", f"{OWN}/ui/uiCertificate", f"{OWN}/onPremises/ppCaCertificate"
SUBJECT = "CN=scc,OU=Netz,O=Stadtwerke,C=DE"
SELF_SIGNED = {"type": "selfsigned", "keySize": 2048, "subjectDN": SUBJECT}
REQUEST = {**SELF_SIGNED, "type": "csr"}
NO_CONTENT = (204, "", [*FIRST, NO_STORE], "")
UNREACHABLE = 0x04


def created(admin: AdminClient, path: str) -> tuple[int, str, list[tuple[str, str]], str]:
    return 201, "", [*FIRST, NO_STORE, ("Location", admin.url + path), ("Content-Length", "0")], ""


def der(admin: AdminClient, path: str = SYSTEM) -> bytes:
    return admin.get(path, Accept="application/pkix-cert").body


def shape(certificate: x509.Certificate, subject: str, issuer: str) -> str:
    number = certificate.serial_number
    return compact(
        {
            "notAfterTimeStamp": int(certificate.not_valid_after_utc.timestamp()) * 1000,
            "notBeforeTimeStamp": int(certificate.not_valid_before_utc.timestamp()) * 1000,
            "subjectDN": subject,
            "issuer": issuer,
            "serialNumber": number.to_bytes((number.bit_length() + 7) // 8, "big").hex(":"),
        }
    )


def test_the_system_certificate_is_shown_as_recorded(maco_lab: Lab, admin: AdminClient) -> None:
    own = maco_lab.authority.system_certificate.certificate
    body = shape(own, "CN=maco-lab Cloud Connector,O=maco-lab", "CN=maco-lab Cloud Connector CA,O=maco-lab")
    assert admin.get(SYSTEM).whole == (200, "", [*FIRST, NO_STORE, JSON, length(body)], body)

    answer = admin.get(SYSTEM, Accept="application/pkix-cert")
    disposition = ("Content-Disposition", 'attachment;filename="system_certificate.der"')
    kind = ("Content-Type", "application/octet-stream")  # recorded: not the type that was asked for
    assert answer.body == own.public_bytes(Encoding.DER)
    assert answer.headers[5:] == [NO_STORE, disposition, kind, ("Content-Length", str(len(answer.body)))]


def test_a_self_signed_system_certificate_is_offered_to_the_mail_server(maco_lab: Lab, admin: AdminClient) -> None:
    before = dt.datetime.now(dt.UTC)
    assert admin.call("POST", SYSTEM, SELF_SIGNED).whole == created(admin, SYSTEM)

    made = x509.load_der_x509_certificate(der(admin))
    assert made.subject.rfc4514_string() == made.issuer.rfc4514_string() == SUBJECT
    # recorded: 365 days, notBefore ten minutes in the past
    assert made.not_valid_after_utc - made.not_valid_before_utc == dt.timedelta(days=365)
    assert dt.timedelta(minutes=9) < before - made.not_valid_before_utc < dt.timedelta(minutes=11)
    with demanding(maco_lab.authority.mail_server, der(admin)) as server:
        maco_lab.lead(f"{MAIL_HOST}:993", server.address)
        assert reply(maco_lab, "mailbox.virtual", 993) == 0
        assert server.shown == [der(admin)]


def test_a_system_certificate_that_is_deleted_is_offered_no_more(maco_lab: Lab, admin: AdminClient) -> None:
    trusted = der(admin)

    assert admin.call("DELETE", SYSTEM).whole == NO_CONTENT

    assert admin.get(SYSTEM).refusal == (404, "NOT_FOUND", "There is no system certificate")
    assert admin.call("DELETE", SYSTEM).status == 404
    with demanding(maco_lab.authority.mail_server, trusted) as server:
        maco_lab.lead(f"{MAIL_HOST}:993", server.address)
        assert reply(maco_lab, "mailbox.virtual", 993) == UNREACHABLE
        assert server.shown == []


def test_a_request_that_was_signed_elsewhere_becomes_the_system_certificate(maco_lab: Lab, admin: AdminClient) -> None:
    before = der(admin)
    asked = admin.call("POST", SYSTEM, REQUEST)
    assert (asked.status, asked.header("Content-Type")) == (200, "application/x-pem-file")
    request = x509.load_pem_x509_csr(asked.body)
    assert (request.is_signature_valid, request.subject.rfc4514_string()) == (True, SUBJECT)
    assert der(admin) == before  # until it is signed

    key = request.public_key()
    assert not isinstance(key, ec.EllipticCurvePublicKey)
    now = dt.datetime.now(dt.UTC)
    validity = Validity(now, now + dt.timedelta(days=30))
    signed = maco_lab.authority.connector_ca.certify(key, "signed", validity, usage="client")  # type: ignore[arg-type]
    answer = admin.upload("PATCH", SYSTEM, signedCertificate=signed)

    assert answer.whole == created(admin, SYSTEM)
    assert der(admin) == x509.load_pem_x509_certificate(signed).public_bytes(Encoding.DER)
    with demanding(maco_lab.authority.mail_server, der(admin)) as server:
        maco_lab.lead(f"{MAIL_HOST}:993", server.address)
        assert reply(maco_lab, "mailbox.virtual", 993) == 0
        assert server.shown == [der(admin)]


@pytest.mark.parametrize("field", ["password", "keyPassword"])
def test_pkcs12_becomes_the_system_certificate(maco_lab: Lab, admin: AdminClient, field: str) -> None:
    other = maco_lab.authority.subaccount_certificate("stadtwerke")
    content = other.pkcs12("scc", "secret")

    assert admin.upload("PUT", SYSTEM, pkcs12=content, **{field: b"secret"}).whole == NO_CONTENT
    assert der(admin) == other.certificate.public_bytes(Encoding.DER)
    with demanding(maco_lab.authority.mail_server, der(admin)) as server:
        maco_lab.lead(f"{MAIL_HOST}:993", server.address)
        assert reply(maco_lab, "mailbox.virtual", 993) == 0
        assert server.shown == [der(admin)]


def test_what_is_no_certificate_is_refused(maco_lab: Lab, admin: AdminClient) -> None:
    cast, before = maco_lab.authority, der(admin)
    content = cast.administration.pkcs12("scc", "secret")
    foreign = cast.system_certificate.certificate_pem()
    admin.call("POST", SYSTEM, REQUEST)
    found = [
        admin.upload("PUT", SYSTEM, pkcs12=content, password=b"wrong").refusal,
        admin.upload("PUT", SYSTEM, pkcs12=b"x", password=b"").refusal,
        admin.upload("PUT", SYSTEM, password=b"secret").refusal,
        admin.upload("PATCH", SYSTEM, signedCertificate=foreign).refusal,
        admin.upload("PATCH", SYSTEM, signedCertificate=b"x").refusal,
        admin.upload("PATCH", CA, signedCertificate=foreign).refusal,
        admin.call("POST", SYSTEM, {**SELF_SIGNED, "subjectDN": "scc"}).refusal,
        admin.call("POST", SYSTEM, {**SELF_SIGNED, "keySize": 1024}).refusal,
        admin.call("POST", SYSTEM, {**SELF_SIGNED, "type": "other"}).refusal,
    ]

    assert [each[:2] for each in found] == [(400, "INVALID_REQUEST")] * len(found)
    assert [each[2] for each in found] == [
        "pkcs12: cannot be read, or the password is wrong",
        "pkcs12: cannot be read, or the password is wrong",
        "pkcs12: found nothing",
        "signedCertificate: its key is not that of the last certificate signing request",
        "signedCertificate: found no certificate in PEM or DER",
        "signedCertificate: there is no certificate signing request that it could answer",
        "subjectDN: found 'scc', allowed: a name as in CN=scc,O=Stadtwerke,C=DE",
        "keySize: found 1024, allowed: 2048 or 4096",
        'type: found "other", allowed: selfsigned, csr',
    ]
    assert der(admin) == before


def test_a_new_ui_certificate_is_shown_to_the_next_client(maco_lab: Lab, admin: AdminClient) -> None:
    host, port = maco_lab.running.administrations["scc"].address
    before = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, port)))
    assert der(admin, UI) == before

    assert admin.call("POST", UI, SELF_SIGNED).whole == created(admin, UI)

    after = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, port)))
    assert after != before
    assert x509.load_der_x509_certificate(after).subject.rfc4514_string() == SUBJECT
    maco_lab.reset()
    assert ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, port))) == before


def test_pkcs12_becomes_the_ui_certificate_of_the_next_client(maco_lab: Lab, admin: AdminClient) -> None:
    other = maco_lab.authority.mail_server

    assert admin.upload("PUT", UI, pkcs12=other.pkcs12("scc", "secret"), password=b"secret").whole == NO_CONTENT

    assert shown_to_a_client(maco_lab) == other.certificate.public_bytes(Encoding.DER)


def test_a_signed_request_becomes_the_ui_certificate_of_the_next_client(maco_lab: Lab, admin: AdminClient) -> None:
    before = shown_to_a_client(maco_lab)
    key = x509.load_pem_x509_csr(admin.call("POST", UI, REQUEST).body).public_key()
    assert shown_to_a_client(maco_lab) == before  # until it is signed
    now = dt.datetime.now(dt.UTC)
    validity = Validity(now, now + dt.timedelta(days=30))
    signed = maco_lab.authority.connector_ca.certify(key, "signed", validity, usage="server")  # type: ignore[arg-type]

    assert admin.upload("PATCH", UI, signedCertificate=signed).whole == created(admin, UI)

    assert shown_to_a_client(maco_lab) == x509.load_pem_x509_certificate(signed).public_bytes(Encoding.DER)


def shown_to_a_client(lab: Lab) -> bytes:
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(lab.running.administrations["scc"].address))


def test_the_ui_certificate_cannot_be_deleted(admin: AdminClient) -> None:
    answer = admin.call("DELETE", UI)

    # recorded: facts, 5.2
    assert (answer.status, answer.header("Allow")) == (405, "POST,GET,OPTIONS,PATCH,PUT")


def test_the_ca_certificate_is_kept(admin: AdminClient) -> None:
    assert admin.get(CA).refusal == (404, "NOT_FOUND", "There is no CA certificate")
    assert admin.call("POST", CA, SELF_SIGNED).whole == created(admin, CA)
    assert admin.get(CA).json["subjectDN"] == SUBJECT
    answer = admin.get(CA, Accept="application/pkix-cert")
    assert answer.header("Content-Disposition") == 'attachment;filename="ca_certificate.der"'
    assert admin.call("DELETE", CA).whole == NO_CONTENT
