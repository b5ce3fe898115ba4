"""The IMAP connectivity test with a server that does exactly what it is told."""

from __future__ import annotations

from certs.summary import summarize
from maco_client.connectivity.imap import Wanted, check_imap
from maco_client.key_store import KeyStore
from maco_client.reach import Reach
from maco_client.settings import Protection, SocksProxy, TokenService
from maco_client.token import TokenSource
from tests.maco_client.bench import Journal, make_connection
from tests.maco_client.scripted_server import ScriptedServer, answered, greeting, in_clear, running


async def test_a_server_that_repeats_the_password_does_not_get_it_shown(key_store: KeyStore) -> None:
    journal = Journal()
    tokens = TokenSource(TokenService("http://127.0.0.1:1/oauth/token", "client", "secret"))  # asked for nothing
    reach = Reach(SocksProxy("127.0.0.1", 1), tokens, journal, summarize)
    server = ScriptedServer([[*greeting(), *in_clear(), *answered(rb"LOGIN .*", completion=b"NO not with sesame")]])
    async with running(server):
        wanted = Wanted(make_connection(Protection.OFF, address="{}:{}".format(*server.address)))
        found = await check_imap(wanted, reach, key_store)

    assert (found.stage, found.error) == ("login", "AuthenticationFailedException: not with ***")
    assert "sesame" not in repr(journal.observations)
