"""The two servers: ours and Dovecot, each with the same mails in the same mailboxes."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from benchmarks.mailserver.scale import PASSWORD, Scale, mails
from benchmarks.mailserver.trust import new_cast, root_pem
from benchmarks.relay.bench import wait_until
from benchmarks.relay.contestants.field import OURS_NAME
from benchmarks.relay.contestants.peers import program
from benchmarks.relay.processes import LOOPBACK, StartError, free_port, running
from maco_wire.observation import Address

DOVECOT_NAME = "dovecot"
_DOVECOT_USER = "dovenull"
"""Debian's user for Dovecot's processes that strangers talk to; root alone can become it."""
_DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
default_process_limit = 4000
mail_max_userip_connections = 4000
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {{
    port = {imap}
  }}
  client_limit = 4000
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
stats_writer_socket_path =
ssl = yes
ssl_cert = <{folder}/mail.pem
ssl_key = <{folder}/mail.key
disable_plaintext_auth = no
auth_mechanisms = plain
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}/home/%u
}}
mail_location = maildir:~/Maildir
# Nobody but Dovecot writes here: it need not look at the files to know what there is.
maildir_very_dirty_syncs = yes
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs; ``smtp`` is ours alone, ``root`` is what its certificate is verified against, as PEM."""

    pid: int
    imap: Address
    imaps: Address
    root: str = field(repr=False)
    smtp: Address | None = None


Start: TypeAlias = Callable[[ExitStack, Path, Scale], Server]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One column of the table."""

    name: str
    title: str
    start: Start
    is_peer: bool = False


def start_ours(stack: ExitStack, folder: Path, scale: Scale) -> Server:
    """Fill a store and serve it. Raises StartError."""
    from benchmarks.mailserver.ours import COMMAND

    log = folder / "ours.log"
    users = json.dumps(scale.users())
    process = stack.enter_context(running([*COMMAND, str(folder / "mail.sqlite"), users], log, pipes=True))
    assert process.stdout is not None  # it has pipes
    said = process.stdout.readline()
    if not said:
        raise StartError(f"ours did not start: {log.read_text()}")
    ports = json.loads(said)
    imap, imaps, smtp = ((LOOPBACK, ports[name]) for name in ("imap", "imaps", "smtp"))
    return Server(process.pid, imap, imaps, ports["root"], smtp)


def start_dovecot(stack: ExitStack, folder: Path, scale: Scale) -> Server:
    """Fill Maildirs and serve them. Raises StartError."""
    binary = program("dovecot")
    if binary is None:
        raise StartError("Dovecot is not installed")
    account = pwd.getpwnam(_DOVECOT_USER) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    port, tls_port = free_port(), free_port()
    text = _DOVECOT.format(
        folder=folder,
        user=account.pw_name,
        group=grp.getgrgid(account.pw_gid).gr_name,
        imap=port,
        imaps=tls_port,
        password=PASSWORD,
    )
    (folder / "dovecot.conf").write_text(text)
    cast = new_cast()
    (folder / "mail.pem").write_bytes(cast.mail_server.chain_pem())
    key = folder / "mail.key"
    key.touch(0o600)
    key.write_bytes(cast.mail_server.key_pem())
    for user, (count, size) in scale.users().items():
        _fill_maildir(folder / "home" / user / "Maildir", count, size)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{account.pw_uid}:{account.pw_gid}", str(folder)], check=True)
    as_user = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    command = [*(as_user if os.geteuid() == 0 else []), binary, "-F", "-c", str(folder / "dovecot.conf")]
    process = stack.enter_context(running(command, folder / "start.log"))
    wait_until(lambda: _answers((LOOPBACK, port)), f"Dovecot does not answer: {folder}/dovecot.log")
    return Server(process.pid, (LOOPBACK, port), (LOOPBACK, tls_port), root_pem(cast))


def _answers(address: Address) -> bool:
    from benchmarks.mailserver.client import ImapClient

    with contextlib.suppress(OSError), ImapClient(address):
        return True
    return False


def _fill_maildir(path: Path, count: int, size: int) -> None:
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)
    for number, (raw, is_read) in enumerate(mails(count, size)):
        (path / "cur" / f"{1_700_000_000 + number}.M{number}.benchmark:2,{'S' if is_read else ''}").write_bytes(raw)


def is_installed() -> bool:
    """Tell whether Dovecot is here, of the version whose configuration this is."""
    binary = program("dovecot")
    if binary is None or (os.geteuid() == 0 and shutil.which("setpriv") is None):
        return False
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    return said.startswith("2.3.")


OURS = Contestant(OURS_NAME, "ours", start_ours)
DOVECOT = Contestant(DOVECOT_NAME, "Dovecot", start_dovecot, is_peer=True)
