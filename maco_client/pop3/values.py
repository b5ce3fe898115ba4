"""What a POP3 server says, as frozen values (RFC 1939, section 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from maco_client.imap import cut, printable
from maco_wire.exceptions import RemoteProtocolError

SHOWN_CHARACTERS = 200
_CODE = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True, slots=True)
class Reply:
    """A status line: ``+OK`` or ``-ERR``, and the text behind it."""

    succeeded: bool
    text: str

    @property
    def code(self) -> str:
        """The response code of a refusal in upper case (RFC 2449, section 8), such as IN-USE; empty without one."""
        match = None if self.succeeded else _CODE.match(self.text)
        return match[1].upper() if match else ""

    @property
    def line(self) -> str:
        """The line as it came."""
        return f"{'+OK' if self.succeeded else '-ERR'} {self.text}".rstrip()


@dataclass(frozen=True, slots=True)
class Challenge:
    """The server wants to hear more of a mechanism (RFC 5034, section 4)."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a listing, without what marks its end."""

    text: str


@dataclass(frozen=True, slots=True)
class BodyChunk:
    """The next bytes of a message."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """The listing or the message is complete."""


Event: TypeAlias = Reply | Challenge | Line | BodyChunk | Ended


def broken(expected: str, got: bytes | str) -> RemoteProtocolError:
    """Return the error for a server that sent ``got`` where POP3 allows only ``expected``."""
    shown = got if isinstance(got, str) else repr(cut(printable(got[: SHOWN_CHARACTERS + 1]), SHOWN_CHARACTERS))
    return RemoteProtocolError("POP3", expected, shown)


def read_reply(line: bytes) -> Reply:
    """Return the status line ``line``; raises RemoteProtocolError. The indicators "MUST" be in upper case."""
    indicator, _, text = line.partition(b" ")
    if indicator not in (b"+OK", b"-ERR"):
        raise broken("+OK or -ERR", line)
    return Reply(indicator == b"+OK", printable(text))
