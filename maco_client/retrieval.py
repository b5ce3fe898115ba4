"""From a logged-in session to mails in the inbox: LIST, SELECT, SEARCH, FETCH, commit, and only then post-processing.

Its rule: never lost, never stored twice. A mail is touched on the server only behind its commit; one that is committed
but not yet post-processed (the process was killed between) is finished by the next poll without being stored again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from maco_client import wording
from maco_client.imap import FetchData
from maco_client.inbox import Inbox, InboxMail, Mailbox
from maco_client.reporter import Reporter
from maco_client.results import PolledMail, Progress
from maco_client.session import UIDS_PER_COMMAND, ImapSession, SelectedFolder
from maco_client.settings import EmailConnection, PostProcessing, Selection
from maco_client.subject import subject_of

DEFAULT_MAX_MAIL_BYTES = 150 * 1024 * 1024
_SEARCH = {Selection.ALL: "ALL", Selection.UNREAD: "UNSEEN"}
_SEEN, _DELETED = "\\Seen", "\\Deleted"

FaultPoint = Callable[[str], None]
"""Called with the name of a moment at which a test may kill the process: ``committed``."""


class Retrieval:
    """Fetches the mails of one e-mail connection over one session."""

    def __init__(
        self,
        session: ImapSession,
        connection: EmailConnection,
        *,
        inbox: Inbox,
        reporter: Reporter,
        progress: Progress,
        max_mail_bytes: int,
        fault_point: FaultPoint,
    ) -> None:
        self._session = session
        self._connection = connection
        self._inbox = inbox
        self._reporter = reporter
        self._progress = progress
        self._max_mail_bytes = max_mail_bytes
        self._fault_point = fault_point
        self._archive_exists = False
        self._too_large: list[tuple[int, int]] = []

    async def run(self) -> None:
        """Fetch what Selection finds; raises StepFailed or what the session raises."""
        folder, mailbox = await self._open_folder()
        self._progress.stage = "search"
        found = await self._session.uid_search(_SEARCH[self._connection.selection], folder.exists)
        unfinished = await self._inbox.unfinished(mailbox)
        await self._take_all(mailbox, sorted({*found, *unfinished}), set(unfinished))
        self._progress.stage = "logout"
        await self._session.close_folder()
        await self._session.logout()
        if self._too_large:
            self._progress.stage = "fetch"
            raise wording.mails_too_large(self._too_large, self._max_mail_bytes)

    async def _open_folder(self) -> tuple[SelectedFolder, Mailbox]:
        connection = self._connection
        self._progress.stage = "folder"
        if not await self._exists(connection.folder):
            raise wording.folder_not_found(connection.folder)
        self._progress.stage = "select"
        folder = await self._session.select(connection.folder)
        if folder.read_only:
            raise wording.folder_unusable("ReadOnlyFolderException: Cannot open in desired mode", connection.folder)
        if not folder.uid_validity:
            # RFC 3501, section 6.3.1: "If this is missing, the server does not support unique identifiers."
            raise wording.folder_unusable("The mail server sends no UIDVALIDITY", connection.folder)
        name = "INBOX" if _same_folder(connection.folder, "INBOX") else connection.folder
        mailbox = Mailbox(connection.server.name, connection.credential.user, name, folder.uid_validity)
        return folder, mailbox

    async def _exists(self, folder: str) -> bool:
        listed = await self._session.list_folders(folder)
        return any(_same_folder(each.mailbox, folder) and "\\noselect" not in each.attributes for each in listed)

    async def _take_all(self, mailbox: Mailbox, uids: list[int], unfinished: set[int]) -> None:
        known = await self._inbox.known(mailbox, uids)
        limit = self._connection.max_messages_per_poll
        for first in range(0, len(uids), UIDS_PER_COMMAND):
            self._progress.stage = "fetch"
            asked = uids[first : first + UIDS_PER_COMMAND]
            mails = await self._session.fetch_summaries(asked)
            # As Camel: what is flagged as deleted is passed over.
            mails = {uid: mail for uid, mail in mails.items() if _DELETED.lower() not in (mail.flags or ())}
            for uid in unfinished.intersection(asked).difference(mails):
                await self._inbox.mark_post_processed(mailbox, uid)
            for uid, mail in mails.items():
                if limit is not None and len(self._progress.mails) >= limit:
                    return
                await self._take(mailbox, uid, mail, known.get(uid))

    async def _take(self, mailbox: Mailbox, uid: int, mail: FetchData, known: InboxMail | None) -> None:
        """Bring one mail home and deal with it on the server, unless there is nothing to do about it."""
        flags = mail.flags or frozenset()
        if known is not None:
            if known.post_processed and not self._changes(flags):
                return
            self._note(known, already_known=True)
        elif mail.size is not None and mail.size > self._max_mail_bytes:
            self._too_large.append((uid, mail.size))
            return
        elif not await self._fetch(mailbox, uid):
            return
        self._progress.stage = "post_process"
        await self._post_process(uid, flags)
        await self._inbox.mark_post_processed(mailbox, uid)
        self._progress.mails[-1] = dataclasses.replace(self._progress.mails[-1], post_processed=True)

    async def _fetch(self, mailbox: Mailbox, uid: int) -> bool:
        """Stream a mail into the inbox and commit it; False if it is gone from the server."""
        self._progress.stage = "fetch"
        spool = self._inbox.new_spool()
        try:
            if not await self._session.fetch_body(uid, spool, max_bytes=self._max_mail_bytes):
                return False
            self._progress.stage = "store"
            stored, new = await self._inbox.store(
                mailbox, uid, spool, connection=self._connection.name, subject=subject_of(spool.head)
            )
        finally:
            spool.close()
        self._fault_point("committed")
        self._note(stored, already_known=not new)
        return True

    def _note(self, mail: InboxMail, *, already_known: bool) -> None:
        self._progress.mails.append(
            PolledMail(
                inbox_id=mail.id,
                uid_validity=mail.mailbox.uid_validity,
                uid=mail.uid,
                size=mail.size,
                subject=mail.subject,
                already_known=already_known,
                post_processed=False,
            )
        )
        self._reporter.mail_fetched(
            self._connection.name,
            mail.mailbox.folder,
            mail.mailbox.uid_validity,
            mail.uid,
            size=mail.size,
            subject=mail.subject,
            already_known=already_known,
        )

    def _changes(self, flags: frozenset[str]) -> bool:
        """Tell whether post-processing would change a mail with these flags."""
        return self._connection.post_processing is not PostProcessing.MARK_READ or _SEEN.lower() not in flags

    async def _post_process(self, uid: int, flags: frozenset[str]) -> None:
        """Do with a stored mail what Post-Processing says, in Camel's order: mark, copy, delete."""
        how = self._connection.post_processing
        if how.marks_read and _SEEN.lower() not in flags:
            await self._session.store_flags(uid, [_SEEN])
        if how.archives:
            await self._provide_archive()
            await self._session.copy(uid, self._connection.archive_folder)
        if how.archives or how is PostProcessing.DELETE:
            await self._session.store_flags(uid, [_DELETED])

    async def _provide_archive(self) -> None:
        """Create the archive folder if it is missing, as Camel does."""
        if not self._archive_exists and not await self._exists(self._connection.archive_folder):
            await self._session.create(self._connection.archive_folder)
        self._archive_exists = True


def _same_folder(listed: str, wanted: str) -> bool:
    # RFC 3501, section 5.1: "INBOX is case-insensitive"; every other name is not.
    return listed == wanted or listed.upper() == wanted.upper() == "INBOX"
