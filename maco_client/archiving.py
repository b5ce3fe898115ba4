r"""Mails into the archive folder: by MOVE where the server has it, else by COPY, and never twice.

MOVE needs no memory: a mail is in the one folder or in the other. Between COPY and the flag \Deleted it is in both,
and when the answer to COPY is lost nobody knows whether it is. So before COPY is sent the inbox holds where the copy
would go and the lowest UID that it can get. The next poll looks there for a mail of the same size and the same bytes;
if there is one, nothing is copied again.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from maco_client import wording
from maco_client.fault_points import FaultPoint
from maco_client.inbox import Inbox
from maco_client.inbox_tables.archiving import ArchiveStep
from maco_client.inbox_tables.mails import Mailbox
from maco_client.session import ImapSession, SelectedFolder

DELETED = "\\Deleted"


@dataclass(frozen=True, slots=True)
class Archivable:
    """A mail in the polled folder: its UID, its number in the inbox, and its size as the server counts it."""

    uid: int
    inbox_id: int
    size: int


class Archiving:
    """Archives mails of one selected folder in ``archive_folder``."""

    def __init__(
        self,
        session: ImapSession,
        inbox: Inbox,
        mailbox: Mailbox,
        *,
        folder: str,
        archive_folder: str,
        max_mail_bytes: int,
        fault_point: FaultPoint,
    ) -> None:
        self._session = session
        self._inbox = inbox
        self._mailbox = mailbox
        self._folder = folder
        self._archive_folder = archive_folder
        self._max_mail_bytes = max_mail_bytes
        self._fault_point = fault_point
        self._moves: bool | None = None
        self._exists = False

    async def archive(self, mails: Sequence[Archivable]) -> None:
        """Let each of ``mails`` be in the archive folder once, and gone from the polled one behind CLOSE.

        Raises StepFailed or what the session raises.
        """
        steps = await self._inbox.archive_steps([mail.inbox_id for mail in mails])
        lost = [mail for mail in mails if mail.inbox_id in steps and not steps[mail.inbox_id].copied]
        if lost:
            await self._look_for_copies(lost, steps)
        there = [mail.uid for mail in mails if mail.inbox_id in steps and steps[mail.inbox_id].copied]
        missing = [mail for mail in mails if mail.uid not in there]
        if missing:
            await self._provide_folder()
            if await self._can_move():
                await self._session.move([mail.uid for mail in missing], self._archive_folder)
                self._fault_point("moved")
            else:
                there += await self._copy(missing)
        if there:
            await self._session.store_flags(there, [DELETED])
            self._fault_point("deleted")

    async def _can_move(self) -> bool:
        # Many servers tell only behind the login what they can do with mails.
        if self._moves is None:
            self._moves = "MOVE" in await self._session.capability()
        return self._moves

    async def _provide_folder(self) -> None:
        """Create the archive folder if it is missing, as Camel does."""
        if not self._exists and not await folder_exists(self._session, self._archive_folder):
            await self._session.create(self._archive_folder)
        self._exists = True

    async def _copy(self, mails: Sequence[Archivable]) -> list[int]:
        """Copy mails and return the UIDs of those that were there to be copied."""
        before = await self._session.status(self._archive_folder)
        lowest = max(before.uid_next, 1)
        steps = {
            mail.uid: ArchiveStep(mail.inbox_id, self._archive_folder, before.uid_validity, lowest) for mail in mails
        }
        await self._inbox.save_archive_steps(steps.values())
        self._fault_point("archive_begun")
        copied = await self._session.copy(list(steps), self._archive_folder)
        self._fault_point("copied")
        if copied is None:
            done = {uid: dataclasses.replace(step, copied=True) for uid, step in steps.items()}
        else:
            done = {
                uid: dataclasses.replace(
                    step, copied=True, uid_validity=copied.uid_validity, copied_uid=copied.uids[uid]
                )
                for uid, step in steps.items()
                if uid in copied.uids
            }
        await self._inbox.save_archive_steps(done.values())
        self._fault_point("copy_recorded")
        return list(done)

    async def _look_for_copies(self, lost: Sequence[Archivable], steps: dict[int, ArchiveStep]) -> None:
        """Find out which copies were made though the answer was lost; change ``steps`` to what is known then."""
        for mail in lost:
            step = await self._find_copy(mail, steps.pop(mail.inbox_id))
            if step is not None:
                await self._inbox.save_archive_steps([step])
                steps[mail.inbox_id] = step
        again = await self._session.select(self._folder)
        if again.uid_validity != self._mailbox.uid_validity:
            raise wording.folder_unusable("The folder was numbered anew during the poll", self._folder)

    async def _find_copy(self, mail: Archivable, step: ArchiveStep) -> ArchiveStep | None:
        if not await folder_exists(self._session, step.folder):
            return None
        archive = await self._session.examine(step.folder)
        digest = await self._inbox.digest(mail.inbox_id)
        for uid in await self._candidates(mail, step, archive):
            body = _Sha256()
            if await self._session.fetch_body(uid, body, max_bytes=self._max_mail_bytes) and body.digest() == digest:
                return dataclasses.replace(step, copied=True, uid_validity=archive.uid_validity or 0, copied_uid=uid)
        return None

    async def _candidates(self, mail: Archivable, step: ArchiveStep, archive: SelectedFolder) -> list[int]:
        """Return the mails of the archive folder that have this size, came late enough, and are no other's copy."""
        if not archive.exists:
            return []
        lowest = step.uid_next if archive.uid_validity == step.uid_validity else 1
        larger = f"LARGER {mail.size - 1} " if mail.size else ""
        found = await self._session.uid_search(f"UID {lowest}:* {larger}SMALLER {mail.size + 1}", archive.exists)
        # RFC 3501, section 6.4.8: "n:*" holds the last mail even if its UID is below n.
        late = [uid for uid in found if uid >= lowest]
        claimed = await self._inbox.claimed_copies(self._mailbox, step.folder, archive.uid_validity or 0, late)
        return [uid for uid in late if uid not in claimed]


class _Sha256:
    """A sink that keeps the digest alone."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    async def write(self, data: bytes) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.digest()


async def folder_exists(session: ImapSession, folder: str) -> bool:
    """Ask by LIST, as Camel does, whether there is such a folder that can be opened."""
    listed = await session.list_folders(folder)
    return any(is_same_folder(each.mailbox, folder) and "\\noselect" not in each.attributes for each in listed)


def is_same_folder(listed: str, wanted: str) -> bool:
    """Compare names of folders. RFC 3501, section 5.1: "INBOX is case-insensitive"; every other name is not."""
    return listed == wanted or listed.upper() == wanted.upper() == "INBOX"
