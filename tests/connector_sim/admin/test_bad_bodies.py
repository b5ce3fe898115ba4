"""Every endpoint that takes a body, with every body that cannot be: each gets its error, and nothing has changed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector_sim.admin.described import described
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.endpoints import ENDPOINTS
from connector_sim.admin.openapi import operation_id
from connector_sim.http_server import RawAnswer
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import AdminClient, multipart
from tests.connector_sim.admin.good_bodies import HTTP_MAPPING, JSON, good, path_of, prepared
from tests.connector_sim.admin.settings import LAB, MAPPINGS
from tests.connector_sim.admin.whole_state import asked, refusal, whole_state
from tests.faults.seeds import SOAK

pytestmark = LAB

CONNECTOR = "/api/v1/configuration/connector"
TRUST = f"{CONNECTOR}/onPremises/truststore/certificates"
_JSON = [each for each in ENDPOINTS if each.body in {"json", "lenient"}]
OF_A_SHADOW = [each for each in _JSON if "/ha/shadow/" in each.path]
WITH_JSON = [each for each in _JSON if each not in OF_A_SHADOW]
UPLOADS = [each for each in ENDPOINTS if each.body == "multipart"]


@dataclass(frozen=True)
class Bad:
    """A request that must be refused."""

    what: str
    body: bytes = field(repr=False)
    status: int = 400
    kind: str = "INVALID_REQUEST"
    begins: str = ""
    """What the message begins with: the field."""
    headers: tuple[tuple[str, str], ...] = tuple(JSON.items())


def _written(content: object) -> bytes:
    return json.dumps(content).encode()


def bad_json(endpoint: Endpoint) -> Iterator[Bad]:
    """Yield every request with a body that cannot be."""
    yield Bad("nothing", b"", begins="the body is not JSON")
    yield Bad("no JSON", b"{", begins="the body is not JSON")
    yield Bad("no UTF-8", b'{"description":"\xff"}', begins="the body is not JSON")
    yield Bad("deep", b"[" * 100_000, begins="the body is not JSON")
    content = good(endpoint)
    if endpoint.body == "json":
        for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
            yield Bad(
                media_type, _written(content), 415, "ERROR", "Content-Type must be", (("content-type", media_type),)
            )
    if not isinstance(content, dict):
        yield Bad("an object", b"{}", begins="allowed:")
        yield Bad("another word", b'"king"', begins="allowed:")
        return
    for text in (b"[]", b"null", b'"x"', b"1"):
        yield Bad("no object", text, begins="the body must be a JSON object")
    schema = described(endpoint).request
    assert schema
    (first, *_) = schema.get("anyOf", [schema])  # a good body is by the first alternative
    for name in first.get("required", ()):
        less = {key: each for key, each in content.items() if key != name}
        yield Bad(f"without {name}", _written(less), begins=f"{name}: ")
    for name in (*content, *({"authenticationData"} & set(schema["properties"]))):  # which overrides the others
        for wrong in wrong_values(schema["properties"][name]):
            yield Bad(f"{name}: {str(wrong)[:20]}", _written({**content, name: wrong}), begins=f"{name}: ")


def wrong_values(schema: Any) -> Iterator[object]:
    """Yield values of another kind than a field has, and those of its kind that it does not have."""
    yield from (None, {"x": 1} if schema["type"] != "object" else [])
    match schema:
        case {"type": "string"}:
            yield from (True, []) if "pattern" in schema else (1, True, [])  # a port may come as a number
            yield "\x00"
            yield "x" * 5000
            if "enum" in schema:
                yield from ("", "king")
            elif schema.get("minLength"):
                yield ""
        case {"type": "boolean"}:
            yield from (1, "yes", "", [])
        case {"type": "integer"}:
            yield from (-1, 2**40, 1.5, True, "x", "", "1" * 5000)
        case {"type": "array"}:
            yield from ("x", 1, [1], [None])
        case {"type": "object"}:
            yield from ("x", 1)


def judged(answer: RawAnswer, bad: Bad) -> str:
    """Return what is wrong with an answer; nothing if it is as it must be."""
    if answer.status < 400:
        return f"{bad.what}: taken with {answer.status}"
    status, kind, message = refusal(answer)
    right = (status, kind) == (bad.status, bad.kind) and message.startswith(bad.begins)
    return "" if right else f"{bad.what}: {status} {kind} {message}"


def wrong_answers(lab: Lab, endpoint: Endpoint) -> list[str]:
    """Ask with every body that cannot be, and return which answers are not as they must be."""
    requests = list(bad_json(endpoint))
    assert len(requests) > 6
    answers = [asked(lab, endpoint.method, path_of(endpoint), each.body, dict(each.headers)) for each in requests]
    return [text for each, bad in zip(answers, requests, strict=True) if (text := judged(each, bad))]


@pytest.mark.parametrize("endpoint", WITH_JSON, ids=operation_id)
def test_a_json_body_that_cannot_be_gets_its_error_and_changes_nothing(maco_lab: Lab, endpoint: Endpoint) -> None:
    before = prepared(maco_lab)

    assert wrong_answers(maco_lab, endpoint) == []
    assert whole_state(maco_lab) == before


def test_every_endpoint_that_takes_a_body_is_asked_with_bad_ones() -> None:
    asked_for = {operation_id(each) for each in [*WITH_JSON, *OF_A_SHADOW, *UPLOADS]}

    assert {operation_id(each) for each in ENDPOINTS if each.body != "none"} == asked_for
    assert all(good(each) for each in [*WITH_JSON, *OF_A_SHADOW])


@pytest.mark.slow
def test_a_body_of_ten_megabytes_is_refused_before_it_is_read(maco_lab: Lab, admin: AdminClient) -> None:
    before = whole_state(maco_lab)
    for endpoint in (*WITH_JSON, *UPLOADS):
        if endpoint.most_body_bytes:
            continue  # test_backup.py sends it more than that
        kind = "multipart/form-data; boundary=x" if endpoint.body == "multipart" else "application/json"
        headers = {"Content-Type": kind, "Content-Length": str(10 * 1024 * 1024)}

        answer = admin.call(endpoint.method, path_of(endpoint), headers=headers, body=b" " * 1_100_000)  # and no more

        assert answer.refusal == (413, "ERROR", "Request Entity Too Large")
    assert whole_state(maco_lab) == before


# Uploads


def _key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _certificate(key: Any) -> x509.Certificate:
    name = x509.Name.from_rfc4514_string("CN=bad")
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).public_key(key.public_key())
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def _pkcs12(key: Any, certificate: x509.Certificate | None, password: bytes = b"secret") -> bytes:
    return pkcs12.serialize_key_and_certificates(b"x", key, certificate, None, BestAvailableEncryption(password))


def bad_certificates(pem: bytes) -> dict[str, bytes]:
    """Return uploads that are no certificate, beside one that is."""
    middle = len(pem) // 2
    return {
        "nothing": b"",
        "text": b"certificate",
        "a key": _key(),
        "broken": pem[:middle] + b"####" + pem[middle + 4 :],
        "cut": pem[:middle],
        "cut DER": x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)[:-1],
        "a PEM without content": b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "one that is good and one that is not": pem + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    }


def bad_uploads(endpoint: Endpoint, pem: bytes) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield forms that cannot be, each with what its error begins with."""
    if endpoint.path.endswith("/backup"):
        yield "backup: found nothing", {"password": b"secret"}
        yield "password: found nothing", {"backup": pem}
        yield "password: allowed: text in UTF-8", {"backup": pem, "password": b"\xff"}
        for content in (b"backup", pem, b"PK\x05\x06" + bytes(18)):
            yield "backup: ", {"backup": content, "password": b"secret"}
        return
    part = {"POST": "certificates", "PUT": "pkcs12", "PATCH": "signedCertificate"}[endpoint.method]
    yield f"{part}: found nothing", {"other": pem}
    if part != "pkcs12":
        for content in bad_certificates(pem).values():
            yield f"{part}: found no", {part: content}
        return
    own = ec.generate_private_key(ec.SECP256R1())
    odd = ed25519.Ed25519PrivateKey.generate()
    right = {"password": b"secret"}
    cannot = "pkcs12: cannot be read, or the password is wrong"
    for content in (b"pkcs12", pem, _key(), _pkcs12(own, _certificate(own))[:-9]):
        yield cannot, {part: content, **right}
    yield cannot, {part: _pkcs12(own, _certificate(own)), "password": b"wrong"}
    yield cannot, {part: _pkcs12(own, _certificate(own))}
    yield "password: ", {part: _pkcs12(own, _certificate(own)), "password": b"\xff"}
    yield "pkcs12: found no certificate", {part: _pkcs12(own, None), **right}
    yield "pkcs12: found no certificate", {part: _pkcs12(odd, _certificate(odd)), **right}
    small = rsa.generate_private_key(65537, 1024)
    yield "pkcs12: found an RSA key of 1024 bits", {part: _pkcs12(small, _certificate(small)), **right}


@pytest.mark.parametrize("endpoint", UPLOADS, ids=operation_id)
def test_an_upload_that_cannot_be_gets_its_error_and_changes_nothing(maco_lab: Lab, endpoint: Endpoint) -> None:
    before = prepared(maco_lab)
    found = []
    for begins, parts in bad_uploads(endpoint, maco_lab.root_pem):
        kind, body = multipart(**parts)
        answer = asked(maco_lab, endpoint.method, path_of(endpoint), body, {"content-type": kind})
        found.append(judged(answer, Bad(begins, b"", begins=begins)))

    assert [each for each in found if each] == []
    for kind, body in (
        ("application/json", b"{}"),
        ("text/plain", maco_lab.root_pem),
        ("", maco_lab.root_pem),
    ):
        answer = asked(maco_lab, endpoint.method, path_of(endpoint), body, {"content-type": kind})
        assert refusal(answer) == (415, "ERROR", "Content-Type must be multipart/form-data")
    for kind in ("multipart/form-data", "multipart/form-data; boundary=other"):
        answer = asked(maco_lab, endpoint.method, path_of(endpoint), multipart(x=b"y")[1], {"content-type": kind})
        assert refusal(answer) == (400, "INVALID_REQUEST", "the body is no multipart/form-data")
    assert whole_state(maco_lab) == before


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # cryptography's, on reading one that chance made negative
def test_whatever_a_certificate_was_changed_to_it_is_taken_or_refused_and_the_list_can_be_read(maco_lab: Lab) -> None:
    der = x509.load_pem_x509_certificate(maco_lab.root_pem).public_bytes(Encoding.DER)

    @given(st.lists(st.tuples(st.integers(0, len(der) - 1), st.integers(0, 255)), min_size=1, max_size=4))
    @settings(max_examples=300 if SOAK else 80, deadline=None, suppress_health_check=list(HealthCheck))
    def changed(changes: list[tuple[int, int]]) -> None:
        content = bytearray(der)
        for place, value in changes:
            content[place] = value
        kind, body = multipart(certificates=bytes(content))
        answer = asked(maco_lab, "POST", TRUST, body, {"content-type": kind})
        assert answer.status in {201, 400}, answer.body
        assert asked(maco_lab, "GET", TRUST.removesuffix("/certificates")).status == 200
        assert asked(maco_lab, "DELETE", TRUST).status == 204

    changed()


# What is made gets an address, whatever it is called


@pytest.mark.parametrize("name", ["/ä", "/€ 1", "/%", "/a?b#c", "/%41"])
def test_what_is_made_is_found_at_its_location(maco_lab: Lab, admin: AdminClient, name: str) -> None:
    prepared(maco_lab)
    path = f"{MAPPINGS}/{HTTP_MAPPING}/resources"

    answer = admin.call("POST", path, {"id": name})

    assert answer.status == 201
    location = answer.header("Location")
    assert location
    assert location.isascii()
    assert admin.get(location.removeprefix(admin.url)).json["id"] == name
