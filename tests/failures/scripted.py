"""A mail server that does exactly what a script says, in the place of the lab's own.

``maco_lab.lead(internal, server.address)`` puts it there.
"""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from typing import Any

from certs.trust import server_context
from maco_lab.canaries import all_canaries
from maco_lab.testing.journal import DEADLINE_S
from maco_lab.testing.lab import Lab
from maco_lab.testing.settings import Change
from maco_net.tcp import TcpStream
from tests.maco_client.scripted_server import Script, ScriptedServer, Tls


@dataclass
class ScriptedMailServer(ScriptedServer):
    """Plays ``scripts[n]`` to the n-th connection; set once the lab runs, whose certificates it presents."""

    scripts: list[Script] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    """Set when a script has come to its end."""

    async def play(self, stream: TcpStream) -> None:
        """See ScriptedServer."""
        try:
            await super().play(stream)
        finally:
            self.over.set()

    def wait_for_its_end(self) -> None:
        """Return once the script is over: what this server found wrong is known only then."""
        assert self.over.wait(DEADLINE_S), "the script of the mail server did not end"

    def told(self) -> str:
        """Say what this server met, in words for the matrix."""
        heard = [f"hears {', '.join(self.commands)}"] if self.commands else []
        steps = [step for script in self.scripts for step in script]
        tls = ["TLS"] if any(isinstance(step, Tls) for step in steps) else []
        if self.handshake_errors:
            tls = [f"TLS fails: {'; '.join(self.handshake_errors)}"]
        in_order = tls + heard if isinstance(steps[0], Tls) else heard + tls
        return "; ".join(in_order) or "a connection, no IMAP command"

    def heard_a_password_of(self, lab: Lab) -> bool:
        """Tell whether a planted mailbox password was in a command."""
        secrets = [each.value.encode() for each in all_canaries(list(lab.running.canaries)) if "password" in each.name]
        assert secrets
        return any(secret in line for line in self.heard for secret in secrets)


def presenting(lab: Lab, name: str) -> ssl.SSLContext:
    """Return a server's context with a certificate of the lab's own PKI."""
    return server_context(lab.authority.by_name(name))


def both(*changes: Change) -> Change:
    """Return a change that does all of ``changes`` in order."""

    def change(data: dict[str, Any]) -> None:
        for each in changes:
            each(data)

    return change
