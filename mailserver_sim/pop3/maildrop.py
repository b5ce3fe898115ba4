"""One user's messages as a POP3 session sees them: numbered once, at login, and unchanged up to its end.

RFC 1939, section 8: "the maildrop is locked" by a session; other sessions of the same user are refused, and what
arrives meanwhile is for the next one. IMAP is not kept out: a message that it removes cannot be retrieved any more.
"""

from __future__ import annotations

from collections.abc import Iterator

from mailserver_sim.store.table import MessageTable
from mailserver_sim.store.values import MailboxInfo


class NoSuchMessage(Exception):
    """There is no message of this number, or it is marked as deleted."""


class MaildropLocks:
    """Which users have a session."""

    def __init__(self) -> None:
        self._holders: dict[str, object] = {}

    def take(self, user: str, holder: object) -> bool:
        """Lock a user's maildrop, and tell whether it was free."""
        return self._holders.setdefault(user, holder) is holder

    def release(self, user: str, holder: object) -> None:
        """Unlock a maildrop, if ``holder`` has the lock."""
        if self._holders.get(user) is holder:
            del self._holders[user]


class Maildrop:
    """The messages of INBOX at login, by their number in the session."""

    def __init__(self, mailbox: MailboxInfo, messages: MessageTable) -> None:
        self.mailbox = mailbox
        self._messages = messages
        self._uids = messages.uids()
        self._deleted: set[int] = set()

    def uid(self, number: int) -> int:
        """Return the UID of a message. Raises NoSuchMessage."""
        if not 1 <= number <= len(self._uids) or self._uids[number - 1] in self._deleted:
            raise NoSuchMessage
        return self._uids[number - 1]

    def size(self, number: int) -> int:
        """Return how many bytes a message has. Raises NoSuchMessage."""
        return self._messages[self.uid(number)].size

    def unique_id(self, number: int) -> str:
        """Return what identifies a message for all time (RFC 1939, section 7, UIDL). Raises NoSuchMessage."""
        return f"{self.mailbox.uid_validity}.{self.uid(number)}"

    def numbers(self) -> Iterator[int]:
        """Go through the messages that are not marked as deleted."""
        return (number for number, uid in enumerate(self._uids, 1) if uid not in self._deleted)

    def total(self) -> tuple[int, int]:
        """Return how many messages there are, and their bytes."""
        sizes = [self.size(number) for number in self.numbers()]
        return len(sizes), sum(sizes)

    def mark(self, number: int) -> None:
        """Mark a message as deleted. Raises NoSuchMessage."""
        self._deleted.add(self.uid(number))

    def unmark_all(self) -> None:
        """Forget every mark."""
        self._deleted.clear()

    @property
    def deleted(self) -> list[int]:
        """Return the UIDs of what is marked."""
        return sorted(self._deleted)
