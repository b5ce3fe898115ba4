"""Which messages a search has to look at: those that an index, or the numbers in the search itself, leave over.

Every message that matches is among them; whether one of them matches is for ``search.matches`` to say.
"""

from __future__ import annotations

import sqlite3

from mailserver_sim.imap import search_keys as keys
from mailserver_sim.imap.sequence import Ranges
from mailserver_sim.imap.view import Snapshot
from mailserver_sim.store.messages import deleted_uids, unseen_uids

_UNSEEN = keys.Negated(keys.HasFlag("\\Seen"))
_DELETED = keys.HasFlag("\\Deleted")


def possible(
    connection: sqlite3.Connection, mailbox_id: int, key: keys.SearchKey, snapshot: Snapshot
) -> list[int] | None:
    """Return the UIDs that are left over by a resolved key, in ascending order; None when it may be any."""
    match key:
        case keys.Both(keys=parts):
            found = (possible(connection, mailbox_id, part, snapshot) for part in parts)
            return min((each for each in found if each is not None), key=len, default=None)
        case keys.HasUid(uids=Ranges() as ranges):
            return ranges.among(snapshot.uids)
        case keys.HasUid(uids=frozenset() as uids):
            return sorted(uid for uid in uids if uid in snapshot.uids)
        case keys.IsRecent():
            return list(snapshot.recent)
        case keys.Negated() if key == _UNSEEN:
            return _still_shown(unseen_uids(connection, mailbox_id), snapshot)
        case keys.HasFlag() if key == _DELETED:
            return _still_shown(deleted_uids(connection, mailbox_id), snapshot)
        case _:
            return None


def _still_shown(uids: list[int], snapshot: Snapshot) -> list[int]:
    """Leave out what the session has not been told of yet."""
    return [uid for uid in uids if uid in snapshot.uids]
