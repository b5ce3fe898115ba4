"""What can go wrong in the store.

StoreError
├── StoreInUse        another process, or another server of this one, has the same file open
├── StoreTooNew       the file was written by a newer version of this program
├── NoSuchAccount     the user is not one of the settings' accounts
└── MailboxError      a refusal that the protocol passes on, by the name of the mailbox
    ├── NoSuchMailbox
    ├── MailboxExists
    ├── MailboxCannot     the operation makes no sense for this mailbox (deleting INBOX)
    ├── MailboxLimit      the account would have too many mailboxes or subscriptions, or too deep a hierarchy
    └── OverQuota         the account would hold more than it may
"""

from __future__ import annotations

from pathlib import Path


class StoreError(Exception):
    """Stand for every failure of the store."""


class StoreInUse(StoreError):
    """The file ``path`` is open elsewhere."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"the mail store {path} is in use by another mail server: stop it, or give this one its own store"
        )
        self.path = path


class StoreTooNew(StoreError):
    """The file has schema ``found``; this program knows schemas up to ``known``."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"the mail store {path} has schema {found}, this version knows {known}: "
            "use a newer maco-lab, or another file"
        )
        self.found = found
        self.known = known


class NoSuchAccount(StoreError):
    """``user`` has no account."""

    def __init__(self, user: str) -> None:
        super().__init__(f"no account for user {user!r}")
        self.user = user


class MailboxError(StoreError):
    """A refusal about the mailbox ``name``."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class NoSuchMailbox(MailboxError):
    """The mailbox does not exist."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "No such mailbox")


class MailboxExists(MailboxError):
    """The mailbox is there already."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "Mailbox already exists")


class MailboxCannot(MailboxError):
    """The operation is impossible for this mailbox."""


class MailboxLimit(MailboxError):
    """The operation would go beyond what an account may have."""


class OverQuota(MailboxError):
    """The account has no room for this; ``fits_when_empty`` tells whether it would have if messages went."""

    def __init__(self, name: str, *, fits_when_empty: bool) -> None:
        super().__init__(name, "The account is over its quota" if fits_when_empty else "More than the whole quota")
        self.fits_when_empty = fits_when_empty
