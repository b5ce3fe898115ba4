"""What the ways to fetch mails have in common: how much is fetched before it is committed, and how a mail is told."""

from __future__ import annotations

from collections import deque
from typing import Protocol, TypeVar

from maco_client.inbox_tables.mails import InboxMail
from maco_client.reporter import Reporter
from maco_client.results import PolledMail, Progress

DEFAULT_MAX_MAIL_BYTES = 150 * 1024 * 1024
MAILS_PER_BATCH = 100
BATCH_BYTES = 2 * 1024 * 1024
"""What the mails of a batch may have together; a larger one is a batch of its own."""


class Found(Protocol):
    """A mail that is to be dealt with; ``known`` is its entry if it is in the inbox."""

    @property
    def size(self) -> int:
        """Its bytes, as the server tells them."""

    @property
    def known(self) -> InboxMail | None:
        """Its entry."""


_F = TypeVar("_F", bound=Found)


def room(limit: int | None, dealt_with: int) -> int:
    """Return how many mails a poll may still deal with in one batch; ``limit`` None is none."""
    return MAILS_PER_BATCH if limit is None else min(limit - dealt_with, MAILS_PER_BATCH)


def next_batch(waiting: deque[_F], most: int) -> list[_F]:
    """Take mails for a batch, so that those that are still to be fetched have at most ``BATCH_BYTES``, or are one."""
    batch: list[_F] = []
    size = 0
    while waiting and len(batch) < most:
        size += waiting[0].size if waiting[0].known is None else 0
        if batch and size > BATCH_BYTES:
            break
        batch.append(waiting.popleft())
    return batch


def note(mail: InboxMail, progress: Progress, reporter: Reporter, *, connection: str, already_known: bool) -> None:
    """Tell that a mail is in the inbox."""
    progress.note(
        PolledMail(
            inbox_id=mail.id,
            uid_validity=mail.mailbox.uid_validity,
            uid=mail.uid,
            size=mail.size,
            subject=mail.subject,
            already_known=already_known,
            post_processed=False,
            duplicate_of=mail.duplicate_of,
            problems=mail.problems,
            unique_id=mail.unique_id,
        )
    )
    reporter.mail_fetched(
        connection,
        mail.mailbox.folder,
        mail.mailbox.uid_validity,
        mail.uid,
        size=mail.size,
        subject=mail.subject,
        already_known=already_known,
        duplicate_of=mail.duplicate_of,
        problems=mail.problems,
        unique_id=mail.unique_id,
    )
