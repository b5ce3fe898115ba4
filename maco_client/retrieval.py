"""From a logged-in IMAP session to mails in the inbox: LIST, SELECT, SEARCH, FETCH, commit, then post-processing.

Its rule: never lost, never stored twice. Mails are fetched in batches; a batch is touched on the server only behind its
commit. A mail that is committed but not yet post-processed (the process was killed between) is finished by the next
poll without being stored again. A mail that must not be skipped ends the search for more, not the poll's good manners:
what came before it is finished, CLOSE and LOGOUT follow, and then the poll fails.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maco_client import wording
from maco_client.archiving import DELETED, Archivable, Archiving, folder_exists, is_same_folder
from maco_client.batches import next_batch, note, room
from maco_client.errand import Errand
from maco_client.fetching import Fetching
from maco_client.imap import FetchData
from maco_client.inbox_tables.mails import InboxMail, Mailbox
from maco_client.session import UIDS_PER_COMMAND, ImapSession, SelectedFolder
from maco_client.settings import PostProcessing, Selection

SEEN = "\\Seen"
_SEARCH: Mapping[Selection | None, str] = {Selection.ALL: "ALL", Selection.UNREAD: "UNSEEN"}


@dataclass(frozen=True, slots=True)
class _Found:
    """A mail that is to be dealt with; ``known`` is its entry if it is in the inbox."""

    uid: int
    flags: frozenset[str]
    size: int
    known: InboxMail | None

    @property
    def is_read(self) -> bool:
        return SEEN.lower() in self.flags


class Retrieval:
    """Fetches the mails of one poll over one session."""

    def __init__(self, session: ImapSession, errand: Errand) -> None:
        self._session = session
        self._connection = errand.connection
        self._inbox = errand.inbox
        self._lock = errand.lock
        self._reporter = errand.reporter
        self._progress = errand.progress
        self._max_mail_bytes = errand.max_mail_bytes
        self._fault_point = errand.fault_point
        self._fetching = Fetching(session, errand.inbox, errand.connection, errand.max_mail_bytes)
        self._too_large: list[tuple[int, int]] = []
        self._dealt_with = 0

    async def run(self) -> None:
        """Fetch what Selection finds, then CLOSE; raises StepFailed or what the session raises."""
        folder, mailbox = await self._open_folder()
        self._progress.stage = "search"
        found = await self._session.uid_search(_SEARCH[self._connection.selection], folder.exists)
        unfinished = await self._inbox.unfinished(mailbox)
        self._fault_point("searched")
        uids = array("I", sorted({*found, *unfinished})) if unfinished else found
        await self._take_all(mailbox, uids, set(unfinished))
        self._progress.stage = "logout"
        await self._session.close_folder()
        self._fault_point("closed")

    def require_all_taken(self) -> None:
        """Raise what failed if mails stay on the server: for their size, as it does not give them, or behind one such.

        Raises StepFailed, CommandRefused.
        """
        if self._fetching.failure is not None:
            self._progress.stage = "fetch"
            raise self._fetching.failure
        if self._fetching.refused:
            self._progress.stage = "fetch"
            raise wording.mails_refused(self._fetching.refused)
        if self._too_large:
            self._progress.stage = "fetch"
            raise wording.mails_too_large(self._too_large, self._max_mail_bytes)

    async def _open_folder(self) -> tuple[SelectedFolder, Mailbox]:
        connection = self._connection
        self._progress.stage = "folder"
        if not await folder_exists(self._session, connection.folder):
            raise wording.folder_not_found(connection.folder)
        self._progress.stage = "select"
        folder = await self._session.select(connection.folder)
        if folder.read_only:
            raise wording.folder_read_only(connection.folder)
        if not folder.uid_validity:
            # RFC 3501, section 6.3.1: "If this is missing, the server does not support unique identifiers."
            raise wording.folder_unusable("The mail server sends no UIDVALIDITY", connection.folder)
        name = "INBOX" if is_same_folder(connection.folder, "INBOX") else connection.folder
        mailbox = Mailbox(connection.server.name, connection.credential.user, name, folder.uid_validity)
        return folder, mailbox

    async def _take_all(self, mailbox: Mailbox, uids: Sequence[int], unfinished: set[int]) -> None:
        archiving = Archiving(
            self._session,
            self._inbox,
            mailbox,
            folder=self._connection.folder,
            archive_folder=self._connection.archive_folder,
            max_mail_bytes=self._max_mail_bytes,
            fault_point=self._fault_point,
        )
        for first in range(0, len(uids), UIDS_PER_COMMAND):
            if not self._goes_on:
                return
            asked = uids[first : first + UIDS_PER_COMMAND]
            found = await self._look_at(mailbox, asked, unfinished.intersection(asked))
            waiting = deque(found)
            while waiting and self._goes_on:
                self._dealt_with += await self._take(mailbox, next_batch(waiting, self._room), archiving)

    async def _look_at(self, mailbox: Mailbox, uids: Sequence[int], unfinished: set[int]) -> list[_Found]:
        """Return those of ``uids`` about which there is something to do."""
        self._progress.stage = "fetch"
        mails = await self._session.fetch_summaries(uids)
        # As Camel: what is flagged as deleted is passed over.
        mails = {uid: mail for uid, mail in mails.items() if DELETED.lower() not in (mail.flags or ())}
        gone = sorted(unfinished.difference(mails))
        if gone:
            await self._inbox.mark_post_processed(mailbox, gone)
        known = await self._inbox.known(mailbox, list(mails))
        return [found for uid, mail in sorted(mails.items()) if (found := self._found(uid, mail, known.get(uid)))]

    def _found(self, uid: int, mail: FetchData, known: InboxMail | None) -> _Found | None:
        flags, size = mail.flags or frozenset(), mail.size or 0
        if known is not None and known.post_processed and not self._changes(flags):
            return None
        if known is None and size > self._max_mail_bytes:
            self._too_large.append((uid, size))
            return None
        return _Found(uid, flags, size, known)

    def _changes(self, flags: frozenset[str]) -> bool:
        """Tell whether post-processing would change a mail with these flags."""
        return self._connection.post_processing is not PostProcessing.MARK_READ or SEEN.lower() not in flags

    @property
    def _room(self) -> int:
        """How many mails this poll may still deal with in one batch."""
        return room(self._connection.max_messages_per_poll, self._dealt_with)

    @property
    def _goes_on(self) -> bool:
        return self._room > 0 and self._fetching.failure is None

    async def _take(self, mailbox: Mailbox, batch: list[_Found], archiving: Archiving) -> int:
        """Bring a batch home, deal with it on the server, and return how many mails that were."""
        self._progress.stage = "fetch"
        stored = {each.uid: each.known for each in batch if each.known is not None}
        for mail in stored.values():
            self._note(mail, already_known=True)
        stored |= await self._fetch(mailbox, [each for each in batch if each.known is None])
        self._progress.stage = "post_process"
        if not await self._inbox.holds(self._lock):
            raise wording.lock_lost(self._connection)
        await self._post_process([each for each in batch if each.uid in stored], stored, archiving)
        await self._inbox.mark_post_processed(mailbox, list(stored))
        self._fault_point("post_processed")
        self._progress.post_processed(mail.id for mail in stored.values())
        return len(stored)

    async def _fetch(self, mailbox: Mailbox, batch: list[_Found]) -> dict[int, InboxMail]:
        """Fetch mails and commit them together; those that are gone or not to be had are not returned."""
        if not batch:
            return {}
        async with self._fetching.arrivals({each.uid: each.size for each in batch}) as arrivals:
            self._fault_point("fetched")
            self._progress.stage = "store"
            stored = await self._inbox.store(mailbox, arrivals, connection=self._connection.name)
        self._fault_point("committed")
        for mail, is_new in stored:
            self._note(mail, already_known=not is_new)
        return {mail.uid: mail for mail, _ in stored}

    async def _post_process(self, batch: list[_Found], stored: dict[int, InboxMail], archiving: Archiving) -> None:
        """Do with stored mails what Post-Processing says, in Camel's order: mark, copy, delete."""
        how = self._connection.post_processing
        unread = [each.uid for each in batch if not each.is_read]
        if how.marks_read and unread:
            await self._session.store_flags(unread, [SEEN])
            self._fault_point("marked_read")
        if how.archives and batch:
            await archiving.archive([Archivable(each.uid, stored[each.uid].id, each.size) for each in batch])
        if how is PostProcessing.DELETE and batch:
            await self._session.store_flags([each.uid for each in batch], [DELETED])
            self._fault_point("deleted")

    def _note(self, mail: InboxMail, *, already_known: bool) -> None:
        note(mail, self._progress, self._reporter, connection=self._connection.name, already_known=already_known)
