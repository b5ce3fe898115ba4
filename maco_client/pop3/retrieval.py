"""From a logged-in POP3 session to mails in the inbox: UIDL, LIST, RETR, commit, and only then DELE and QUIT.

Its rule is that of IMAP's ``retrieval``: never lost, never stored twice. QUIT alone removes what DELE has marked, so a
poll that ends in any other way removes nothing; the next one finds the mails in the inbox and marks them again.
Messages with one unique-id are copies of one mail, as RFC 1939, section 7, allows a hash for it; but none is deleted
that has not the bytes of the one in the inbox. Another mail stays for the next poll, to which its unique-id is new.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from maco_client import wording
from maco_client.arrival import Arrival
from maco_client.batches import next_batch, note, room
from maco_client.errand import Errand
from maco_client.failures import MacoError
from maco_client.inbox_tables.mails import MAILDROP, InboxMail, Mailbox
from maco_client.pop3 import wording as pop3_wording
from maco_client.pop3.session import Pop3Session, ReplyRefused
from maco_client.pop3.values import Reply, broken
from maco_client.settings import PostProcessing
from maco_client.spool import Spool


@dataclass(frozen=True, slots=True)
class _Found:
    """A mail that is to be dealt with: the messages of its unique-id, and its entry if it is in the inbox."""

    unique_id: str
    messages: Mapping[int, int]
    """Their numbers, and how many bytes the server says that each has."""
    known: InboxMail | None

    @property
    def size(self) -> int:
        return max(self.messages.values())


class Pop3Retrieval:
    """Fetches the mails of one poll over one session."""

    def __init__(self, session: Pop3Session, errand: Errand) -> None:
        connection = errand.connection
        self._session = session
        self._connection = connection
        self._inbox = errand.inbox
        self._lock = errand.lock
        self._reporter = errand.reporter
        self._progress = errand.progress
        self._max_mail_bytes = errand.max_mail_bytes
        self._fault_point = errand.fault_point
        self._mailbox = Mailbox(connection.server.name, connection.credential.user, connection.folder, MAILDROP)
        self._deletes = connection.post_processing is PostProcessing.DELETE
        self._numbers: dict[str, int] = {}
        """The UIDs in the inbox of the unique-ids that have one."""
        self._too_large: list[tuple[str, int]] = []
        self._refused: list[tuple[str, Reply]] = []
        self._ambiguous: list[str] = []
        """Unique-ids of messages that cannot be copies, and all stay, so that only the first is ever fetched."""
        self._failure: MacoError | None = None
        """Why nothing more may be fetched, where a failed mail is not to be skipped."""
        self._marked: list[InboxMail] = []
        """Stored mails that go from the server with QUIT."""
        self._dealt_with = 0

    async def run(self) -> None:
        """Fetch what is new, then QUIT; raises StepFailed or what the session raises."""
        self._progress.stage = "search"
        waiting = deque(await self._search())
        self._fault_point("searched")
        while waiting and self._room and self._failure is None:
            await self._take(next_batch(waiting, self._room))
        await self._quit()

    def require_all_taken(self) -> None:
        """Raise what failed if mails stay on the server: for their size, as it does not give them, or behind one such.

        Raises StepFailed, ReplyRefused.
        """
        if self._failure is not None:
            self._progress.stage = "fetch"
            raise self._failure
        if not (self._refused or self._too_large or self._ambiguous):
            return
        self._progress.stage = "fetch"
        if self._refused:
            raise pop3_wording.mails_refused(self._refused)
        if self._ambiguous:
            raise pop3_wording.mails_ambiguous(self._ambiguous)
        raise pop3_wording.mails_too_large(self._too_large, self._max_mail_bytes)

    @property
    def _room(self) -> int:
        """How many mails this poll may still deal with in one batch."""
        return room(self._connection.max_messages_per_poll, self._dealt_with)

    async def _search(self) -> list[_Found]:
        """Return the mails about which there is something to do, in the order of the maildrop."""
        messages = await self._listed()
        self._numbers = numbers = await self._inbox.listed(self._mailbox, messages)
        known = await self._inbox.known(self._mailbox, list(numbers.values()))
        gone = set(await self._inbox.unfinished(self._mailbox)).difference(numbers.values())
        await self._inbox.mark_post_processed(self._mailbox, sorted(gone))
        found = (
            _Found(unique_id, sizes, known.get(numbers.get(unique_id, 0))) for unique_id, sizes in messages.items()
        )
        return [each for each in found if self._is_to_be_dealt_with(each)]

    async def _listed(self) -> dict[str, dict[int, int]]:
        """Return the messages of each unique-id with their sizes."""
        try:
            unique_ids = await self._session.unique_ids()
        except ReplyRefused as error:
            raise pop3_wording.no_unique_ids(error) from error
        sizes = await self._session.sizes()
        if unique_ids.keys() != sizes.keys():
            raise broken("the same messages in the answers to UIDL and LIST", f"{len(unique_ids)} and {len(sizes)}")
        messages: dict[str, dict[int, int]] = {}
        for message, unique_id in unique_ids.items():
            messages.setdefault(unique_id, {})[message] = sizes[message]
        return messages

    def _is_to_be_dealt_with(self, mail: _Found) -> bool:
        if not self._deletes and len(set(mail.messages.values())) > 1:
            self._ambiguous.append(mail.unique_id)
        if mail.known is not None:
            return self._deletes or not mail.known.post_processed
        if mail.size > self._max_mail_bytes:
            self._too_large.append((mail.unique_id, mail.size))
            return False
        return True

    async def _take(self, batch: Sequence[_Found]) -> None:
        """Bring a batch home, and mark it as deleted if it is to be."""
        self._progress.stage = "fetch"
        stored = {each.unique_id: each.known for each in batch if each.known is not None}
        for mail in stored.values():
            self._note(mail, already_known=True)
        stored |= await self._fetch([each for each in batch if each.known is None])
        self._dealt_with += len(stored)
        if self._deletes:
            await self._delete(batch, stored)
        else:
            await self._inbox.mark_post_processed(self._mailbox, [mail.uid for mail in stored.values()])
            self._fault_point("post_processed")
            self._progress.post_processed(mail.id for mail in stored.values())

    async def _fetch(self, batch: Sequence[_Found]) -> dict[str, InboxMail]:
        """Fetch mails and commit them together; those that the server does not give are not returned."""
        if not batch:
            return {}
        # One that an earlier poll did not come to fetch has a number already.
        new = [each.unique_id for each in batch if each.unique_id not in self._numbers]
        self._numbers |= await self._inbox.number(self._mailbox, new)
        async with self._arrivals({self._numbers[each.unique_id]: each for each in batch}) as arrivals:
            self._fault_point("fetched")
            self._progress.stage = "store"
            stored = await self._inbox.store(self._mailbox, arrivals, connection=self._connection.name)
        self._fault_point("committed")
        for mail, is_new in stored:
            self._note(mail, already_known=not is_new)
        return {mail.unique_id: mail for mail, _ in stored}

    @asynccontextmanager
    async def _arrivals(self, batch: Mapping[int, _Found]) -> AsyncIterator[list[Arrival]]:
        """Fetch mails, which have these UIDs in the inbox; yields those that are to be had."""
        spools: dict[int, Spool] = {}
        complete: dict[int, Spool] = {}
        try:
            for uid, mail in batch.items():
                spools[uid] = self._inbox.new_spool()
                if await self._retrieve(mail, next(iter(mail.messages)), spools[uid]):
                    complete[uid] = spools[uid]
                if self._failure is not None:
                    break
            arrivals = await self._inbox.examine(complete)
            yield arrivals if self._connection.skip_failed_message else self._readable(arrivals)
        finally:
            for spool in spools.values():
                spool.close()

    async def _retrieve(self, mail: _Found, message: int, spool: Spool) -> bool:
        try:
            await self._session.retrieve(message, spool, max_bytes=self._max_mail_bytes)
        except ReplyRefused as error:
            if self._connection.skip_failed_message:
                self._refused.append((mail.unique_id, error.reply))
            else:
                self._failure = error
            return False
        return True

    def _readable(self, arrivals: list[Arrival]) -> list[Arrival]:
        for at, each in enumerate(arrivals):
            if each.unreadable:
                self._failure = pop3_wording.mail_unreadable(self._unique_id(each.uid), each.unreadable)
                return arrivals[:at]
        return arrivals

    def _unique_id(self, uid: int) -> str:
        return next(text for text, number in self._numbers.items() if number == uid)

    async def _delete(self, batch: Sequence[_Found], stored: Mapping[str, InboxMail]) -> None:
        self._progress.stage = "post_process"
        deleted = [
            message
            for each in batch
            if each.unique_id in stored
            for message in await self._copies(each, stored[each.unique_id])
        ]
        await self._require_lock()
        for message in deleted:
            await self._session.delete(message)
        self._marked += stored.values()
        self._fault_point("deleted")

    async def _copies(self, mail: _Found, stored: InboxMail) -> list[int]:
        """Return the messages that are the mail in the inbox."""
        first, *others = mail.messages
        if not others:
            return [first]
        digest = await self._inbox.digest(stored.id)
        # The first is what has just been fetched, if the mail is new.
        asked, found = (others, [first]) if mail.known is None else ([first, *others], [])
        for message in asked:
            if mail.messages[message] <= self._max_mail_bytes and await self._has_digest(mail, message, digest):
                found.append(message)
        return found

    async def _has_digest(self, mail: _Found, message: int, digest: bytes) -> bool:
        with contextlib.closing(self._inbox.new_spool()) as spool:
            if not await self._retrieve(mail, message, spool):
                return False
            (arrival,) = await self._inbox.examine({0: spool})
        return arrival.digest.raw == digest

    async def _quit(self) -> None:
        """End the session, and with it what is marked."""
        self._progress.stage = "post_process" if self._marked else "logout"
        if not self._marked:
            await self._session.logout()
            self._fault_point("closed")
            return
        await self._require_lock()
        await self._session.quit()
        self._fault_point("closed")
        await self._inbox.mark_removed(self._mailbox, [mail.uid for mail in self._marked])
        self._fault_point("post_processed")
        self._progress.post_processed(mail.id for mail in self._marked)

    async def _require_lock(self) -> None:
        if not await self._inbox.holds(self._lock):
            raise wording.lock_lost(self._connection)

    def _note(self, mail: InboxMail, *, already_known: bool) -> None:
        note(mail, self._progress, self._reporter, connection=self._connection.name, already_known=already_known)
