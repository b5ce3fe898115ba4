"""How much and how often, and the mails themselves: the same for every server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PASSWORD = "benchmark"
MAIL_BYTES = 10_000
SMALL_BYTES = 1_000
"""The size of a mail in the mailboxes whose growth is measured."""
UNSEEN = 10
"""How many mails of each mailbox are unread."""
APPENDED, DELIVERED, IDLE = "appended", "delivered", "idle"
"""Users with an empty mailbox."""
FULL_USER = "full"
"""The user with mails of 10 KB."""
_LINE = b"UNH+1+MSCONS:D:04B:UN:2.4c'BGM+7+MSI5422+9'DTM+137:202611031215?+00:303'\r\n"


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of a run."""

    rounds: int
    mails: int
    """How many of 10 KB are fetched at once."""
    appends: int
    deliveries: int
    sizes: tuple[int, ...]
    """The mailboxes of small mails."""
    idle: int
    repeats: int
    """How often a short command is given in one sample."""

    def users(self) -> dict[str, tuple[int, int]]:
        """Return how many mails of how many bytes each user has."""
        grown = {size_user(size): (size, SMALL_BYTES) for size in self.sizes}
        return {FULL_USER: (self.mails, MAIL_BYTES), APPENDED: (0, 0), DELIVERED: (0, 0), IDLE: (0, 0), **grown}


FULL = Scale(
    rounds=5, mails=10_000, appends=500, deliveries=800, sizes=(1_000, 10_000, 100_000), idle=1_000, repeats=20
)
QUICK = Scale(rounds=2, mails=2_000, appends=100, deliveries=200, sizes=(1_000, 10_000), idle=200, repeats=20)


def size_user(size: int) -> str:
    """Return the user who has so many small mails."""
    return f"size{size}"


def mail(number: int, size: int) -> bytes:
    """Return a mail of exactly ``size`` bytes."""
    header = f"From: a@nb.example\r\nTo: b@stadtwerke.example\r\nSubject: MSCONS {number}\r\n\r\n".encode()
    body = _LINE * (size // len(_LINE))
    return header + body[: size - len(header) - 2] + b"\r\n"


def mails(count: int, size: int) -> Iterator[tuple[bytes, bool]]:
    """Go through the mails of a mailbox; the second value tells whether it is read."""
    return ((mail(number, size), number >= UNSEEN) for number in range(count))
