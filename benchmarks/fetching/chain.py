"""What MaCo and mbsync fetch through: a Dovecot with full mailboxes, and a lab in a process of its own before it."""

from __future__ import annotations

import datetime as dt
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from benchmarks.mailserver.scale import mail
from certs.authority import Authority
from maco_client.key_store import KeyStore
from maco_client.settings import (
    Credential,
    EmailConnection,
    EmailServer,
    Protection,
    ProxyType,
    SocksProxy,
    TokenService,
)
from tests.real.dovecot import Dovecot, dovecot

HOST = "mail.stadtwerke.example"
PASSWORD = "benchmark"
WAYS: Mapping[str, tuple[str, Protection]] = {
    "A": (f"{HOST}:143", Protection.STARTTLS_MANDATORY),
    "B": ("mailbox.virtual:993", Protection.OFF),
}
"""Virtual host and port, and what MaCo does about TLS."""
MORE_OF_DOVECOT = "service imap {\n  client_limit = 1\n  process_limit = 100\n}\n"

_LAB = f"""
import json, sys
from maco_lab.testing.lab import lab_for_tests
imap, imaps, root = sys.argv[1:]
def change(data):
    data["hosts"] = {{"{HOST}:143": imap, "{HOST}:993": imaps}}
    data["cloud_connectors"][0]["back_end_trust_store"]["certificates"] = [{{"file": root}}]
    data["maco"]["key_store"] = {{"root": {{"file": root}}}}
with lab_for_tests(change) as lab:
    print(json.dumps(lab.service_binding), flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Chain:
    """A running chain; ``binding`` is the Connectivity service's, ``pid`` the process of cloud and connector."""

    server: Dovecot
    binding: Mapping[str, str]
    root: Path
    pid: int

    def connection(self, way: str, user: str, **settings: Any) -> EmailConnection:
        """Return the e-mail connection that polls a user's mailbox by one way."""
        address, protection = WAYS[way]
        server = EmailServer(f"way {way}", address, ProxyType.ON_PREMISE, "WERK1")
        return EmailConnection(user, server, protection, Credential(user, user, PASSWORD), **settings)

    def proxy(self) -> SocksProxy:
        """Return the Connectivity service's SOCKS5 proxy."""
        return SocksProxy(self.binding["onpremise_proxy_host"], int(self.binding["onpremise_socks5_proxy_port"]))

    def token_service(self) -> TokenService:
        """Return where tokens come from."""
        return TokenService(self.binding["token_service_url"], self.binding["clientid"], self.binding["clientsecret"])

    def key_store(self) -> KeyStore:
        """Return a key store that trusts the mail server."""
        return KeyStore({"root": ssl.PEM_cert_to_DER_cert(self.root.read_text())})


@contextmanager
def running_chain(folder: Path, mailboxes: Mapping[str, tuple[int, int]]) -> Iterator[Chain]:
    """Run Dovecot and a lab while the block runs; ``mailboxes`` says how many mails of how many bytes a user has."""
    root = Authority.root("Benchmark root", now=dt.datetime.now(dt.UTC))
    issued = root.issue(HOST, dns_names=[HOST, "localhost"])  # the latter for mbsync, whose way begins there
    pem = folder / "root.pem"
    pem.write_bytes(root.identity.certificate.public_bytes(Encoding.PEM))
    with dovecot(folder, issued, dict.fromkeys(mailboxes, PASSWORD), MORE_OF_DOVECOT) as server:
        for user, (count, size) in mailboxes.items():
            for number in range(count):
                server.deliver(user, mail(number, size))
        addresses = ["{}:{}".format(*address) for address in (server.imap, server.imaps)]
        command = [sys.executable, "-c", _LAB, *addresses, str(pem)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as lab:
            assert lab.stdout is not None  # it has a pipe
            assert lab.stdin is not None
            yield Chain(server, json.loads(lab.stdout.readline()), pem, lab.pid)
            lab.stdin.close()
