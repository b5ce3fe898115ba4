"""A private Dovecot 2.3 for one test: its own configuration, users, maildirs and free ports; nothing left behind.

It is Dovecot's rootless set-up: every process runs as one ordinary user (the calling one; ``dovenull``, of Debian's
package, when called by root). Linux only, for ``HOST``.

It listens on 127.0.0.2, not on 127.0.0.1, for a reason. Dovecot takes a connection whose two addresses are equal for
one that needs no protection, and then offers LOGIN without TLS, even with ``ssl = required``. The clients' address is
127.0.0.1, so here the two differ, as they do in a customer's network.
"""

from __future__ import annotations

import base64
import contextlib
import grp
import hashlib
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certs.authority import Issued
from maco_wire.observation import Address
from tests.programs import missing, require_program
from tests.real.dovecot_log import LOG_ELEMENTS, LoginLine, login_lines
from tests.real.process_group import all_ended, process_group

HOST = "127.0.0.2"
PACKAGE_USER = "dovenull"  # Debian's user for Dovecot's processes that strangers talk to: it owns nothing
START_S = 15.0
PROBE_S = 1.0
PROBE_PAUSE_S = 0.02
MAX_LINE = 8192
ATTEMPTS_FOR_PORTS = 3

MAILDIR_FLAGS = {"S": "\\Seen", "R": "\\Answered", "F": "\\Flagged", "T": "\\Deleted", "D": "\\Draft"}
"""The letters behind ``:2,`` in a maildir's file names and the flags of IMAP they stand for."""

_CONFIGURATION = """\
base_dir = {state}/run
state_dir = {state}/state
log_path = /dev/stderr
protocols = imap
listen = {host}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
# chroot(2) is root's alone.
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  # A failed login of one test must not slow down the next one's.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
auth_failure_delay = 0
# Else a process that has just started waits for the statistics' answer, 5 s when the end comes first.
stats_writer_socket_path =
login_greeting = {greeting}
login_log_format_elements = {log_elements}
ssl = required
ssl_cert = <{state}/chain.pem
ssl_key = <{state}/key.pem
auth_mechanisms = plain
auth_username_format = %u
passdb {{
  driver = passwd-file
  args = {state}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={state}/home/%u
}}
mail_location = maildir:~/Maildir
"""

_POP3 = """\
protocols = imap pop3
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
"""
POP3_PROGRAM = Path("/usr/lib/dovecot/pop3")


class DovecotFailed(Exception):
    """Dovecot did not start; the text is its log."""


class _PortTaken(Exception):
    """Somebody took a port between our choice and Dovecot's bind."""


@dataclass(frozen=True, slots=True)
class RunsAs:
    """The user and the group that own Dovecot's processes and files."""

    user: str
    group: str
    uid: int
    gid: int

    def identity(self) -> dict[str, Any]:
        """Return the arguments that let ``subprocess.Popen`` become that user; root alone needs to."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if os.geteuid() == 0 else {}

    def own(self, path: Path) -> None:
        """Give ``path`` to the user."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running Dovecot.

    ``log`` stays where it is after Dovecot has gone, and is complete only then: Dovecot's processes write it through
    a process of its own, later than they answer their clients.
    """

    imap: Address
    imaps: Address
    pop3: Address
    """Where nobody listens unless POP3 was asked for, as at ``pop3s``."""
    pop3s: Address
    log: Path
    group: int
    """The process group that Dovecot's processes are in."""
    _homes: Path
    _runs_as: RunsAs
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False)

    def deliver(self, user: str, message: bytes) -> str:
        """Put ``message`` unread into the user's INBOX as it is; return its unique name in the maildir."""
        maildir = self._maildir(user)
        name = f"{int(time.time())}.{next(self._numbers)}.lab"
        waiting = maildir / "tmp" / name
        waiting.write_bytes(message)
        waiting.chmod(0o600)
        self._runs_as.own(waiting)
        waiting.rename(maildir / "new" / name)  # whole or not at all, as the maildir format wants it
        return name

    def flags(self, user: str) -> dict[str, frozenset[str]]:
        """Return the flags of every mail in the user's INBOX by unique name, as Dovecot has them on disk."""
        maildir = self._maildir(user)
        unseen = {path.name: frozenset[str]() for path in (maildir / "new").iterdir()}
        parts = (path.name.partition(":2,") for path in (maildir / "cur").iterdir())
        return unseen | {
            name: frozenset(MAILDIR_FLAGS[letter] for letter in letters if letter in MAILDIR_FLAGS)
            for name, _, letters in parts
        }

    def mails(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """Return every mail of a user's folder, as Dovecot has it on disk."""
        maildir = self._maildir(user)
        place = maildir if folder == "INBOX" else maildir / f".{folder}"
        return [path.read_bytes() for part in ("new", "cur") for path in sorted((place / part).glob("*"))]

    def forget_numbers(self, user: str) -> None:
        """Throw away the UIDs of the user's INBOX: Dovecot numbers the mails anew, under another UIDVALIDITY."""
        numbers = self._maildir(user) / "dovecot-uidlist"
        # Its first line is "3 V<UIDVALIDITY> N<next UID> G<GUID>"; without its GUID it is a new list.
        _, uid_validity, *_ = numbers.read_text().split()
        for path in self._maildir(user).glob("dovecot*"):
            path.unlink()
        numbers.write_text(f"3 V{int(uid_validity[1:]) + 1} N1\n")
        self._runs_as.own(numbers)

    def kill(self) -> None:
        """End it as a crash does, with all its sessions (SIGKILL)."""
        os.killpg(self.group, signal.SIGKILL)
        assert all_ended(self.group, START_S)

    @contextlib.contextmanager
    def started_again(self) -> Iterator[None]:
        """Run it anew after it was killed, at the same ports and over the same mailboxes; its log is another one."""
        state, log = self._homes.parent, self.log.with_suffix(".again.log")
        (
            state / "run/master.pid"
        ).unlink()  # its process is a zombie until its parent looks, which Dovecot takes for alive
        with process_group(_command(state), folder=state, log=log, identity=self._runs_as.identity()) as process:
            _await_greeting(process, self.imap, b"ready ", log)
            yield

    def logins(self) -> list[LoginLine]:
        """Return every login that succeeded, in order; ask when Dovecot has gone, for ``log`` is complete only then."""
        return login_lines(self.log.read_text())

    def _maildir(self, user: str) -> Path:
        maildir = self._homes / user / "Maildir"
        if not maildir.is_dir():
            raise ValueError(f"Dovecot has no user {user!r}")
        return maildir


@contextlib.contextmanager
def dovecot(
    folder: Path, issued: Issued, users: Mapping[str, str], more: str = "", *, pop3: bool = False
) -> Iterator[Dovecot]:
    """Run a Dovecot that presents ``issued`` and knows ``users`` (name to password); its log stays in ``folder``.

    ``more`` is added to its configuration, where the last word counts. ``pop3`` needs Debian's dovecot-pop3d too.
    TLS is required: LOGIN is disabled on ``imap`` until STARTTLS. Skips the test, or fails it in CI, where there is no
    Dovecot 2.3. Raises DovecotFailed with its log when it does not start.
    """
    require_dovecot()
    if pop3 and not POP3_PROGRAM.exists():
        missing(f"{POP3_PROGRAM} is not installed: this test proves nothing on this machine")
    runs_as = _runs_as()
    log = folder / "dovecot.log"
    with _state_folder(runs_as) as state:
        _write_state(state, issued, users, runs_as)
        with contextlib.ExitStack() as running:
            server = _start_on_free_ports(running, state, log, runs_as, more, pop3=pop3)
            yield server


def require_dovecot() -> str:
    """Return the path of a Dovecot whose configuration language is that of 2.3; skip, or fail in CI, without one."""
    program = require_program("dovecot")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=START_S).stdout
    if not version.startswith("2.3."):
        missing(f"Dovecot {version.strip()} has another configuration language than 2.3: this test proves nothing")
    return program


def _runs_as() -> RunsAs:
    account = pwd.getpwnam(PACKAGE_USER) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return RunsAs(account.pw_name, grp.getgrgid(account.pw_gid).gr_name, account.pw_uid, account.pw_gid)


@contextlib.contextmanager
def _state_folder(runs_as: RunsAs) -> Iterator[Path]:
    # Not pytest's tmp_path: when root calls, Dovecot's user may not pass through it, and the path of a Unix socket
    # ends at 107 characters.
    state = Path(tempfile.mkdtemp(prefix="dovecot-"))
    try:
        runs_as.own(state)
        yield state
    finally:
        shutil.rmtree(state)


def _write_state(state: Path, issued: Issued, users: Mapping[str, str], runs_as: RunsAs) -> None:
    _write_private(state / "chain.pem", issued.chain_pem(), runs_as)
    _write_private(state / "key.pem", issued.key_pem(), runs_as)
    lines = (f"{user}:{_hashed(password)}\n" for user, password in users.items())
    _write_private(state / "users", "".join(lines).encode(), runs_as)
    for user in users:
        home = state / "home" / user
        for path in (home.parent, home, home / "Maildir", *(home / "Maildir" / part for part in ("tmp", "new", "cur"))):
            path.mkdir(mode=0o700, exist_ok=True)
            runs_as.own(path)


def _write_private(path: Path, content: bytes, runs_as: RunsAs) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
    runs_as.own(path)


def _hashed(password: str) -> str:
    # Hashed, so that a colon in a password does not end the field.
    return "{SHA256.b64}" + base64.b64encode(hashlib.sha256(password.encode()).digest()).decode()


def _start_on_free_ports(
    running: contextlib.ExitStack, state: Path, log: Path, runs_as: RunsAs, more: str, *, pop3: bool
) -> Dovecot:
    for _ in range(ATTEMPTS_FOR_PORTS):
        ports = dict(zip(("imap", "imaps", "pop3", "pop3s"), free_ports(4), strict=True))
        greeting = f"ready {secrets.token_hex(8)}"  # known from a stranger's who took the port
        places = {"state": state, "host": HOST, **ports}
        owner = {"user": runs_as.user, "group": runs_as.group}
        template = _CONFIGURATION + (_POP3 if pop3 else "")
        configuration = template.format(**places, **owner, greeting=greeting, log_elements=LOG_ELEMENTS)
        _write_private(state / "dovecot.conf", (configuration + more).encode(), runs_as)
        process = running.enter_context(
            process_group(_command(state), folder=state, log=log, identity=runs_as.identity()),
        )
        with contextlib.suppress(_PortTaken):
            listening = {name: (HOST, port) for name, port in ports.items()}
            for protocol in ("imap", "pop3")[: 1 + pop3]:
                _await_greeting(process, listening[protocol], greeting.encode(), log)
            imap, imaps, pop3_at, pop3s = listening.values()
            return Dovecot(imap, imaps, pop3_at, pop3s, log, process.pid, state / "home", runs_as)
    raise DovecotFailed(f"no free ports in {ATTEMPTS_FOR_PORTS} attempts:\n{log.read_text()}")


def _command(state: Path) -> list[str]:
    return [require_dovecot(), "-F", "-c", str(state / "dovecot.conf")]


def free_ports(count: int) -> list[int]:
    """Return ports of ``HOST`` that are free now, each another one."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def _await_greeting(process: subprocess.Popen[bytes], address: Address, greeting: bytes, log: Path) -> None:
    """Wait until Dovecot greets. The master opens all its ports before it starts the process that greets at one."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if _greets(address, greeting):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PROBE_PAUSE_S)
            text = log.read_text()
            raise _PortTaken if "Address already in use" in text else DovecotFailed(text)
    raise DovecotFailed(f"no greeting within {START_S:.0f} s:\n{log.read_text()}")


def _greets(address: Address, greeting: bytes) -> bool:
    """Return whether ``address`` says ``greeting``; "* OK Waiting for authentication process" may come before it."""
    try:
        with socket.create_connection(address, PROBE_S) as connection, connection.makefile("rb") as lines:
            return any(greeting in line for line in iter(lambda: lines.readline(MAX_LINE), b""))
    except OSError:
        return False
