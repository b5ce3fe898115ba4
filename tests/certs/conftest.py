"""One cast for all tests of the PKI: issuing is cheap, but there is no need to repeat it."""

from __future__ import annotations

import datetime as dt
import functools
import itertools

import pytest

from certs import authority as authority_module
from certs import cast as cast_module
from certs.cast import Cast
from certs.keys import RSA_BITS, KeyType, PrivateKey, generate_key

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="session")
def now() -> dt.datetime:
    return NOW


@functools.cache
def _rsa_key(bits: int, number: int) -> PrivateKey:
    return generate_key("rsa", bits)


@pytest.fixture
def few_rsa_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generate no more than three RSA keys of a length, and take them in turns: they cost more than all else."""
    numbers = itertools.cycle(range(3))

    def generate(key_type: KeyType, rsa_bits: int = RSA_BITS) -> PrivateKey:
        return generate_key(key_type) if key_type == "ec" else _rsa_key(rsa_bits, next(numbers))

    monkeypatch.setattr(authority_module, "generate_key", generate)
    monkeypatch.setattr(cast_module, "generate_key", generate)


@pytest.fixture(scope="session")
def cast() -> Cast:
    return Cast(NOW)
