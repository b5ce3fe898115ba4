"""What a poll came to, as frozen values, and how far it got while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal[
    "dial",
    "token",
    "socks",
    "greeting",
    "capability",
    "starttls",
    "tls",
    "login",
    "folder",
    "select",
    "search",
    "fetch",
    "store",
    "post_process",
    "logout",
    "done",
]
"""The steps of a poll in the order of the wire, as PollFinished names them."""


@dataclass(frozen=True, slots=True)
class PolledMail:
    """A mail that a poll dealt with; ``inbox_id`` leads to it in the inbox.

    ``already_known`` means that an earlier poll had stored it; ``post_processed`` that the server side is done.
    """

    inbox_id: int
    uid_validity: int
    uid: int
    size: int
    subject: str
    already_known: bool
    post_processed: bool


@dataclass(frozen=True, slots=True)
class PollResult:
    """The outcome of one poll; the fields are those of PollFinished, with the mails themselves."""

    connection: str
    succeeded: bool
    stage: Stage | str
    stored: int = 0
    error: str = ""
    hint: str = ""
    socks_reply: int | None = None
    mails: tuple[PolledMail, ...] = ()
    duration_ms: int = 0
    vouched_by: str = ""
    """The alias in MaCo's key store that ended the path of the mail server's certificate; empty without TLS."""


@dataclass(slots=True)
class Progress:
    """How far a running poll has got."""

    stage: Stage = "dial"
    mails: list[PolledMail] = field(default_factory=list)
    vouched_by: str = ""

    @property
    def stored(self) -> int:
        """Count the mails that this poll has added to the inbox."""
        return sum(not mail.already_known for mail in self.mails)
