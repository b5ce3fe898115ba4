"""Write IMAP commands (RFC 3501, section 6): quoted where that is safe, as a literal where it is not.

A literal of this client is synchronizing (section 7.5): a command is a row of chunks, and each but the first waits for
the server's ``+``.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from maco_client.imap.data import read_number
from maco_client.imap.mailbox_names import encode_mailbox_name
from maco_client.imap.text import broken
from maco_wire.exceptions import LocalProtocolError

# Twisted's server and others do not undo \" and \\ in a quoted string, so text with these travels as a literal.
_QUOTABLE = re.compile(rb"[\x20\x21\x23-\x5b\x5d-\x7e]{0,512}")

Argument: TypeAlias = str | bytes
"""``str`` is data and gets quoted; ``bytes`` is syntax and goes out as it is."""


@dataclass(frozen=True, slots=True)
class Command:
    """A tagged command; its chunks may hold a password and are never shown."""

    tag: str
    name: str
    chunks: tuple[bytes, ...] = field(repr=False)


def encode_command(tag: str, name: str, *arguments: Argument) -> Command:
    """Return ``name`` with its arguments, ready to be sent; raises LocalProtocolError for what IMAP cannot carry."""
    chunks = [bytearray(f"{tag} {name}".encode("ascii"))]
    for argument in arguments:
        chunks[-1] += b" "
        if isinstance(argument, bytes):
            chunks[-1] += argument
        else:
            _append_string(chunks, argument)
    chunks[-1] += b"\r\n"
    return Command(tag, name, tuple(bytes(chunk) for chunk in chunks))


def _append_string(chunks: list[bytearray], text: str) -> None:
    raw = text.encode("utf-8", "surrogateescape")
    if b"\0" in raw:
        raise LocalProtocolError("IMAP strings cannot hold NUL")  # RFC 3501, section 9: CHAR8 is %x01-ff
    if _QUOTABLE.fullmatch(raw):
        chunks[-1] += b'"' + raw + b'"'
    else:
        chunks[-1] += b"{%d}\r\n" % len(raw)
        chunks.append(bytearray(raw))


def mailbox(name: str) -> str:
    """Return a mailbox name as an argument (section 5.1: INBOX in any case is INBOX)."""
    return "INBOX" if name.upper() == "INBOX" else encode_mailbox_name(name)


def uid_set(uids: Iterable[int]) -> bytes:
    """Return ``uids`` as a sequence set with ranges: 1, 2, 3, 7 is ``1:3,7`` (section 9, sequence-set)."""
    runs = itertools.groupby(enumerate(sorted(uids)), key=lambda pair: pair[1] - pair[0])
    ranges = [[uid for _, uid in run] for _, run in runs]
    return b",".join(b"%d" % run[0] if len(run) == 1 else b"%d:%d" % (run[0], run[-1]) for run in ranges)


def read_uid_set(text: str, most: int) -> list[int]:
    """Return the UIDs of a set such as ``304,319:320``, in its order; raises RemoteProtocolError above ``most``."""
    uids: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        low, high = sorted((read_number(first), read_number(last or first)))
        if high - low + 1 + len(uids) > most:
            raise broken(f"at most {most} UIDs", text[:80])
        uids.extend(range(low, high + 1))
    return uids
