from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from maco_net.errors import HandshakeFacts
from maco_net.trust import trusting_context
from tests.maco_net.pairs import CAST, serving, shaken


def _der(name: str) -> bytes:
    return CAST.by_name(name).certificate.public_bytes(Encoding.DER)


ROOT = CAST.root_certificate.public_bytes(Encoding.DER)
INTERMEDIATE = CAST.intermediate_certificate.public_bytes(Encoding.DER)


async def _facts(*anchors: bytes, certificate: str = "mail_server", check_hostname: bool = True) -> HandshakeFacts:
    async with shaken(trusting_context(anchors, check_hostname=check_hostname), serving(certificate)) as ends:
        return ends.client


async def test_an_empty_store_trusts_nobody() -> None:
    assert (await _facts()).verify_code == 20  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY


@pytest.mark.parametrize("anchor", [ROOT, INTERMEDIATE, _der("mail_server")], ids=["root", "intermediate", "leaf"])
async def test_any_listed_certificate_ends_the_path(anchor: bytes) -> None:
    assert (await _facts(anchor)).error == ""


async def test_the_root_alone_does_not_replace_an_intermediate_that_is_not_sent() -> None:
    assert (await _facts(ROOT, certificate="missing_intermediate")).verify_code == 20


async def test_a_listed_intermediate_replaces_one_that_is_not_sent() -> None:
    assert (await _facts(ROOT, INTERMEDIATE, certificate="missing_intermediate")).error == ""


async def test_a_self_signed_certificate_can_be_trusted_itself() -> None:
    assert (await _facts(_der("self_signed"), certificate="self_signed")).error == ""


async def test_a_listed_leaf_that_has_expired_is_refused() -> None:
    assert (await _facts(_der("expired"), certificate="expired")).verify_code == 10  # X509_V_ERR_CERT_HAS_EXPIRED


async def test_the_name_is_checked_only_where_told() -> None:
    assert (await _facts(ROOT, certificate="wrong_name")).verify_code == 62  # X509_V_ERR_HOSTNAME_MISMATCH
    assert (await _facts(ROOT, certificate="wrong_name", check_hostname=False)).error == ""


def test_the_same_certificate_may_be_listed_twice() -> None:
    assert len(trusting_context([ROOT, ROOT], check_hostname=True).get_ca_certs()) == 1


def test_the_systems_own_store_is_not_asked() -> None:
    assert trusting_context([], check_hostname=True).cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}
