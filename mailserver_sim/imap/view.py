"""What one session knows of its selected mailbox, and what it still has to be told.

Message sequence numbers move only when the client is told so: removed messages keep their numbers, and new ones have
none, until ``untagged`` has written the lines that say so (RFC 3501, sections 5.2 and 7.4.1).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from mailserver_sim.imap.wire import RECENT, flag_list
from mailserver_sim.store.table import MessageTable
from mailserver_sim.store.values import Appended, Change, Expunged, Flags, FlagsChanged, MailboxInfo, MessageInfo


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The messages of a view at one moment; ``uids`` has them by message sequence number."""

    uids: array[int]
    messages: MessageTable
    recent: frozenset[int]

    def number(self, uid: int) -> int:
        """Return the message sequence number of a UID in ``uids``."""
        return bisect_left(self.uids, uid) + 1


class SelectedView:
    """The messages of one mailbox as one client sees them."""

    def __init__(
        self, mailbox: MailboxInfo, messages: MessageTable | Iterable[MessageInfo], *, read_only: bool
    ) -> None:
        self.mailbox = mailbox
        self.read_only = read_only
        self._messages = messages if isinstance(messages, MessageTable) else MessageTable.of(messages)
        self.uids = self._messages.uids()
        self.saved: frozenset[int] = frozenset()
        """The UIDs that the last SEARCH with SAVE has found (RFC 5182): what ``$`` means."""
        self.recent = set(self.uids[bisect_left(self.uids, mailbox.first_recent) :])
        self._arrived: dict[int, MessageInfo] = {}
        self._gone: set[int] = set()
        self._flags_to_tell: set[int] = set()

    def number(self, uid: int) -> int:
        """Return the message sequence number of a UID in ``uids``."""
        return bisect_left(self.uids, uid) + 1

    def message(self, uid: int) -> MessageInfo:
        """Return what is known of a message in ``uids``."""
        return self._messages[uid]

    def snapshot(self) -> Snapshot:
        """Return the messages as they are now, for another thread to look at."""
        return Snapshot(self.uids[:], self._messages.snapshot(), frozenset(self.recent))

    def is_gone(self, uid: int) -> bool:
        """Tell whether a message has been removed though the client still counts it."""
        return uid in self._gone

    def flags(self, uid: int) -> bytes:
        r"""Write the flags of a message, with ``\Recent`` where it applies."""
        flags = self._messages[uid].flags
        return flag_list({*flags, RECENT} if uid in self.recent else flags)

    def changed_since(self, modseq: int) -> set[int]:
        """Return the UIDs of the messages with a higher MODSEQ."""
        return self._messages.changed_since(modseq)

    def keywords(self) -> set[str]:
        """Return the keywords in use."""
        return {flag for flags in self._messages.flag_sets() for flag in flags if not flag.startswith("\\")}

    def first_unseen(self) -> int | None:
        r"""Return the number of the first message without ``\Seen``."""
        first = self._messages.first_without("\\Seen")
        return None if first is None else self.number(first)

    def apply(self, change: Change, *, mine: bool) -> None:
        """Take note of a change; of flags that this session changed itself (``mine``) the client knows already."""
        match change:
            case Appended(messages=messages):
                self._arrived.update({each.uid: each for each in messages if each.uid not in self._messages})
            case Expunged(uids=uids):
                for uid in uids:
                    self._remove(uid)
            case FlagsChanged(flags=flags, modseq=modseq):
                for uid, new in flags:
                    self._change_flags(uid, new, modseq, mine=mine)

    def untagged(self, *, expunge_allowed: bool, with_modseq: bool = False) -> list[bytes]:
        """Return the lines that bring the client up to date, and count as it does from now on."""
        lines = self._expunge_lines() if expunge_allowed else []
        lines += self._exists_lines()
        for uid in sorted(self._flags_to_tell):
            if uid in self._messages:
                modseq = b" MODSEQ (%d)" % self._messages[uid].modseq if with_modseq else b""
                lines.append(b"%d FETCH (FLAGS %b UID %d%b)" % (self.number(uid), self.flags(uid), uid, modseq))
        self._flags_to_tell.clear()
        return lines

    def _remove(self, uid: int) -> None:
        if uid in self._messages:
            self._gone.add(uid)
        self._arrived.pop(uid, None)

    def _change_flags(self, uid: int, flags: Flags, modseq: int, *, mine: bool) -> None:
        held = self._messages if uid in self._messages else self._arrived
        old = held.get(uid)
        if old is None or old.modseq > modseq:  # a change from before the mailbox was read
            return
        held[uid] = MessageInfo(uid, flags, old.internal_date, old.size, modseq)
        if held is self._messages and old.flags != flags and not mine:
            self._flags_to_tell.add(uid)

    def _expunge_lines(self) -> list[bytes]:
        lines = []
        for uid in sorted(self._gone, reverse=True):  # from the end, so that no number changes before it is told
            lines.append(b"%d EXPUNGE" % self.number(uid))
            del self.uids[self.number(uid) - 1]
            del self._messages[uid]
            self.recent.discard(uid)
        self._gone.clear()
        return lines

    def _exists_lines(self) -> list[bytes]:
        if not self._arrived:
            return []
        for uid in sorted(self._arrived):
            self._messages[uid] = self._arrived[uid]
            self.uids.append(uid)
            self.recent.add(uid)
        self._arrived.clear()
        return [b"%d EXISTS" % len(self.uids), b"%d RECENT" % len(self.recent)]
