from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from certs.keys import KeyType, generate_key, load_key


@pytest.mark.parametrize("key_type", ["ec", "rsa"])
def test_key_is_loaded_as_it_was_written(key_type: KeyType) -> None:
    key = generate_key(key_type)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert load_key(pem).private_numbers() == key.private_numbers()


def test_encrypted_key_is_refused() -> None:
    pem = generate_key("ec").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    with pytest.raises(ValueError, match="without password"):
        load_key(pem)


def test_key_of_another_kind_is_refused() -> None:
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="got Ed25519PrivateKey"):
        load_key(pem)


def test_text_that_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="PEM"):
        load_key(b"nonsense")
