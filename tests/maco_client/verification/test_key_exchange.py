"""ServerKeyExchange messages of TLS 1.2, built from RFC 5246, section 7.4.3, and RFC 8422, section 5.4."""

from __future__ import annotations

import pytest

from maco_client.verification.key_exchange import UNREADABLE, weakness

SHA1_RSA, SHA1_ECDSA, MD5_RSA = b"\x02\x01", b"\x02\x03", b"\x01\x01"
SHA256_RSA, SHA256_ECDSA, PSS, ED25519 = b"\x04\x01", b"\x04\x03", b"\x08\x04", b"\x08\x07"
SIGNATURE = b"\x00\x04sign"
ECDHE, DHE = "ECDHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"


def elliptic(algorithm: bytes) -> bytes:
    """X25519 (29), a named curve (3), with a public key of 32 bytes."""
    return b"\x03\x00\x1d\x20" + bytes(32) + algorithm + SIGNATURE


def finite(bits: int, algorithm: bytes = SHA256_RSA) -> bytes:
    """A group of so many bits, the generator 2, and a public key of 1."""
    prime = (1 << bits - 1 | 1).to_bytes((bits + 7) // 8, "big")
    vectors = (prime, b"\x02", b"\x01")
    return b"".join(len(each).to_bytes(2, "big") + each for each in vectors) + algorithm + SIGNATURE


@pytest.mark.parametrize("algorithm", [SHA256_RSA, SHA256_ECDSA, PSS, ED25519])
def test_a_signature_over_sha_256_and_longer_is_strong(algorithm: bytes) -> None:
    assert weakness(elliptic(algorithm), ECDHE) == ""
    assert weakness(finite(2048, algorithm), DHE) == ""


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [(SHA1_RSA, "SHA-1"), (SHA1_ECDSA, "SHA-1"), (MD5_RSA, "MD5"), (b"\x00\x01", "no digest")],
)
def test_a_signature_over_an_old_digest_is_weak(algorithm: bytes, digest: str) -> None:
    assert weakness(elliptic(algorithm), ECDHE) == f"key exchange signed over {digest}"
    assert weakness(finite(2048, algorithm), DHE) == f"key exchange signed over {digest}"


@pytest.mark.parametrize("bits", [512, 1024, 2047])
def test_a_group_below_2048_bits_is_weak(bits: int) -> None:
    assert weakness(finite(bits), DHE) == f"dh key too small: {bits} bits"


def test_leading_zeros_do_not_make_a_group_longer() -> None:
    padded = b"\x01\x00" + bytes(128) + finite(1024)[2:]
    assert weakness(padded, DHE) == "dh key too small: 1024 bits"


@pytest.mark.parametrize(("message", "cipher"), [(elliptic(SHA256_RSA), ECDHE), (finite(2048), DHE)])
def test_what_breaks_off_before_its_signature_algorithm_is_refused(message: bytes, cipher: str) -> None:
    whole = len(message) - len(SIGNATURE)
    assert whole > 0
    assert {weakness(message[:length], cipher) for length in range(whole)} == {UNREADABLE}
    assert weakness(message[:whole], cipher) == ""


def test_a_key_exchange_of_another_kind_is_refused() -> None:
    assert weakness(b"", "AES128-SHA") == "key exchange of AES128-SHA is not known"
