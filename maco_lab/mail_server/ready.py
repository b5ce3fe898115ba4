"""What is told once the mail server is up: where it listens and how to connect, for people and for machines."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from maco_lab.mail_server.certificate import Presented
from maco_wire.observation import Address
from mailserver_sim.settings import MailServerSettings

_TLS = {
    "imap": "STARTTLS",
    "imaps": "TLS",
    "smtp": "STARTTLS; takes mail from anybody, as port 25 does",
    "submission": "STARTTLS; login needed",
    "smtps": "TLS; login needed",
    "pop3": "STLS",
    "pop3s": "TLS",
}
_READS = ("imaps", "imap", "pop3s", "pop3")
"""The protocols that a mail can be read by, the shortest command first."""
_SENDS = ("smtps", "submission", "smtp")
_SCHEMES = {"submission": "smtp"}
_WITHOUT_LOGIN = "smtp"


@dataclass(frozen=True, slots=True)
class Ready:
    """A mail server that is up. ``store`` is None when nothing is kept."""

    settings: MailServerSettings
    presented: Presented
    addresses: Mapping[str, Address]
    store: Path | None
    api: Address | None

    def as_json(self) -> str:
        """Return it in one line, without any password."""
        return json.dumps(
            {
                "kind": "ready",
                "host_name": self.settings.host_name,
                "listeners": {name: {"host": host, "port": port} for name, (host, port) in self.addresses.items()},
                "accounts": [{"user": each.user, "addresses": list(each.addresses)} for each in self.settings.accounts],
                "trust": str(self.presented.trusted.resolve()),
                "store": str(self.store) if self.store else None,
                "api": self._api_url or None,
            }
        )

    def as_text(self) -> str:
        """Return it for a person."""
        rows = [(name, f"{_shown(address)}", _TLS[name]) for name, address in self.addresses.items()]
        rows += [("API", self._api_url, "this machine only")] if self.api else []
        name_width, place_width = (max(len(row[column]) for row in rows) + 2 for column in (0, 1))
        lines = [f"Mail server {self.settings.host_name} is up.", ""]
        lines += [f"{name:<{name_width}}{place:<{place_width}}{how}" for name, place, how in rows]
        accounts = ", ".join(f"{each.user} ({', '.join(each.addresses)})" for each in self.settings.accounts)
        lines += ["", f"Accounts: {accounts}"]
        lines += [f"Mail is kept in {self.store}" if self.store else "Mail is kept until the end of this process."]
        lines += [f"Clients trust {self.presented.trusted}{self._made_for_this_run}"]
        for title, command in (("Send a mail:", self.send_command()), ("Read the first:", self.read_command())):
            lines += ["", title, f"  {command}"] if command else []
        return "\n".join([*lines, "", "Ctrl-C ends it."])

    def read_command(self) -> str:
        """Return a curl command that reads the first mail; empty if no protocol for it listens."""
        protocol = next((each for each in _READS if each in self.addresses), "")
        what = "/INBOX;MAILINDEX=1" if protocol.startswith("imap") else "/1"
        return self._curl(protocol, what) if protocol else ""

    def send_command(self) -> str:
        """Return a command that sends a mail by curl; empty if no protocol for it listens."""
        protocol = next((each for each in _SENDS if each in self.addresses), "")
        address = self.settings.accounts[0].addresses[0]
        envelope = ["--mail-from", address, "--mail-rcpt", address, "--upload-file", "-"]
        return rf"printf 'Subject: test\r\n\r\nhello\r\n' | {self._curl(protocol, '', *envelope)}" if protocol else ""

    def _curl(self, protocol: str, what: str, *more: str) -> str:
        host, port = self.addresses[protocol]
        name = self.settings.host_name
        first = self.settings.accounts[0]
        login = [] if protocol == _WITHOUT_LOGIN else ["--user", f"{first.user}:{first.password}"]
        resolve = [] if name == "localhost" else ["--resolve", f"{name}:{port}:{_reachable(host)}"]
        url = f"{_SCHEMES.get(protocol, protocol)}://{name}:{port}{what}"
        trust = ["--ssl-reqd", "--cacert", str(self.presented.trusted)]
        return shlex.join(["curl", "-sS", *trust, *resolve, *login, *more, url])

    @property
    def _api_url(self) -> str:
        return f"http://{_shown(self.api)}/api" if self.api else ""

    @property
    def _made_for_this_run(self) -> str:
        return " (made for this run)" if self.presented.is_throw_away else ""


def _shown(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reachable(host: str) -> str:
    """Return where a server on this machine is reached that listens at ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
