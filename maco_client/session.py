"""One IMAP session: a method for each command that MaCo uses, with the answer as a value.

Everything that goes over the wire goes through ``ImapExchange``, with its deadlines, bounds and errors.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from maco_client.answer import Answer
from maco_client.bodies import Bodies, BodySink
from maco_client.exchange import ImapExchange
from maco_client.failures import ConnectionDropped
from maco_client.imap import (
    CapabilityData,
    ExistsData,
    FetchData,
    ListData,
    SearchData,
    StatusData,
    StatusResponse,
    mailbox,
    read_number,
    read_uid_set,
    uid_set,
)
from maco_wire.exceptions import RemoteProtocolError

SEARCH_WINDOW = 5_000  # messages per SEARCH, so that its answer (11 bytes a number) stays below 64 KiB
MAX_FOUND = 1_000_000  # by all windows of a search together: 4 MB of memory
UIDS_PER_COMMAND = 100  # some servers drop a connection over a line of 16 KB
LOGOUT_TIMEOUT_S = 2.0
PARTIAL_FETCH_BYTES = 16 * 1024  # JavaMail, mail.imap.fetchsize

_Sink = TypeVar("_Sink", bound=BodySink)


@dataclass(frozen=True, slots=True)
class SelectedFolder:
    """What SELECT told (RFC 3501, section 6.3.1); ``uid_validity`` None means that UIDs do not last."""

    uid_validity: int | None
    exists: int
    read_only: bool


@dataclass(frozen=True, slots=True)
class Copied:
    """What COPYUID told (RFC 4315, section 3): the new UID by the old one, in the folder's ``uid_validity``."""

    uid_validity: int
    uids: Mapping[int, int]


class ImapSession(ImapExchange):
    """A session on a connected stream."""

    async def capability(self) -> frozenset[str]:
        """Ask what the server can do (section 6.1.1); names in upper case."""
        answer = Answer("CAPABILITY", CapabilityData)
        await self.exchange("CAPABILITY", answer=answer)
        if not answer.data:
            raise RemoteProtocolError("IMAP", "* CAPABILITY", "OK without it")
        return answer.data[-1].capabilities

    async def login(self, user: str, password: str) -> None:
        """Log in by LOGIN (section 6.2.3)."""
        await self.exchange("LOGIN", user, password)

    async def list_folders(self, name: str) -> list[ListData]:
        """Return the mailboxes that match ``name`` (section 6.3.8)."""
        answer = Answer("LIST", ListData)
        await self.exchange("LIST", "", mailbox(name), answer=answer)
        return answer.data

    async def select(self, folder: str) -> SelectedFolder:
        """Open ``folder`` for reading and writing (section 6.3.1)."""
        return await self._open("SELECT", folder)

    async def examine(self, folder: str) -> SelectedFolder:
        """Open ``folder`` for reading only (section 6.3.2)."""
        return await self._open("EXAMINE", folder)

    async def uid_search(self, criterion: str, exists: int) -> array[int]:
        """Return the UIDs of the mails that ``criterion`` (such as UNSEEN) finds among ``exists`` messages, ascending.

        A large folder is asked in windows of message numbers, because a SEARCH answers in one line. The numbers are
        packed: as objects those of a large folder would take more memory than all else in a poll.
        """
        found = array("I")  # RFC 3501, section 9: "nz-number: Non-zero unsigned 32-bit integer"
        for first in range(1, max(exists, 1) + 1, SEARCH_WINDOW):
            window = [b"%d:%d" % (first, min(exists, first + SEARCH_WINDOW - 1))] if exists > SEARCH_WINDOW else []
            answer = Answer("UID SEARCH", SearchData)
            await self.exchange("UID SEARCH", *window, criterion.encode("ascii"), answer=answer)
            found.extend(sorted({uid for each in answer.data for uid in each.numbers if uid}))
            if len(found) > MAX_FOUND:
                raise RemoteProtocolError("IMAP", f"a search that finds at most {MAX_FOUND} mails", "more")
        if any(uid >= following for uid, following in pairwise(found)):  # section 2.3.1.1 says they ascend
            return array("I", sorted(set(found)))
        return found

    async def fetch_summaries(self, uids: Sequence[int]) -> dict[int, FetchData]:
        """Return flags and size of each mail of ``uids`` that is still there, in the order of the UIDs.

        At most ``UIDS_PER_COMMAND`` at a time.
        """
        answer = Answer("UID FETCH", FetchData)
        await self.exchange("UID FETCH", uid_set(uids), b"(UID FLAGS RFC822.SIZE)", answer=answer)
        answered = {each.uid: each for each in answer.data if each.flags is not None}
        return {uid: answered[uid] for uid in sorted(uids) if uid in answered}

    async def fetch_body(self, uid: int, sink: BodySink, *, max_bytes: int) -> bool:
        """Stream one mail into ``sink``; see ``fetch_bodies``. False if it is gone."""
        return bool(await self.fetch_bodies([uid], lambda: sink, max_bytes=max_bytes))

    async def fetch_bodies(
        self,
        uids: Sequence[int],
        new_sink: Callable[[], _Sink],
        *,
        max_bytes: int,
        whole: Callable[[int, _Sink], None] = lambda _uid, _sink: None,
    ) -> dict[int, _Sink]:
        """Stream mails into sinks of their own, without setting their flags as read; return those that are there.

        ``whole`` is told of each mail once all of it has come, while others are still on their way.

        Raises MailTooLarge, after which the session is of no use: the rest of the mail would have to be read.
        """
        # Section 6.4.5: "An alternate form of BODY[<section>] that does not implicitly set the \\Seen flag."
        bodies = Bodies(uids, new_sink, max_bytes, whole)
        await self.exchange("UID FETCH", uid_set(uids), b"(UID BODY.PEEK[])", bodies=bodies)
        return bodies.complete()

    async def fetch_in_blocks(self, uid: int, sink: BodySink, *, size: int, max_bytes: int) -> bool:
        """Stream one mail into ``sink`` in blocks of 16 KB, as JavaMail does; False if it is gone.

        ``size`` is what the server says the mail has; it ends with the first block that is shorter than asked for.
        """
        received = 0
        while True:
            block = _Counting(sink)
            item = b"(UID BODY.PEEK[]<%d.%d>)" % (received, PARTIAL_FETCH_BYTES)
            bodies = Bodies([uid], lambda: block, max_bytes - received)  # noqa: B023 - used up within this turn
            await self.exchange("UID FETCH", uid_set([uid]), item, bodies=bodies)
            if not bodies.complete():
                return 0 < size <= received  # behind the end some servers have nothing to say
            received += block.size
            if block.size < PARTIAL_FETCH_BYTES:
                return True

    async def store_flags(self, uids: Sequence[int], flags: Collection[str]) -> None:
        """Add ``flags`` to mails (section 6.4.6)."""
        await self.exchange("UID STORE", uid_set(uids), b"+FLAGS.SILENT", f"({' '.join(flags)})".encode("ascii"))

    async def copy(self, uids: Sequence[int], folder: str) -> Copied | None:
        """Copy mails to ``folder`` (section 6.4.7); None where the server has no UIDPLUS (RFC 4315)."""
        return _copied(await self.exchange("UID COPY", uid_set(uids), mailbox(folder)))

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """Move mails to ``folder`` (RFC 6851): each is here or there at any time, never in both and never in none."""
        await self.exchange("UID MOVE", uid_set(uids), mailbox(folder))

    async def status(self, folder: str) -> StatusData:
        """Ask where ``folder`` stands, without opening it (section 6.3.10)."""
        answer = Answer("STATUS", StatusData)
        await self.exchange("STATUS", mailbox(folder), b"(UIDVALIDITY UIDNEXT)", answer=answer)
        return answer.data[-1] if answer.data else StatusData(folder)

    async def noop(self) -> None:
        """Ask whether the server is still there (section 6.1.2)."""
        await self.exchange("NOOP")

    async def create(self, folder: str) -> None:
        """Create ``folder`` (section 6.3.3)."""
        await self.exchange("CREATE", mailbox(folder))

    async def close_folder(self) -> None:
        """Close the folder and expunge what is flagged as deleted (section 6.4.2)."""
        await self.exchange("CLOSE")

    async def logout(self) -> None:
        """Say goodbye (section 6.1.3); a server that just closes is forgiven."""
        try:
            async with asyncio.timeout(min(LOGOUT_TIMEOUT_S, self._timeout_s)):
                await self.exchange("LOGOUT")
        except (ConnectionDropped, TimeoutError):
            return

    async def _open(self, command: str, folder: str) -> SelectedFolder:
        answer = Answer(command, ExistsData)
        status = await self.exchange(command, mailbox(folder), answer=answer)
        return SelectedFolder(
            uid_validity=read_number(answer.uid_validity) if answer.uid_validity is not None else None,
            exists=max((each.count for each in answer.data), default=0),
            read_only=status.code is not None and status.code.name == "READ-ONLY",
        )


class _Counting:
    """Passes on to a sink and counts."""

    def __init__(self, sink: BodySink) -> None:
        self._sink = sink
        self.size = 0

    async def write(self, data: bytes) -> None:
        self.size += len(data)
        await self._sink.write(data)


def _copied(status: StatusResponse) -> Copied | None:
    if status.code is None or status.code.name != "COPYUID":
        return None
    # RFC 4315, section 4: resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set
    match status.code.argument.split(" "):
        case [uid_validity, source, target]:
            old, new = read_uid_set(source, UIDS_PER_COMMAND), read_uid_set(target, UIDS_PER_COMMAND)
            if len(old) == len(new):
                return Copied(read_number(uid_validity), dict(zip(old, new, strict=True)))
    raise RemoteProtocolError("IMAP", "COPYUID with as many new UIDs as old ones", repr(status.code.argument)[:80])
