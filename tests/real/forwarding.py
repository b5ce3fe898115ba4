"""`maco-lab forward` before a lab that runs in the test's own process, as somebody else's service."""

from __future__ import annotations

import contextlib
import imaplib
import re
import shlex
import ssl
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from maco_lab.testing.lab import Lab
from tests.maco_lab.processes import child_environment, running
from tests.programs import missing

MAIL_HOST = "mail.stadtwerke.example"
STARTTLS = f"{MAIL_HOST}:143"  # a mapping of protocol TCP
TLS_END_TO_END = f"{MAIL_HOST}:993"  # a mapping of protocol TCP
IN_CLEAR = "mailbox.virtual:993"  # a mapping of protocol TCP TLS
SUBMISSION = f"{MAIL_HOST}:587"  # a mapping of protocol TCP
USER = "strom@stadtwerke.example"
PASSWORD = "Strom4711Postfach"


def require(condition: bool, message: str) -> None:
    """Skip the test loudly where ``condition`` does not hold, and fail it in CI."""
    if not condition:
        missing(message)


@dataclass(frozen=True)
class Forwarding:
    """A lab, and what a call of `maco-lab forward` needs for it."""

    lab: Lab
    folder: Path
    """Holds the client secret and the root of the mail server's certificate."""

    @property
    def root(self) -> Path:
        """The root of the mail server's certificate, PEM."""
        return self.folder / "root.pem"

    def arguments(self, *what: str) -> list[str]:
        """Return the arguments of `maco-lab` that forward ``what``."""
        binding = self.lab.service_binding
        proxy = f"{binding['onpremise_proxy_host']}:{binding['onpremise_socks5_proxy_port']}"
        service = ["--proxy", proxy, "--token-url", binding["token_service_url"], "--client-id", binding["clientid"]]
        secret = ["--client-secret-file", str(self.folder / "secret")]
        return ["forward", *what, "--location-id", "WERK1", *service, *secret]

    def command(self, address: str) -> list[str]:
        """Return the command that carries its standard input and output to ``address``."""
        return [sys.executable, "-P", "-m", "maco_lab", *self.arguments("--stdio", address)]

    def shell_command(self, address: str) -> str:
        """Return ``command`` as a shell takes it."""
        return shlex.join(self.command(address))

    @contextlib.contextmanager
    def port(self, address: str) -> Iterator[int]:
        """Run `maco-lab forward 0 ADDRESS` while the block runs; yields the port that it took."""
        with running(*self.arguments("0", address), folder=self.folder) as process:
            process.wait_for("Ctrl-C ends it\n")
            found = re.match(r"127\.0\.0\.1:(\d+) leads to ", process.text)
            assert found, process.text
            yield int(found[1])

    def deliver(self, *mails: bytes) -> None:
        """Put mails into the mailbox of ``USER``."""
        for mail in mails:
            self.lab.mail_server.deliver(USER, mail)

    def mails(self) -> list[bytes]:
        """Return every mail of ``USER``, read past cloud and connector."""
        context = ssl.create_default_context(cafile=str(self.root))
        context.check_hostname = False  # 127.0.0.1 is not in the certificate
        with imaplib.IMAP4_SSL(*self.lab.mail_server.addresses["imaps"], ssl_context=context) as mailbox:
            mailbox.login(USER, PASSWORD)
            mailbox.select(readonly=True)
            _, answers = mailbox.uid("FETCH", "1:*", "(BODY.PEEK[])")
        return [answer[1] for answer in answers if isinstance(answer, tuple)]

    def environment(self) -> Mapping[str, str]:
        """Return the environment of a program that calls ``command``."""
        return child_environment()


def forwarding(lab: Lab, folder: Path) -> Forwarding:
    """Write what the calls need into ``folder``."""
    (folder / "secret").write_text(lab.service_binding["clientsecret"] + "\n")
    (folder / "root.pem").write_bytes(lab.root_pem)
    return Forwarding(lab, folder)
