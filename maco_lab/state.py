"""Where a lab keeps what must last: mail, MaCo's inbox, the journal, and the note of the lab that runs.

A folder named by ``maco-lab up --state`` also has the configuration of the Cloud Connectors and of MaCo, and the
certificates.

The folder is private (0700). A running lab holds a lock on it, so that two never share a store, and leaves a note
(``run.json``, 0600) that says where it listens; ``maco-lab poll``, ``send`` and ``down`` read it. Only the lock tells
whether a lab runs: a lab that was killed leaves its note, and its process number may be somebody else's by now.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from maco_lab.control import remove_left_over

DEFAULT_FOLDER = Path(".maco-lab")

LOCK_S = 0.3
"""How long a starting lab tries for the lock: another command may be looking at it for a moment."""

_TRY_EVERY_S = 0.02
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class StateError(Exception):
    """The state folder cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class RunNote:
    """What the running lab says of itself."""

    pid: int
    lab: str
    control: str
    """Path of the control socket."""
    addresses: Mapping[str, tuple[str, int]]
    """Where the mail server and the cloud side listen, by protocol."""
    mailboxes: tuple[str, ...]
    """The users of the mail server."""


class StateFolder:
    """The files of one lab."""

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """Make the folder if it is not there; with ``create`` False only look at what is there. Raises StateError."""
        self.folder = folder
        if not create:
            return
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_private()
        except OSError as error:
            raise StateError(f"{folder}: {error.strerror}") from error

    def _make_private(self) -> None:
        """Close the folder to other users, but never one that holds something else (``--state /tmp``)."""
        if not self.folder.stat().st_mode & _OTHERS:
            return
        if any(self.folder.iterdir()) and not self._lock.exists():
            raise StateError(
                f"{self.folder}: is open to other users and holds files that are not of a lab: "
                "give --state a new folder, or make this one private (chmod 700)"
            )
        self.folder.chmod(0o700)

    @property
    def mail_store(self) -> Path:
        """The mail server's messages."""
        return self.folder / "mail.sqlite"

    @property
    def inbox(self) -> Path:
        """MaCo's inbox."""
        return self.folder / "inbox.sqlite"

    @property
    def journal(self) -> Path:
        """The journal of the newest run."""
        return self.folder / "journal.jsonl"

    @property
    def configuration(self) -> Path:
        """The configuration of the Cloud Connectors, with passwords and private keys."""
        return self.folder / "configuration.sqlite"

    @property
    def maco_configuration(self) -> Path:
        """The configuration of MaCo, with passwords and access tokens."""
        return self.folder / "maco.sqlite"

    @property
    def certificates(self) -> Path:
        """The certificates of a lab whose configuration is kept."""
        return self.folder / "certificates"

    @property
    def pki(self) -> Path:
        """The certificates that parties in processes of their own share."""
        return self.folder / "pki"

    @property
    def log(self) -> Path:
        """What a detached lab prints."""
        return self.folder / "lab.log"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one lab. Raises StateError if another one does."""
        descriptor = self._open_lock()
        try:
            if not _locked_within(descriptor, LOCK_S):
                raise StateError(self._in_use())
            self._clear_note()
            try:
                yield
            finally:
                self._note.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def _open_lock(self) -> int:
        try:
            return os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(f"{self._lock}: {error.strerror}") from error

    def _in_use(self) -> str:
        note = self.read_note()
        who = f"pid {note.pid}" if note else "another process"
        return (
            f"a lab is running in {self.folder} already ({who}): stop it by `maco-lab down`, "
            "or give this one a folder of its own by --state"
        )

    def _clear_note(self) -> None:
        """Clear away what a lab that was killed has left."""
        if stale := self._parsed_note():
            remove_left_over(Path(stale.control))
        self._note.unlink(missing_ok=True)

    @property
    def is_locked(self) -> bool:
        """Whether a lab holds the folder."""
        try:
            descriptor = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return False

    def write_note(self, note: RunNote) -> None:
        """Say where the running lab listens."""
        draft = self._note.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(note), file)
        draft.replace(self._note)

    def read_note(self) -> RunNote | None:
        """Return what the running lab says of itself; None if there is none, or only a stale note."""
        return self._parsed_note() if self.is_locked else None

    def _parsed_note(self) -> RunNote | None:
        try:
            content: dict[str, Any] = json.loads(self._note.read_text(encoding="utf-8"))
            addresses = {name: (str(host), int(port)) for name, (host, port) in content["addresses"].items()}
            mailboxes = tuple(str(user) for user in content["mailboxes"])
            return RunNote(int(content["pid"]), str(content["lab"]), str(content["control"]), addresses, mailboxes)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    @property
    def _note(self) -> Path:
        return self.folder / "run.json"

    @property
    def _lock(self) -> Path:
        return self.folder / "lock"


def _locked_within(descriptor: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(_TRY_EVERY_S)
        except OSError as error:
            raise StateError(f"the state folder cannot be locked: {error.strerror}") from error
        else:
            return True
