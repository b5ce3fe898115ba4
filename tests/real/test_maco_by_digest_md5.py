"""MaCo logs in to a real Dovecot by DIGEST-MD5, which proves itself in turn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.authority import Authority
from maco_client.inbox import Inbox
from maco_client.key_store import KeyStore
from maco_client.settings import Authentication
from maco_wire.observation import Login
from tests.maco_client.bench import HOST, Bench, Journal, der, make_connection
from tests.real.dovecot import Dovecot, dovecot

pytestmark = [pytest.mark.real, pytest.mark.slow]

USER, PASSWORD = "maco@stadtwerke.example", "sesame"  # MaCo says "maco", in the realm that the server names
# The harness's own file of users holds digests of another kind, from which no proof can be made.
DIGEST_ONLY = f"""\
auth_mechanisms = digest-md5
auth_realms = stadtwerke.example
passdb {{
  driver = static
  args = password={PASSWORD}
}}
"""


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority.root("Root", now=dt.datetime.now(dt.UTC))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, root: Authority) -> Iterator[Dovecot]:
    issued = root.issue(HOST, dns_names=[HOST])
    with dovecot(tmp_path_factory.mktemp("digest"), issued, {USER: PASSWORD}, DIGEST_ONLY) as running:
        yield running


@pytest.fixture
def bench(root: Authority, tmp_path: Path) -> Iterator[Bench]:
    inbox = Inbox(tmp_path / "inbox.db")
    yield Bench(KeyStore({"root": der(root.identity.certificate)}), inbox, Journal())
    inbox.close()


async def test_a_mail_is_fetched_and_no_password_was_sent(server: Dovecot, bench: Bench) -> None:
    server.deliver(USER, b"Subject: MSCONS\r\n\r\n")
    connection = make_connection(authentication=Authentication.ENCRYPTED, password=PASSWORD)

    result = await bench.poller(connection, server.imap).poll()

    assert (result.error, result.stored) == ("", 1)
    login = bench.journal.only(Login)
    assert (login.succeeded, login.credentials_sent, login.detail) == (
        True, False, "by DIGEST-MD5, which sends no password",
    )  # fmt: skip


async def test_a_wrong_password_is_refused(server: Dovecot, bench: Bench) -> None:
    connection = make_connection(authentication=Authentication.ENCRYPTED, password="other")

    result = await bench.poller(connection, server.imap).poll()

    assert result.stage == "login"
    assert result.error.startswith("AuthenticationFailedException: [AUTHENTICATIONFAILED]")
