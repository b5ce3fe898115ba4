"""How much an account may hold (RFC 9208), and that no write goes beyond it; run inside somebody's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from mailserver_sim.store.errors import OverQuota
from mailserver_sim.store.mailboxes import account_id
from mailserver_sim.store.values import Quota, Usage

Quotas: TypeAlias = Mapping[str, Quota]
"""The limits by user; who is not in it has none."""
NO_QUOTAS: Quotas = MappingProxyType({})


def usage(connection: sqlite3.Connection, user: str) -> Usage:
    """Add up the messages of an account; one that is in two mailboxes counts twice. Raises NoSuchAccount."""
    size, count = connection.execute(
        "SELECT coalesce(sum(size), 0), count(*) FROM message"
        " WHERE mailbox_id IN (SELECT id FROM mailbox WHERE account_id = ?)",
        (account_id(connection, user),),
    ).fetchone()
    return Usage(int(size), int(count))


def require_room(connection: sqlite3.Connection, quotas: Quotas, user: str, mailbox: str, added: Usage) -> None:
    """Refuse what would go beyond the limits of ``user``. Raises OverQuota."""
    quota = quotas.get(user)
    if quota is None or quota.allows(usage(connection, user) + added):
        return
    raise OverQuota(mailbox, fits_when_empty=quota.allows(added))
