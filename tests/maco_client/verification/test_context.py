from __future__ import annotations

import ssl

import pytest

from certs.cast import Cast
from maco_client.key_store import KeyStore
from maco_client.verification.profile import VerificationProfile
from tests.maco_client.bench import der

JAVA, OPENSSL = VerificationProfile.JAVA, VerificationProfile.OPENSSL
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of <openssl/x509_vfy.h>
PARTIAL_CHAIN = ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN


def context(profile: VerificationProfile, *anchors: bytes) -> ssl.SSLContext:
    return KeyStore({str(i): each for i, each in enumerate(anchors)}, profile).verification().context


@pytest.mark.parametrize("profile", VerificationProfile)
def test_path_and_name_are_verified_whatever_the_store_holds(cast: Cast, profile: VerificationProfile) -> None:
    expired = der(cast.authority("expired_root_ca").certificate)
    for anchors in ([], [der(cast.root_certificate)], [expired]):
        made = context(profile, *anchors)
        assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert made.minimum_version is ssl.TLSVersion.TLSv1_2
        assert not made.verify_flags & ssl.VerifyFlags.VERIFY_X509_STRICT
        assert made.cert_store_stats()["x509"] == len(anchors), "the system's authorities are never loaded"


def test_the_profiles_differ_in_level_and_end_of_path_alone(cast: Cast) -> None:
    root = der(cast.root_certificate)
    java, openssl = context(JAVA, root), context(OPENSSL, root)
    assert (java.security_level, openssl.security_level) == (0, 2)
    assert java.get_ciphers() == openssl.get_ciphers()
    assert java.options == openssl.options
    assert java.verify_flags == openssl.verify_flags | PARTIAL_CHAIN


def test_the_suites_are_those_that_python_offers_by_itself(cast: Cast) -> None:
    usual = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    usual.set_ciphers("DEFAULT:@SECLEVEL=2")
    offered = {each["name"] for each in context(JAVA, der(cast.root_certificate)).get_ciphers()}
    assert len(offered) > 10
    assert offered <= {each["name"] for each in usual.get_ciphers()}


def test_openssl_leaves_the_dates_to_java_only_where_an_anchor_is_out_of_its_own(cast: Cast) -> None:
    root, expired = der(cast.root_certificate), der(cast.authority("expired_root_ca").certificate)
    assert not context(JAVA, root).verify_flags & NO_CHECK_TIME
    assert context(JAVA, root, expired).verify_flags & NO_CHECK_TIME
    assert not context(OPENSSL, root, expired).verify_flags & NO_CHECK_TIME


@pytest.mark.parametrize("profile", VerificationProfile)
def test_no_second_handshake_passes_by_what_is_checked_after_the_first(
    cast: Cast, profile: VerificationProfile
) -> None:
    assert context(profile, der(cast.root_certificate)).options & ssl.OP_NO_RENEGOTIATION


def test_every_handshake_has_a_context_of_its_own(key_store: KeyStore) -> None:
    assert key_store.verification().context is not key_store.verification().context


def test_what_logs_keys_sees_every_context(cast: Cast) -> None:
    seen: list[ssl.SSLContext] = []
    store = KeyStore({"root": der(cast.root_certificate)}, prepare=seen.append)
    made = [store.verification().context for _ in range(2)]
    assert seen == made
