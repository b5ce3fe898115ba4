"""What a poll came to, as frozen values, and how far it got while it runs."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Stage: TypeAlias = Literal[
    "lock",
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


MOST_MAILS = 1_000
"""How many mails a result names; a poll may bring any number."""


@dataclass(frozen=True, slots=True)
class PolledMail:
    """A mail that a poll dealt with; ``inbox_id`` leads to it in the inbox.

    ``already_known`` means that an earlier poll had stored it; ``post_processed`` that the server side is done;
    ``duplicate_of`` is the entry of the first mail that was the same, ``problems`` what is wrong with the mail itself,
    ``unique_id`` what POP3 calls it.
    """

    inbox_id: int
    uid_validity: int
    uid: int
    size: int
    subject: str
    already_known: bool
    post_processed: bool
    duplicate_of: int | None = None
    problems: tuple[str, ...] = ()
    unique_id: str = ""


@dataclass(frozen=True, slots=True)
class PollResult:
    """The outcome of one poll; the fields are those of PollFinished, with the first ``MOST_MAILS`` of the mails."""

    connection: str
    succeeded: bool
    stage: Stage | str
    stored: int = 0
    error: str = ""
    hint: str = ""
    socks_status: int | None = None
    socks_reply: int | None = None
    alert_sent: str = ""
    alert_received: str = ""
    java_alert: str = ""
    java_text: str = ""
    server_answer: str = ""
    mails: tuple[PolledMail, ...] = ()
    duration_ms: int = 0
    vouched_by: str = ""
    """The alias in MaCo's key store that ended the path of the mail server's certificate; empty without TLS."""
    warnings: tuple[str, ...] = ()
    """What is allowed in the settings of the e-mail connection but rarely meant."""


@dataclass(slots=True)
class Progress:
    """How far a running poll has got."""

    stage: Stage = "lock"
    began: float = field(default_factory=time.monotonic)
    stored: int = 0
    """How many mails this poll has added to the inbox."""
    dealt_with: int = 0
    """How many mails it has met that are in the inbox, by it or before."""
    mails: list[PolledMail] = field(default_factory=list)
    """The first ``MOST_MAILS`` of them."""
    vouched_by: str = ""

    @property
    def duration_ms(self) -> int:
        """How long the poll has taken so far, without its wait for another poll."""
        return round((time.monotonic() - self.began) * 1000)

    def begin(self) -> None:
        """Begin now: the lock is held."""
        self.began = time.monotonic()
        self.stage = "dial"

    def note(self, mail: PolledMail) -> None:
        """Remember a mail that is in the inbox; after the first ``MOST_MAILS`` only that it was one."""
        self.dealt_with += 1
        self.stored += not mail.already_known
        if len(self.mails) < MOST_MAILS:
            self.mails.append(mail)

    def post_processed(self, inbox_ids: Iterable[int]) -> None:
        """Remember that these were dealt with on the server."""
        done = set(inbox_ids)
        for at in range(max(0, len(self.mails) - len(done)), len(self.mails)):
            if self.mails[at].inbox_id in done:
                self.mails[at] = dataclasses.replace(self.mails[at], post_processed=True)
