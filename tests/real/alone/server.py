"""A mail server by itself, in a process as a user starts it, and how real programs are led to it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import subprocess
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailserver_sim.settings import LISTENER_PROTOCOLS
from mailserver_sim.store.store import Store
from tests.maco_lab.page.client import PageClient
from tests.maco_lab.processes import running

USER, PASSWORD = "maco", "secret"
ADDRESS = "maco@localhost"
HOST = "localhost"
DEADLINE_S = 60.0
MAIL_TYPE = "message/rfc822"


@dataclass(frozen=True)
class AloneServer:
    """A running server: the address of each protocol, its API, and the root that clients trust."""

    ready: Mapping[str, Any]

    def port(self, protocol: str) -> int:
        return int(self.ready["listeners"][protocol]["port"])

    @property
    def root(self) -> Path:
        return Path(self.ready["trust"])

    @property
    def api(self) -> PageClient:
        found = urllib.parse.urlsplit(self.ready["api"])
        assert found.hostname
        assert found.port
        return PageClient((found.hostname, found.port))

    def reset(self) -> None:
        assert self.api.post("/api/reset", {}).status == 200

    def deliver(self, *mails: bytes) -> None:
        for each in mails:
            assert self.api.ask("POST", f"/api/messages?user={USER}", each, Content_Type=MAIL_TYPE).status == 200

    def messages(self, mailbox: str = "INBOX") -> list[dict[str, Any]]:
        """Return the messages of a mailbox as the API tells them."""
        query = urllib.parse.urlencode({"user": USER, "mailbox": mailbox, "limit": 500})
        return list(self.api.get(f"/api/messages?{query}").data["messages"])

    def mails(self, mailbox: str = "INBOX") -> list[bytes]:
        """Return the mails of a mailbox byte by byte."""
        query = urllib.parse.urlencode({"user": USER, "mailbox": mailbox})
        uids = [each["uid"] for each in self.messages(mailbox)]
        return [self.api.get(f"/api/messages/{uid}/raw?{query}").content for uid in uids]


@contextlib.contextmanager
def server_alone(folder: Path, *options: str) -> Iterator[AloneServer]:
    """Run ``python -m mailserver_sim`` on free ports while the block runs."""
    ports = [part for protocol in LISTENER_PROTOCOLS for part in (f"--{protocol}", "0")]
    arguments = ["--user", f"{USER}:{PASSWORD}", *ports, "--api", "0", "--json", *options]
    with running(*arguments, folder=folder, module="mailserver_sim") as process:
        process.wait_for("\n")
        yield AloneServer(json.loads(process.text.splitlines()[0]))


def fill(path: Path, mails: Sequence[bytes]) -> None:
    """Put mails into the INBOX of a store that no server has open."""

    async def run() -> None:
        store = Store(path, [USER])
        store.open()
        now = dt.datetime.now(dt.UTC)
        await asyncio.gather(*(store.append(USER, "INBOX", each, frozenset(), now) for each in mails))
        store.close()

    asyncio.run(run())


def run(
    command: Sequence[str], text: str | None = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        command,
        input=text,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=DEADLINE_S,
        check=False,
        env=environment,
    )


def mail(subject: str, body: str = "UNA:+.? '") -> bytes:
    """Return a mail with the line ends of the wire."""
    head = f"From: Netz <netz@nb.example>\r\nTo: {ADDRESS}\r\nSubject: {subject}\r\n"
    return f"{head}Message-ID: <{subject.replace(' ', '.')}@nb.example>\r\n\r\n{body}\r\n".encode()
