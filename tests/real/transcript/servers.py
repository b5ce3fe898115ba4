"""The two servers that are compared, with an account for every script."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from certs.cast import Cast
from maco_wire.observation import Address
from mailserver_sim.settings import Account
from tests.mailserver_sim.running import LoopThread, RunningServer, make_cast
from tests.real.dovecot import dovecot
from tests.real.transcript.normal import normal
from tests.real.transcript.player import play
from tests.real.transcript.steps import PASSWORD, Script, Step, scripts

CONFIGURATION = """\
mail_location = sdbox:~/sdbox
mail_fsync = never
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    special_use = \\Drafts
  }
  mailbox Trash {
    special_use = \\Trash
  }
}
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """The answers of both servers to one step in their normal form."""

    step: Step
    ours: tuple[str, ...]
    dovecot: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Tell whether the two servers differ."""
        return self.ours != self.dovecot


def compare(folder: Path) -> list[Compared]:
    """Play every script at both servers."""
    cast = make_cast()
    played = scripts()
    users = {script.user: PASSWORD for script in played}
    with dovecot(folder, cast.mail_server, users, CONFIGURATION) as theirs, _our_server(cast, folder, users) as ours:
        addresses = (ours.address("imaps"), theirs.imaps)
        return [each for script in played for each in _compare(script, addresses, ours.client_context())]


@contextlib.contextmanager
def _our_server(cast: Cast, folder: Path, users: dict[str, str]) -> Iterator[RunningServer]:
    accounts = tuple(Account(user, password) for user, password in users.items())
    server = RunningServer(LoopThread(), cast, folder, accounts=accounts)
    try:
        yield server
    finally:
        server.stop()


def _compare(script: Script, addresses: tuple[Address, Address], context: ssl.SSLContext) -> list[Compared]:
    ours, theirs = (play(script, address, context) for address in addresses)
    return [Compared(mine.step, normal(mine), normal(other)) for mine, other in zip(ours, theirs, strict=True)]
