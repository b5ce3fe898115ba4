"""A batch of mails from the server into spools, looked at and ready to be committed.

One rule: a mail that cannot be read, or that the server does not give, costs no other one. Without
``skip_failed_message`` it is the last that a poll comes to: those before it are given, those behind it are not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from maco_client import wording
from maco_client.arrival import Arrival
from maco_client.failures import CommandRefused, MacoError
from maco_client.inbox import Inbox
from maco_client.session import ImapSession
from maco_client.settings import EmailConnection
from maco_client.spool import Spool


class Fetching:
    """Fetches for one e-mail connection, all at once or (Partial Fetch) in blocks."""

    def __init__(self, session: ImapSession, inbox: Inbox, connection: EmailConnection, max_mail_bytes: int) -> None:
        self._session = session
        self._inbox = inbox
        self._connection = connection
        self._max_mail_bytes = max_mail_bytes
        self.refused: list[tuple[int, CommandRefused]] = []
        """Mails that the server did not give, by UID with its answer."""
        self.failure: MacoError | None = None
        """Why nothing more may be fetched, where a failed mail is not to be skipped."""

    @asynccontextmanager
    async def arrivals(self, sizes: Mapping[int, int]) -> AsyncIterator[list[Arrival]]:
        """Fetch the mails of these UIDs, for which the server tells these sizes, in this order.

        Yields those that are still there, up to the first that is not to be skipped: ``failure`` says why.
        """
        opened: list[Spool] = []

        def new_spool() -> Spool:
            opened.append(self._inbox.new_spool())
            return opened[-1]

        try:
            examined = await self._examined(sizes, new_spool)
            arrivals = [await examined[uid] for uid in sizes if uid in examined]
            yield arrivals if self._connection.skip_failed_message else self._readable(arrivals)
        finally:
            for spool in opened:
                spool.close()

    async def _examined(
        self, sizes: Mapping[int, int], new_spool: Callable[[], Spool]
    ) -> dict[int, asyncio.Future[Arrival]]:
        """Fetch mails, and let each be examined as soon as it is there: it costs as much as fetching the next."""
        begun: dict[int, asyncio.Future[Arrival]] = {}

        def whole(uid: int, spool: Spool) -> None:
            begun[uid] = self._inbox.begin_examining(uid, spool)

        if not self._connection.partial_fetch and len(sizes) > 1:
            with contextlib.suppress(CommandRefused):
                await self._session.fetch_bodies(list(sizes), new_spool, max_bytes=self._max_mail_bytes, whole=whole)
                return begun
        # One by one: as Partial Fetch says, or to find the mail for which the server has refused them all.
        begun.clear()
        for uid, size in sizes.items():
            if (spool := await self._alone(uid, size, new_spool())) is not None:
                whole(uid, spool)
            if self.failure is not None:
                break
        return begun

    async def _alone(self, uid: int, size: int, spool: Spool) -> Spool | None:
        try:
            if self._connection.partial_fetch:
                return await self._in_blocks(uid, size, spool)
            return spool if await self._session.fetch_body(uid, spool, max_bytes=self._max_mail_bytes) else None
        except CommandRefused as error:
            if self._connection.skip_failed_message:
                self.refused.append((uid, error))
            else:
                self.failure = error
            return None

    async def _in_blocks(self, uid: int, size: int, spool: Spool) -> Spool | None:
        whole = await self._session.fetch_in_blocks(uid, spool, size=size, max_bytes=self._max_mail_bytes)
        return spool if whole else None

    def _readable(self, arrivals: list[Arrival]) -> list[Arrival]:
        for at, each in enumerate(arrivals):
            if each.unreadable:
                self.failure = wording.mail_unreadable(each.uid, each.unreadable)
                return arrivals[:at]
        return arrivals
