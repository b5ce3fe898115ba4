"""One cast for all tests of the PKI: issuing is cheap, but there is no need to repeat it."""

from __future__ import annotations

import datetime as dt

import pytest

from certs.cast import Cast

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="session")
def now() -> dt.datetime:
    return NOW


@pytest.fixture(scope="session")
def cast() -> Cast:
    return Cast(NOW)
