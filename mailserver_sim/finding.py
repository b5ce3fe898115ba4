"""Find messages as a person names them, by their subject, sender and recipient; and wait for one to come.

Each text must occur in its header field, decoded; upper and lower case are the same, and an empty text is in every
field. Whose mailbox it is counts for more than what the header says: mail may come to others than it names.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mailserver_sim.headers import LONGEST_DECODED, Field, header_fields, readable
from mailserver_sim.store import messages
from mailserver_sim.store.errors import NoSuchMailbox
from mailserver_sim.store.mailboxes import find_mailbox
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import INBOX, Change, MailboxInfo, MessageInfo

_SENDER_FIELDS = ("from", "sender")
_RECIPIENT_FIELDS = ("to", "cc", "bcc")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a message must be like; only those whose UID is above ``after_uid`` count."""

    subject: str = ""
    sender: str = ""
    recipient: str = ""
    after_uid: int = 0

    def fits(self, header: bytes) -> bool:
        """Tell whether a message with this header is meant."""
        conditions = ((self.subject, ("subject",)), (self.sender, _SENDER_FIELDS), (self.recipient, _RECIPIENT_FIELDS))
        if not any(text for text, _ in conditions):
            return True
        fields = header_fields(header)
        return all(_occurs(text, fields, names) for text, names in conditions if text)


@dataclass(frozen=True, slots=True)
class Found:
    """One message: whose it is, where it lies, and its header."""

    user: str
    mailbox: str
    info: MessageInfo
    header: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look into a mailbox has shown; ``seen`` is the highest UID that was looked at."""

    mailbox: MailboxInfo
    found: tuple[Found, ...]
    seen: int


async def find(store: Store, user: str, mailbox: str, wanted: Wanted, limit: int) -> tuple[Found, ...]:
    """Return the first ``limit`` such messages of a mailbox by their UIDs. Raises NoSuchAccount, NoSuchMailbox."""
    look = await store.read(functools.partial(_look, user, mailbox, wanted, {}, limit))
    return look.found


async def wait_for(
    store: Store, users: Sequence[str], wanted: Wanted, *, mailbox: str = INBOX, timeout_s: float
) -> Found | None:
    """Return the first such message of these users, now or as soon as it is there; None if none comes in time.

    Users without such a mailbox are left out. Raises NoSuchMailbox if all are, NoSuchAccount.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            return await _waiting(store, users, wanted, mailbox)
    return None


async def _waiting(store: Store, users: Sequence[str], wanted: Wanted, mailbox: str) -> Found:
    seen: dict[int, int] = {}
    with contextlib.closing(_Watch(store)) as watch:
        while True:
            watch.news.clear()
            for look in await _look_everywhere(store, users, wanted, mailbox, seen):
                if look.found:
                    return look.found[0]
                seen[look.mailbox.id] = look.seen
                watch.add(look.mailbox.id)
            await watch.news.wait()


async def _look_everywhere(
    store: Store, users: Sequence[str], wanted: Wanted, mailbox: str, seen: Mapping[int, int]
) -> list[_Look]:
    """Look for one message in the mailbox of each user that has it. Raises NoSuchMailbox if nobody has."""
    looks: list[_Look] = []
    for user in users:
        with contextlib.suppress(NoSuchMailbox):
            looks.append(await store.read(functools.partial(_look, user, mailbox, wanted, seen, 1)))
    if not looks:
        raise NoSuchMailbox(mailbox)
    return looks


def _look(
    user: str, name: str, wanted: Wanted, seen: Mapping[int, int], limit: int, connection: sqlite3.Connection
) -> _Look:
    """Look at the messages that were not seen before, until ``limit`` of them are found."""
    mailbox = find_mailbox(connection, user, name)
    found: list[Found] = []
    last = seen.get(mailbox.id, wanted.after_uid)
    for info in messages.list_messages(connection, mailbox.id):
        if info.uid <= last or len(found) == limit:
            continue
        last = info.uid
        header = messages.read_header(connection, mailbox.id, info.uid)
        if wanted.fits(header):
            found.append(Found(user, mailbox.name, info, header))
    return _Look(mailbox, tuple(found), last)


class _Watch:
    """Sets ``news`` at every change of the mailboxes that were added."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mailboxes: set[int] = set()
        self.news = asyncio.Event()

    def add(self, mailbox_id: int) -> None:
        """Watch a mailbox; what came into a new one before it was watched needs another look."""
        if mailbox_id not in self._mailboxes:
            self._mailboxes.add(mailbox_id)
            self._store.watch(mailbox_id, self._wake)
            self.news.set()

    def close(self) -> None:
        """Watch nothing any longer."""
        for mailbox_id in self._mailboxes:
            self._store.unwatch(mailbox_id, self._wake)

    def _wake(self, _: Change) -> None:
        self.news.set()


def _occurs(text: str, fields: Sequence[Field], names: Sequence[str]) -> bool:
    wanted = text.casefold()
    return any(wanted in readable(each.value[:LONGEST_DECODED]).casefold() for each in fields if each.name in names)
