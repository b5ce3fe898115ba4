"""What the server says at the end of a command (RFC 3501, section 7.1), with the response codes of RFC 5530."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mailserver_sim.store.errors import (
    MailboxCannot,
    MailboxError,
    MailboxExists,
    MailboxLimit,
    NoSuchMailbox,
    OverQuota,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A tagged answer; ``code`` stands in brackets before the text."""

    status: Literal["OK", "NO", "BAD"]
    text: str
    code: str = ""

    def line(self, tag: bytes) -> bytes:
        """Write the answer without its line end."""
        code = f"[{self.code}] " if self.code else ""
        return tag + f" {self.status} {code}{self.text}".encode("ascii", "replace")


def ok(text: str, code: str = "") -> Answer:
    """Return an answer of success."""
    return Answer("OK", text, code)


def no(text: str, code: str = "") -> Answer:
    """Return a refusal."""
    return Answer("NO", text, code)


def bad(text: str, code: str = "") -> Answer:
    """Return an answer to what is no valid command."""
    return Answer("BAD", text, code)


TRY_CREATE = no("No such mailbox", "TRYCREATE")
"""RFC 3501, section 7.1: the target of APPEND, COPY or MOVE could be created."""
READ_ONLY = no("The mailbox is open for reading only", "READ-ONLY")

_CODES: dict[type[MailboxError], str] = {
    NoSuchMailbox: "NONEXISTENT",
    MailboxExists: "ALREADYEXISTS",
    MailboxCannot: "CANNOT",
    # "The operation ran up against an implementation limit of some kind, such as the number of flags on a single
    # message or the number of flags used in a mailbox."
    MailboxLimit: "LIMIT",
    OverQuota: "OVERQUOTA",  # RFC 9208, section 5.3
}


def refusal(error: MailboxError) -> Answer:
    """Translate the store's refusals."""
    return no(str(error), _CODES.get(type(error), ""))
