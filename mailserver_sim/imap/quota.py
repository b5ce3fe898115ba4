"""GETQUOTA and GETQUOTAROOT (RFC 9208): one quota root for all mailboxes of an account that has limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, no, ok
from mailserver_sim.imap.command import AFTER_LOGIN, Command, Commands
from mailserver_sim.imap.mailboxes import read_mailbox
from mailserver_sim.imap.tokens import Arguments
from mailserver_sim.store.values import Quota

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

ROOT = b'""'
"""The name of the only root, as other servers with one root per user call it."""
STORAGE_UNIT = 1024
"""Section 5.1: STORAGE is counted "in units of 1024 octets"."""


async def get_quota(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Tell usage and limits of a quota root."""
    arguments.space()
    root = arguments.astring()
    arguments.end()
    quota = connection.store.quota_of(connection.user)
    if root or not quota.limits:
        return no("No such quota root", "NONEXISTENT")
    await _tell(connection, quota)
    return ok("GETQUOTA completed")


async def get_quota_root(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Tell the quota root of a mailbox, if there is one, and what it limits."""
    name = read_mailbox(arguments)
    arguments.end()
    mailbox = await connection.wait(connection.store.find_mailbox(connection.user, name))
    quota = connection.store.quota_of(connection.user)
    roots = b" " + ROOT if quota.limits else b""
    connection.untagged(b"QUOTAROOT " + connection.mailbox_name(mailbox.name) + roots)
    if quota.limits:
        await _tell(connection, quota)
    return ok("GETQUOTAROOT completed")


async def _tell(connection: ImapConnection, quota: Quota) -> None:
    used = await connection.wait(connection.store.usage(connection.user))
    resources = []
    if quota.size is not None:
        # What is used is rounded up and the limit down, so that a full account looks full.
        resources.append(b"STORAGE %d %d" % (-(-used.size // STORAGE_UNIT), quota.size // STORAGE_UNIT))
    if quota.messages is not None:
        resources.append(b"MESSAGE %d %d" % (used.messages, quota.messages))
    connection.untagged(b"QUOTA " + ROOT + b" (" + b" ".join(resources) + b")")


COMMANDS: Commands = {
    "GETQUOTA": Command(get_quota, AFTER_LOGIN),
    "GETQUOTAROOT": Command(get_quota_root, AFTER_LOGIN),
}
