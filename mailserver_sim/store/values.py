"""What the store hands out, and the changes that it tells to those who have a mailbox open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeAlias, TypeVar

from mailserver_sim.store.uids import UidRuns

INBOX = "INBOX"
"""RFC 3501, section 5.1: the case-insensitive name of the primary mailbox; here always in this spelling."""

DELIMITER = "/"

MEMORY = Path(":memory:")
"""In place of a file: the store is gone with its process. SQLite's own name for it."""

Flags: TypeAlias = frozenset[str]
r"""System flags in the RFC's spelling (``\Seen``) and keywords as the client wrote them; never ``\Recent``."""

FlagMode: TypeAlias = Literal["add", "remove", "replace"]

ResultT = TypeVar("ResultT", covariant=True)  # noqa: PLC0105 - the common name of it


@dataclass(frozen=True, slots=True)
class MailboxInfo:
    """One mailbox.

    ``first_recent`` is the lowest UID that no session has been told of yet, ``highest_modseq`` that of the last change
    (RFC 7162, section 3.1.2.1).
    """

    id: int
    name: str
    uid_validity: int
    uid_next: int
    first_recent: int = 1
    selectable: bool = True
    highest_modseq: int = 1


@dataclass(frozen=True, slots=True)
class Overview:
    r"""What a mailbox is at one moment: the UIDs that are there, the first one without ``\Seen``, keywords in use."""

    mailbox: MailboxInfo
    uids: UidRuns
    first_unseen: int | None
    keywords: Flags


@dataclass(frozen=True, slots=True)
class MessageInfo:
    """What is known of a message without reading it; ``size`` in bytes, ``modseq`` that of its last change."""

    uid: int
    flags: Flags
    internal_date: dt.datetime
    size: int
    modseq: int = 1


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message that is to be added."""

    raw: bytes = field(repr=False)
    flags: Flags
    internal_date: dt.datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account holds, or what is added to it."""

    size: int
    messages: int

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.size + other.size, self.messages + other.messages)


@dataclass(frozen=True, slots=True)
class Quota:
    """What an account may hold; None is no limit."""

    size: int | None
    messages: int | None

    @property
    def limits(self) -> bool:
        """Tell whether there is a limit at all."""
        return self.size is not None or self.messages is not None

    def allows(self, usage: Usage) -> bool:
        """Tell whether this much may be held."""
        return (self.size is None or usage.size <= self.size) and (
            self.messages is None or usage.messages <= self.messages
        )


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of one message: ``header`` ends with the empty line, ``body`` is the rest."""

    header: bytes = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def raw(self) -> bytes:
        """Return the message as it was accepted."""
        return self.header + self.body


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """The numbers of RFC 3501, section 6.3.10, and the sums of the sizes in bytes, of all and of the deleted ones."""

    mailbox: MailboxInfo
    messages: int
    recent: int
    unseen: int
    deleted: int
    size: int
    deleted_size: int


@dataclass(frozen=True, slots=True)
class Appended:
    """Messages were added to a mailbox."""

    mailbox_id: int
    messages: tuple[MessageInfo, ...]
    origin: object = None


@dataclass(frozen=True, slots=True)
class FlagsChanged:
    """Messages of a mailbox have these flags since the change ``modseq``; ``origin`` is whoever changed them."""

    mailbox_id: int
    flags: tuple[tuple[int, Flags], ...]
    origin: object = None
    modseq: int = 1


@dataclass(frozen=True, slots=True)
class Expunged:
    """Messages are gone from a mailbox; ``last`` is what was known of them, unless the mailbox is gone too."""

    mailbox_id: int
    uids: tuple[int, ...]
    origin: object = None
    last: tuple[MessageInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Emptied:
    """All messages are gone, and the mailbox with them; however many they were, nobody has counted."""

    mailbox_id: int
    origin: object = None


Change: TypeAlias = Appended | FlagsChanged | Expunged | Emptied
Listener: TypeAlias = Callable[[Change], None]


@dataclass(frozen=True, slots=True)
class Written(Generic[ResultT]):
    """What a piece of writing returns: its result, and what it changed for those who watch."""

    result: ResultT
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a message went. UIDs are unique together with ``uid_validity``."""

    account: str
    mailbox: str
    uid_validity: int
    uid: int
    size: int


@dataclass(frozen=True, slots=True)
class Flagged:
    """What a change of flags came to: of each message the flags and the MODSEQ that it has now.

    ``modified`` are the UIDs of those that had been changed since, and were left alone.
    """

    messages: Mapping[int, tuple[Flags, int]]
    modified: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Copied:
    """Which messages were copied, and what they are called in the target."""

    uid_validity: int
    source_uids: tuple[int, ...]
    target_uids: tuple[int, ...]
