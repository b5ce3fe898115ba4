"""The scripts: what is said to both servers, one step per line.

``A SELECT INBOX``
    The session ``A``, opened when it is first used, sends the command behind a tag and waits for the tagged answer.
``A =NOOP``
    The rest of the line as it is, without a tag; one response is waited for.
``A IDLE >> DONE``
    Each further line is sent when the server has sent a continuation request.
``A IDLE >>`` and later ``A .DONE``
    The command is left open, and ended by a line of its own; a NOOP follows, and belongs to the same step.
``A APPEND INBOX {mail plain}``
    A literal: an odd mail by its name (``{mail+ plain}`` does not wait), or text as in ``{text Zähler}``.
``A FETCH 1 MODSEQ  ## not-offered``
    The two servers differ here, for the reason of that name.

``$user`` and ``$password`` are the script's own account; ``\\xHH`` is one byte; a line that begins with ``#`` is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from tests.real.transcript.odd_mails import MAILS

PASSWORD = 'Strom "4711" \\o/'
FOLDER = Path(__file__).parent

_STEP = re.compile(r"(?P<session>[A-Z]) (?P<kind>[=.]?)(?P<line>.*?)(?:\s+## (?P<reason>[\w-]+))?\Z")
_LITERAL = re.compile(r"\{(mail|text)(\+?) ([^}]*)\}")
_BYTE = re.compile(rb"\\x([0-9a-f]{2})")

Kind: TypeAlias = Literal["command", "line", "end"]
_KINDS: dict[str, Kind] = {"": "command", "=": "line", ".": "end"}


@dataclass(frozen=True, slots=True)
class Sent:
    """Bytes of a literal; ``waits`` for the server's leave."""

    data: bytes
    waits: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One step; ``then`` are the lines behind continuation requests, ``left_open`` tells that an answer comes later."""

    script: str
    text: str
    session: str
    kind: Kind
    pieces: tuple[bytes | Sent, ...]
    then: tuple[bytes, ...]
    left_open: bool
    reason: str

    @property
    def name(self) -> str:
        """Return what the page calls the step."""
        return f"{self.session}: {self.text}"


@dataclass(frozen=True, slots=True)
class Script:
    """The steps of one file, played with an account of their own."""

    name: str
    steps: tuple[Step, ...]

    @property
    def user(self) -> str:
        """Return the account."""
        return user_of(self.name)


def user_of(script: str) -> str:
    """Return the account of a script."""
    return f"{script}@stadtwerke.example"


def scripts() -> list[Script]:
    """Return all scripts of this folder."""
    return [read_script(path.stem, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.txt"))]


def read_script(name: str, text: str) -> Script:
    """Return the script written as ``text``. Raises ValueError."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return Script(name, tuple(_read_step(name, line) for line in lines))


def _read_step(script: str, line: str) -> Step:
    found = _STEP.match(line)
    if found is None:
        raise ValueError(f"{script}: no step: {line}")
    first, *then = re.split(r" >> ?", found["line"])
    left_open = then == [""]
    return Step(
        script,
        found["kind"] + found["line"],
        found["session"],
        _KINDS[found["kind"]],
        _pieces(script, first),
        () if left_open else tuple(_bytes(script, each) for each in then),
        left_open,
        found["reason"] or "",
    )


def _pieces(script: str, text: str) -> tuple[bytes | Sent, ...]:
    pieces: list[bytes | Sent] = []
    end = 0
    for found in _LITERAL.finditer(text):
        pieces.append(_bytes(script, text[end : found.start()]))
        data = MAILS[found[3]] if found[1] == "mail" else _bytes(script, found[3])
        pieces.append(Sent(data, waits=not found[2]))
        end = found.end()
    pieces.append(_bytes(script, text[end:]))
    return tuple(pieces)


def _bytes(script: str, text: str) -> bytes:
    quoted = '"' + re.sub(r'(["\\])', r"\\\1", PASSWORD) + '"'
    text = text.replace("$user", user_of(script)).replace("$password", quoted)
    return _BYTE.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), text.encode())
