from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from maco_lab.testing.lab import Lab
from tests.maco_lab.page.client import Answer, PageClient

PEM, DER = "application/x-pem-file", "application/pkix-cert"


def brought(api: PageClient, alias: str, content: bytes, content_type: str = PEM) -> Answer:
    return api.ask("POST", f"/api/keystore?alias={alias}", content, Content_Type=content_type)


def aliases(api: PageClient) -> list[str]:
    return [each["alias"] for each in api.get("/api/keystore").data["entries"]]


def test_an_entry_tells_names_dates_and_fingerprints(maco_lab: Lab, api: PageClient) -> None:
    root = maco_lab.authority.root.certificate
    der = root.public_bytes(Encoding.DER)

    entry = api.get("/api/keystore/mail-root").data

    assert entry["certificate"]["sha256"] == hashlib.sha256(der).hexdigest()
    assert entry["certificate"]["sha1"] == hashlib.sha1(der, usedforsecurity=False).hexdigest()
    assert entry["certificate"]["subject"] == root.subject.rfc4514_string()
    assert (entry["expired"], entry["warnings"]) == (False, [])
    assert entry["days_left"] > 300


@pytest.mark.parametrize(("encoding", "content_type"), [(Encoding.PEM, PEM), (Encoding.DER, DER)])
def test_what_was_imported_comes_out_as_pem(
    maco_lab: Lab, api: PageClient, encoding: Encoding, content_type: str
) -> None:
    certificate = maco_lab.authority.unknown_root_certificate

    assert brought(api, "other", certificate.public_bytes(encoding), content_type).status == 200

    assert api.get("/api/keystore/other/pem").content == certificate.public_bytes(Encoding.PEM)


def test_several_certificates_get_the_alias_with_numbers(maco_lab: Lab, api: PageClient) -> None:
    chain = [maco_lab.authority.root_certificate, maco_lab.authority.intermediate_certificate]
    pem = b"".join(each.public_bytes(Encoding.PEM) for each in chain)

    answer = brought(api, "chain", pem)

    assert [each["alias"] for each in answer.data["entries"]] == ["chain", "chain-2"]


def test_several_certificates_are_taken_all_or_none(maco_lab: Lab, api: PageClient) -> None:
    pem = maco_lab.root_pem
    brought(api, "chain-2", pem)

    answer = brought(api, "chain", pem + maco_lab.authority.intermediate_certificate.public_bytes(Encoding.PEM))

    assert answer.status == 409
    assert answer.data["error"] == "key store entry 'chain-2' is there already: delete it first, or take another name"
    assert aliases(api) == ["mail-root", "chain-2"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("expired", "has expired on"),
        ("not_yet_valid", "is not valid before"),
        ("mail_server", "is the certificate of a server"),
    ],
)
def test_a_certificate_that_cannot_be_verified_is_taken_with_a_warning(
    maco_lab: Lab, api: PageClient, name: str, word: str
) -> None:
    pem = maco_lab.authority.by_name(name).certificate.public_bytes(Encoding.PEM)

    (entry,) = brought(api, "odd", pem).data["entries"]

    assert any(word in warning for warning in entry["warnings"])
    assert entry["expired"] is (name == "expired")


def test_an_intermediate_without_its_root_is_taken_with_a_warning(maco_lab: Lab, api: PageClient) -> None:
    api.ask("DELETE", "/api/keystore/mail-root")

    (entry,) = brought(api, "i", maco_lab.authority.intermediate_certificate.public_bytes(Encoding.PEM)).data["entries"]

    assert "its issuer is not in the key store" in entry["warnings"][0]


@pytest.mark.parametrize(
    ("alias", "content", "content_type", "status", "words"),
    [
        (
            "a",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            PEM,
            422,
            "no certificate in PEM or DER",
        ),
        ("a", b"", DER, 422, "no certificate in PEM or DER"),
        ("a", b"-----BEGIN PRIVATE KEY-----\n", PEM, 422, "found a private key"),
        ("a", b"x", "text/plain", 415, "Content-Type must be application/x-pem-file or application/pkix-cert"),
        ("a", b"\0" * (2 * 1024 * 1024 + 1), DER, 413, "larger than 2097152 bytes"),
        ("", b"x", PEM, 400, "alias must have 1 to"),
    ],
)
def test_what_is_no_certificate_is_refused_and_changes_nothing(
    api: PageClient, alias: str, content: bytes, content_type: str, status: int, words: str
) -> None:
    answer = brought(api, alias, content, content_type)

    assert (answer.status, words in answer.data["error"]) == (status, True), answer.data
    assert aliases(api) == ["mail-root"]


def test_a_reserved_alias_is_refused_with_those_that_are(maco_lab: Lab, api: PageClient) -> None:
    answer = brought(api, "sap_root", maco_lab.root_pem)

    assert (answer.status, "reserved are hcicertificate" in answer.data["error"]) == (422, True)


def test_an_alias_that_is_none_is_told_with_those_that_are_there(api: PageClient) -> None:
    for answer in (api.get("/api/keystore/x"), api.get("/api/keystore/x/pem"), api.ask("DELETE", "/api/keystore/x")):
        assert (answer.status, answer.data["error"]) == (404, "found key store entry 'x', allowed: 'mail-root'")


def test_the_lab_page_shows_whom_maco_trusts_now(maco_lab: Lab, api: PageClient) -> None:
    brought(api, "other", maco_lab.authority.unknown_root_certificate.public_bytes(Encoding.PEM))

    assert list(maco_lab.running.maco.section.key_store) == ["mail-root", "other"]
