"""Our server in a process of its own: ``python -m benchmarks.mailserver.ours STORE USERS`` fills the store and serves.

It prints its ports and its root certificate as JSON once it listens, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.mailserver.scale import PASSWORD, mails
from benchmarks.mailserver.trust import HOST_NAME, new_cast, root_pem
from certs.summary import summarize
from maco_lab.mail_tls import imap_context_factory, smtp_context
from mailserver_sim.reactor import ensure_reactor
from mailserver_sim.server import MailServer
from mailserver_sim.settings import Account, Listener, MailServerSettings
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import INBOX

COMMAND = (sys.executable, "-m", "benchmarks.mailserver.ours")
AT_ONCE = 200
MOST_CONNECTIONS = 5000


def address_of(user: str) -> str:
    """Return where mail to a user is sent."""
    return f"{user}@stadtwerke.example"


async def fill(path: Path, users: Mapping[str, tuple[int, int]]) -> None:
    """Put the mails into the store, many in one commit."""
    store = Store(path, users)
    store.open()
    now = dt.datetime.now(dt.UTC)
    for user, (count, size) in users.items():
        waiting = []
        for raw, is_read in mails(count, size):
            flags = frozenset({"\\Seen"} if is_read else ())
            waiting.append(store.append(user, INBOX, raw, flags, now))
            if len(waiting) == AT_ONCE:
                await asyncio.gather(*waiting)
                waiting.clear()
        await asyncio.gather(*waiting)
    store.close()


async def serve(path: Path, users: Mapping[str, tuple[int, int]]) -> None:
    """Serve until nobody holds the other end of standard input."""
    loop = asyncio.get_running_loop()
    ensure_reactor(loop)
    await fill(path, users)
    cast = new_cast()
    issued = cast.mail_server
    server = MailServer(
        MailServerSettings(
            HOST_NAME,
            tuple(Account(user, PASSWORD, (address_of(user),)) for user in users),
            (Listener("imap"), Listener("imaps"), Listener("smtp")),
            path,
            offer_starttls=False,
            max_connections_per_port=MOST_CONNECTIONS,
        ),
        imap_tls=imap_context_factory(issued),
        smtp_tls=smtp_context(issued),
        record=lambda _: None,
        describe_certificate=summarize,
    )
    await server.start()
    ports = {protocol: port for protocol, (_, port) in server.addresses.items()}
    print(json.dumps({**ports, "root": root_pem(cast)}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    await server.stop()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), json.loads(sys.argv[2])))
