"""Private keys: EC P-256 as the default, RSA 2048 where a peer is too old for it.

Its rule: a key is generated or loaded here and nowhere else.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, assert_never, get_args

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

KeyType: TypeAlias = Literal["ec", "rsa"]
KEY_TYPES: tuple[KeyType, ...] = get_args(KeyType)

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

RSA_BITS = 2048  # the least that OpenSSL's security level 2 accepts
RSA_PUBLIC_EXPONENT = 65537

FACTORED_RSA_BITS = 768
# The factors of RSA-768 (Kleinjung and others, "Factorization of a 768-bit RSA modulus", 2010): cryptography generates
# no key this short, and this one is no secret to anybody.
_FACTORS = (
    33478071698956898786044169848212690817704794983713768568912431388982883793878002287614711652531743087737814467999489,
    36746043666799590428244633799627952632279158164343087642676032283815739666511279233373417143396810270092798736308917,
)


def generate_key(key_type: KeyType, rsa_bits: int = RSA_BITS) -> PrivateKey:
    """Generate a private key: about 0.1 ms for EC, 30 ms and more for RSA; 768 bits are always the factored ones."""
    match key_type:
        case "ec":
            return ec.generate_private_key(ec.SECP256R1())
        case "rsa":
            return (
                _factored_key()
                if rsa_bits == FACTORED_RSA_BITS
                else rsa.generate_private_key(RSA_PUBLIC_EXPONENT, rsa_bits)
            )
        case _:
            assert_never(key_type)


def _factored_key() -> rsa.RSAPrivateKey:
    p, q = _FACTORS
    d = pow(RSA_PUBLIC_EXPONENT, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(RSA_PUBLIC_EXPONENT, p * q),
    ).private_key()


def load_key(pem: bytes) -> PrivateKey:
    """Return the private key of an unencrypted PKCS#8 PEM text; ValueError if it is none or of another kind."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (TypeError, UnsupportedAlgorithm) as error:  # encrypted, or of a kind unknown even to OpenSSL
        raise ValueError(f"expected an EC or RSA key without password: {error}") from error
    if not isinstance(key, PrivateKey):
        raise ValueError(f"expected an EC or RSA key, got {type(key).__name__}")  # noqa: TRY004 - a file's content
    return key
