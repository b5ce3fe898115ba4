"""What one session knows of its selected mailbox, and what it still has to be told.

Message sequence numbers move only when the client is told so: removed messages keep their numbers, and new ones have
none, until ``untagged`` has written the lines that say so (RFC 3501, sections 5.2 and 7.4.1). A mailbox is opened
without a look at its messages; what is asked for of some is read before (``reading.learn``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailserver_sim.imap.known import KnownMessages
from mailserver_sim.imap.wire import RECENT, SYSTEM_FLAGS, flag_list
from mailserver_sim.store.uids import UidRuns
from mailserver_sim.store.values import Appended, Change, Emptied, Expunged, Flags, FlagsChanged, MessageInfo, Overview

MOST_KEYWORDS = 1_000
"""How many keywords one session is told of; who invents more is told of them by the next SELECT."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The messages of a view at one moment; ``uids`` has them by message sequence number."""

    uids: UidRuns
    recent: UidRuns


class SelectedView:
    """The messages of one mailbox as one client sees them."""

    def __init__(self, overview: Overview, *, read_only: bool) -> None:
        self.mailbox = overview.mailbox
        self.read_only = read_only
        self.uids = overview.uids
        self.recent = overview.uids.since(overview.mailbox.first_recent)
        self.known = KnownMessages()
        self.saved: frozenset[int] = frozenset()
        """The UIDs that the last SEARCH with SAVE has found (RFC 5182): what ``$`` means."""
        self.keywords = overview.keywords
        """The keywords in use when the mailbox was read, and those that came since."""
        self._keywords_to_tell = False
        self._arrived: dict[int, MessageInfo] = {}
        self._gone: set[int] = set()
        self._flags_to_tell: dict[int, tuple[Flags, int]] = {}
        """Flags and MODSEQ by UID."""

    def number(self, uid: int) -> int:
        """Return the message sequence number of a UID in ``uids``."""
        return self.uids.number(uid)

    def message(self, uid: int) -> MessageInfo:
        """Return what is known of a message that has been read."""
        found = self.known.get(uid)
        assert found is not None  # whoever asks has left out those that were gone when they were to be read
        return found

    def snapshot(self) -> Snapshot:
        """Return the messages as they are now, for another thread to look at."""
        return Snapshot(self.uids, self.recent)

    def is_gone(self, uid: int) -> bool:
        """Tell whether a message has been removed though the client still counts it."""
        return uid in self._gone

    def flags(self, uid: int, flags: Flags) -> bytes:
        r"""Write the flags of a message, with ``\Recent`` where it applies."""
        return flag_list({*flags, RECENT} if uid in self.recent else flags)

    def flag_lines(self) -> tuple[bytes, bytes]:
        """Write which flags there are and which of them can be changed for good (RFC 3501, sections 7.2.6 and 7.1)."""
        flags = {*SYSTEM_FLAGS, *self.keywords}
        permanent = set() if self.read_only else {*flags, "\\*"}
        return b"FLAGS " + flag_list(flags), b"OK [PERMANENTFLAGS " + flag_list(permanent) + b"] Flags that are kept"

    def apply(self, change: Change, *, mine: bool) -> None:
        """Take note of a change; of flags that this session changed itself (``mine``) the client knows already."""
        match change:
            case Appended(messages=messages):
                self._arrived.update({each.uid: each for each in messages if each.uid not in self.uids})
                self._notice_keywords(each.flags for each in messages)
            case Expunged(uids=uids, last=last):
                # The client still counts them, and may ask for what it could have read before.
                self.known.take(each for each in last if each.uid in self.uids)
                for uid in uids:
                    self._remove(uid)
            case Emptied():
                self._gone.update(self.uids)
                self._arrived.clear()
            case FlagsChanged(flags=flags, modseq=modseq):
                for uid, new in flags:
                    self._change_flags(uid, new, modseq, mine=mine)
                self._notice_keywords(new for _, new in flags)

    def untagged(self, *, expunge_allowed: bool, with_modseq: bool = False) -> list[bytes]:
        """Return the lines that bring the client up to date, and count as it does from now on."""
        lines = self._expunge_lines() if expunge_allowed else []
        lines += self._exists_lines()
        lines += self.new_keyword_lines()
        for uid, (flags, modseq) in sorted(self._flags_to_tell.items()):
            if uid in self.uids:
                told = b" MODSEQ (%d)" % modseq if with_modseq else b""
                lines.append(b"%d FETCH (FLAGS %b UID %d%b)" % (self.number(uid), self.flags(uid, flags), uid, told))
        self._flags_to_tell.clear()
        return lines

    def new_keyword_lines(self) -> tuple[bytes, ...]:
        """Return the lines that tell of new keywords, once; they go before the first FETCH that has one."""
        is_news, self._keywords_to_tell = self._keywords_to_tell, False
        return self.flag_lines() if is_news else ()

    def _notice_keywords(self, flags_of_messages: Iterable[Flags]) -> None:
        for flags in set(flags_of_messages):
            new = {flag for flag in flags if not flag.startswith("\\")} - self.keywords
            if new and len(self.keywords) + len(new) <= MOST_KEYWORDS:
                self.keywords |= new
                self._keywords_to_tell = True

    def _remove(self, uid: int) -> None:
        if uid in self.uids:
            self._gone.add(uid)
        self._arrived.pop(uid, None)

    def _change_flags(self, uid: int, flags: Flags, modseq: int, *, mine: bool) -> None:
        if uid in self._arrived:
            arrived = self._arrived[uid]
            self._arrived[uid] = MessageInfo(uid, flags, arrived.internal_date, arrived.size, modseq)
        elif uid in self.uids:
            is_news = self.known.change(uid, flags, modseq)
            if (is_news and not mine) or uid in self._flags_to_tell:
                self._flags_to_tell[uid] = (flags, modseq)

    def _expunge_lines(self) -> list[bytes]:
        # From the end, so that no number changes before it is told.
        lines = [b"%d EXPUNGE" % self.number(uid) for uid in sorted(self._gone, reverse=True)]
        if lines:
            self.uids = self.uids.without(self._gone)
            self.recent = self.recent.without(self._gone)
            self.known.forget(self._gone)
            self._gone.clear()
        return lines

    def _exists_lines(self) -> list[bytes]:
        if not self._arrived:
            return []
        new = sorted(self._arrived)
        self.uids = self.uids.with_added(new)
        self.recent = self.recent.with_added(new)
        self.known.take(self._arrived.values())
        self._arrived.clear()
        return [b"%d EXISTS" % len(self.uids), b"%d RECENT" % len(self.recent)]
