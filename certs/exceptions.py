"""The errors of the lab's PKI.

CertificateError
├── UnknownNameError      the cast has no member or authority of that name (also a KeyError)
└── FolderError
    ├── ForeignFolderError    the folder holds files that the lab did not write: nothing was changed
    └── UnreadableCastError   the folder holds no complete set of certificates
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class CertificateError(Exception):
    """Stand for every refusal of this package."""


class UnknownNameError(CertificateError, KeyError):
    """Nobody in the cast has that name; ``allowed`` lists who is there."""

    def __init__(self, name: str, allowed: Iterable[str]) -> None:
        self.name = name
        self.allowed = tuple(allowed)
        super().__init__(f"no certificate named {name!r}; allowed: {', '.join(self.allowed)}")

    def __str__(self) -> str:
        """Return the sentence itself: KeyError would print it in quotes."""
        return str(self.args[0])


class FolderError(CertificateError):
    """A folder of certificates cannot be used; ``folder`` says which."""

    def __init__(self, folder: Path, problem: str) -> None:
        super().__init__(f"{folder}: {problem}")
        self.folder = folder


class ForeignFolderError(FolderError):
    """The folder holds ``strangers``, names of files that the lab did not write."""

    def __init__(self, folder: Path, strangers: Iterable[str]) -> None:
        self.strangers = tuple(sorted(strangers))
        super().__init__(
            folder,
            f"holds {self.strangers[0]!r}, which was not written here; nothing was changed. "
            "Name a new or an empty folder.",
        )


class UnreadableCastError(FolderError):
    """The folder holds no complete set of certificates."""

    def __init__(self, folder: Path, problem: str) -> None:
        super().__init__(folder, f"{problem}. Remove the folder to have it written anew.")
