"""``maco-lab journal``: what all parties have observed in the lab that runs, and go on as they do.

It reads the file that the lab writes, so it needs nothing of the lab and takes nothing from it, and the entries that a
lab makes while it ends are shown too. Secrets are not in the file (``journal``).
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import typer

from maco_lab.client import running_note
from maco_lab.journal_file import JournalFile, Line, Missing
from maco_lab.journal_text import as_text
from maco_lab.state import StateFolder
from maco_lab.story import printable
from maco_wire.observation_fields import observation_kinds

LOOK_EVERY_S = 0.05
"""How often the file is looked at: a person takes that for at once."""

Say: TypeAlias = Callable[[Line], None]
Complain: TypeAlias = Callable[[str], None]


class UnknownKind(Exception):
    """There is no observation of this kind; the text says which there are."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are shown, and how. Raises UnknownKind."""

    since: int = 1
    kinds: frozenset[str] = frozenset()
    """Only these; all if it is empty."""
    follow: bool = False
    as_json: bool | None = None
    """As lines of JSON or as text; None: as text if a person reads it, on a terminal."""

    def __post_init__(self) -> None:
        known = observation_kinds()
        for kind in sorted(self.kinds - known.keys()):
            raise UnknownKind(f"found --kind {kind}, allowed: {', '.join(sorted(known))}")


def print_journal(state: StateFolder, wanted: Wanted) -> None:
    """Print the journal of the running lab, and what is missing of it on standard error; raises NoLabError.

    Ctrl-C ends it, as the end of the lab does.
    """
    as_json = not sys.stdout.isatty() if wanted.as_json is None else wanted.as_json

    def say(line: Line) -> None:
        typer.echo(line.text if as_json else printable(as_text(line.data)))

    with contextlib.suppress(KeyboardInterrupt):
        show_journal(state, wanted, say=say, complain=lambda text: typer.echo(f"maco-lab journal: {text}", err=True))


def show_journal(state: StateFolder, wanted: Wanted, *, say: Say, complain: Complain) -> None:
    """Pass each entry to ``say``, and to ``complain`` what is missing; raises NoLabError.

    With ``follow`` go on until the lab has ended.
    """
    pid = running_note(state).pid
    with contextlib.closing(JournalFile(state.journal, since=wanted.since)) as file:
        for _ in _looks(state, pid, follow=wanted.follow):
            _show(file.read(), wanted.kinds, say=say, complain=complain)


def _looks(state: StateFolder, pid: int, *, follow: bool) -> Iterator[None]:
    """Yield once for each look at the file; the last one comes after the lab has let go of it."""
    while follow and (note := state.read_note()) is not None and note.pid == pid:
        yield
        time.sleep(LOOK_EVERY_S)
    yield


def _show(found: Iterable[Line | Missing], kinds: frozenset[str], *, say: Say, complain: Complain) -> None:
    for each in found:
        if isinstance(each, Missing):
            complain(f"entries {each.first} to {each.last} are not kept any more")
        elif not kinds or each.data.get("kind") in kinds:
            say(each)


def print_schema() -> None:
    """Print the JSON Schema of a line."""
    from maco_lab.journal_schema import schema_text

    typer.echo(schema_text(), nl=False)
