"""Views of mailboxes that need no store."""

from __future__ import annotations

from collections.abc import Sequence

from mailserver_sim.imap.view import SelectedView
from mailserver_sim.store.uids import UidRuns, runs_of
from mailserver_sim.store.values import Flags, MailboxInfo, MessageInfo, Overview


def view_of(
    messages: Sequence[MessageInfo], *, first_recent: int = 1, known: bool = True, keywords: Flags = frozenset()
) -> SelectedView:
    """Return a view that has read its messages; with ``known`` False it only counts them."""
    uids = UidRuns(runs_of(message.uid for message in messages))
    mailbox = MailboxInfo(1, "INBOX", 10, max(uids, default=0) + 1, first_recent=first_recent)
    view = SelectedView(Overview(mailbox, uids, None, keywords), read_only=False)
    if known:
        view.known.take(messages)
    return view
