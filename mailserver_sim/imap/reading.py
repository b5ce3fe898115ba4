"""Read what a command needs to know of messages: a few by themselves, many by one look at the whole mailbox."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mailserver_sim.imap.view import SelectedView

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

MOST_BY_THEMSELVES = 1_000
"""Messages that are read one by one; a mailbox of 100,000 is read whole in the time of some 25,000 of them."""


async def learn(connection: ImapConnection, view: SelectedView, uids: Iterable[int]) -> list[int]:
    """Let the view know these messages, and return which of them there are: some may be gone and not yet told of."""
    chosen = list(uids)
    missing = view.known.missing(chosen)
    store, mailbox_id = connection.store, view.mailbox.id
    if len(missing) > MOST_BY_THEMSELVES:
        view.known.take_all(await connection.wait(store.message_table(mailbox_id)))
    elif missing:
        read = await connection.wait(store.read_infos(mailbox_id, missing))
        view.known.take(read)
    return [uid for uid in chosen if view.known.get(uid) is not None]
