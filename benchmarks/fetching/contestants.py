"""Who fetches: MaCo's own client, and mbsync through ``maco-lab forward``; both end with every mail on the disk."""

from __future__ import annotations

import asyncio
import imaplib
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fetching.chain import HOST, PASSWORD, WAYS, Chain
from certs.summary import summarize
from maco_client.inbox import Inbox
from maco_client.poller import Poller
from maco_client.settings import EmailConnection
from maco_client.token import TokenSource

DEADLINE_S = 600.0
_MBSYNC = """\
IMAPStore server
Host localhost
Port {port}
User {user}
Pass {password}
{tls}

MaildirStore local
Path {folder}/
Inbox {folder}/INBOX

Channel all
Far :server:
Near :local:
Patterns INBOX
Create Near
Sync Pull
SyncState *
"""
_STARTTLS = "SSLType STARTTLS\nCertificateFile {root}\nSystemCertificates no"
_IN_CLEAR = "SSLType None\nAuthMechs LOGIN"


def poller(chain: Chain, connection: EmailConnection, inbox: Inbox) -> Poller:
    """Return what polls a connection."""
    return Poller(
        connection,
        proxy=chain.proxy(),
        tokens=TokenSource(chain.token_service()),
        key_store=chain.key_store(),
        inbox=inbox,
        record=lambda _: None,
        describe_certificate=summarize,
    )


class _Dovecot(imaplib.IMAP4):
    """IMAP over TLS to an address, where the certificate is held against the host's name."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(host, port, DEADLINE_S)

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        sock = socket.create_connection((self.host, self.port), timeout)
        return self._context.wrap_socket(sock, server_hostname=HOST)


def warm_up(chain: Chain, user: str) -> None:
    """Let Dovecot number the mails of ``user``, so that whoever fetches first does not wait for it."""
    context = ssl.create_default_context(cafile=str(chain.root))
    with _Dovecot(*chain.server.imaps, context) as client:
        client.login(user, PASSWORD)
        client.select(readonly=True)


def maco(chain: Chain, way: str, user: str, folder: Path, mails: int) -> float:
    """Return how many seconds one poll takes that fetches all mails of ``user``."""
    inbox = Inbox(folder / f"{user}.db")
    try:
        began = time.perf_counter()
        result = asyncio.run(poller(chain, chain.connection(way, user), inbox).poll())
        seconds = time.perf_counter() - began
    finally:
        inbox.close()
    if (result.succeeded, result.stored) != (True, mails):
        raise AssertionError(f"MaCo fetched {result.stored} of {mails} mails: {result.stage}: {result.error}")
    return seconds


def mbsync(chain: Chain, way: str, user: str, folder: Path, mails: int) -> float:
    """Return how many seconds mbsync takes for the same."""
    folder = folder / f"mbsync-{user}"
    for part in ("cur", "new", "tmp"):
        (folder / "INBOX" / part).mkdir(parents=True)
    address, _ = WAYS[way]
    with _forwarded(chain, address, folder) as port:
        tls = _STARTTLS.format(root=chain.root) if way == "A" else _IN_CLEAR
        text = _MBSYNC.format(port=port, user=user, password=PASSWORD, tls=tls, folder=folder)
        (folder / "mbsyncrc").write_text(text)
        began = time.perf_counter()
        command = ["mbsync", "-q", "-c", str(folder / "mbsyncrc"), "all"]
        subprocess.run(command, check=True, timeout=DEADLINE_S, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
    fetched = sum(1 for part in ("cur", "new") for _ in (folder / "INBOX" / part).iterdir())
    if fetched != mails:
        raise AssertionError(f"mbsync fetched {fetched} of {mails} mails")
    return seconds


@contextmanager
def _forwarded(chain: Chain, address: str, folder: Path) -> Iterator[int]:
    """Run ``maco-lab forward`` while the block runs; yields its port."""
    (folder / "secret").write_text(chain.binding["clientsecret"])
    command = [sys.executable, "-P", "-m", "maco_lab", "forward", "0", address, "--location-id", "WERK1"]
    command += ["--proxy", "{onpremise_proxy_host}:{onpremise_socks5_proxy_port}".format(**chain.binding)]
    command += ["--token-url", chain.binding["token_service_url"], "--client-id", chain.binding["clientid"]]
    command += ["--client-secret-file", str(folder / "secret")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # it has a pipe
            found = re.match(r"127\.0\.0\.1:(\d+) leads to ", process.stdout.readline())
            if found is None:
                raise AssertionError("maco-lab forward did not start")
            yield int(found[1])
        finally:
            process.terminate()
