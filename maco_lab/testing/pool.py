"""Running labs for many tests: one for each settings and authority, kept and reset, a few alive at a time."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from certs.cast import Cast
from maco_lab.testing.lab import Lab, started_lab
from maco_lab.testing.settings import Change, LabText, Settings, lab_text

MOST_ALIVE = 3
"""How many labs run at a time; the one that was not used for longest ends first."""

_Key: TypeAlias = tuple[LabText, int]


class LabPool:
    """A context manager: leaving it ends every lab."""

    def __init__(self, folder: Path, *, most_alive: int = MOST_ALIVE) -> None:
        """Keep what the labs store in ``folder``."""
        self._folder = folder
        self._most_alive = most_alive
        self._labs: OrderedDict[_Key, tuple[Lab, contextlib.ExitStack]] = OrderedDict()
        self._started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        while self._labs:
            self._end(next(iter(self._labs)))

    def take(self, settings: Settings, authority: Cast, *changes: Change) -> Lab:
        """Return a lab of ``settings`` after ``changes``, as new; it is the caller's until the next one is taken.

        Raises LabFileError, ReactorError, OSError.
        """
        key = lab_text(settings, *changes), id(authority)
        if key in self._labs:
            try:
                self._labs[key][0].reset()
            except TimeoutError:  # what a test did to it is beyond repair: a new one takes its place
                self._end(key)
        if key not in self._labs:
            self._start(key, authority)
        self._labs.move_to_end(key)
        return self._labs[key][0]

    def _start(self, key: _Key, authority: Cast) -> None:
        file = key[0].parsed()
        while len(self._labs) >= self._most_alive:
            self._end(next(iter(self._labs)))
        self._started += 1
        with contextlib.ExitStack() as stack:
            lab = stack.enter_context(started_lab(file, self._folder / str(self._started), authority=authority))
            self._labs[key] = lab, stack.pop_all()

    def _end(self, key: _Key) -> None:
        _, stack = self._labs.pop(key)
        stack.close()
