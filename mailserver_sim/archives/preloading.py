"""Mail that is there when the server starts: archives into accounts that have never had any."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from mailserver_sim.archives.transfer import import_archive
from mailserver_sim.settings import Preload
from mailserver_sim.store.store import Store

_log = logging.getLogger(__name__)


async def preload(store: Store, preloads: Iterable[Preload], *, max_bytes: int) -> None:
    """Import each archive unless its user has, or had, mail: a second start adds nothing. Raises ArchiveError."""
    untouched: dict[str, bool] = {}
    for each in preloads:
        if each.user not in untouched:
            mailboxes = await store.list_mailboxes(each.user)
            untouched[each.user] = all(mailbox.uid_next == 1 for mailbox in mailboxes)
        if untouched[each.user]:
            counts = await import_archive(store, each.user, each.path, max_bytes=max_bytes)
            _log.info("%s: %d mails for %s", each.path, sum(counts.values()), each.user)
