"""Certificates, a key store, an inbox and a bench for MaCo's tests."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.cast import Cast
from certs.trust import server_context
from maco_client.inbox import Inbox
from maco_client.key_store import KeyStore
from tests.maco_client.bench import Bench, Journal, der


@pytest.fixture(scope="session")
def cast() -> Cast:
    return Cast(datetime.now(UTC))


@pytest.fixture
def mail_server_tls(cast: Cast) -> ssl.SSLContext:
    return server_context(cast.mail_server)


@pytest.fixture
def key_store(cast: Cast) -> KeyStore:
    return KeyStore({"root": der(cast.root_certificate)})


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    opened = Inbox(tmp_path / "inbox" / "inbox.db")
    yield opened
    opened.close()


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def bench(key_store: KeyStore, inbox: Inbox, journal: Journal) -> Bench:
    return Bench(key_store, inbox, journal)
