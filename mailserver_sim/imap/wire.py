"""Write values as IMAP does: strings, flags, dates, mailbox names (RFC 3501, sections 4, 5.1.3 and 9)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Iterable

from mailserver_sim.imap.tokens import CommandSyntaxError

NIL = b"NIL"
LONGEST_QUOTED = 1024
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
RECENT = "\\Recent"
_SPELLING = {flag.lower(): flag for flag in (*SYSTEM_FLAGS, RECENT)}

_QUOTABLE = re.compile(rb"[\x20-\x7e]*\Z")
_TO_ESCAPE = re.compile(rb'(["\\])')
_SHIFTED = re.compile(r"&([^-]*)-")
_NOT_SHIFTED_BACK = re.compile(rb"&[A-Za-z0-9+,]*(?![A-Za-z0-9+,-])")
_NOT_PRINTABLE_ASCII = re.compile(r"[^\x20-\x7e]+")
_DATE_TIME = re.compile(
    rb'"([ 0-3][0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-2][0-9]):([0-5][0-9]):([0-6][0-9]) ([+-])([0-9]{2})([0-5][0-9])"\Z'
)


def literal(data: bytes) -> bytes:
    """Write ``data`` with its count before it."""
    return b"{%d}\r\n" % len(data) + data


def string(data: bytes) -> bytes:
    """Write ``data`` as a quoted string where that is possible, else as a literal."""
    if len(data) <= LONGEST_QUOTED and _QUOTABLE.match(data):
        return b'"' + _TO_ESCAPE.sub(rb"\\\1", data) + b'"'
    return literal(data)


def nstring(data: bytes | None) -> bytes:
    """Write a string, or NIL for None."""
    return NIL if data is None else string(data)


def flag_list(flags: Iterable[str]) -> bytes:
    """Write flags in a stable order."""
    return b"(" + " ".join(sorted(flags)).encode("ascii") + b")"


def canonical_flag(flag: str) -> str:
    r"""Return a system flag in the RFC's spelling, a keyword as it is. Raises CommandSyntaxError for ``\Other``."""
    if not flag.startswith("\\"):
        return flag
    known = _SPELLING.get(flag.lower())
    if known is None:
        raise CommandSyntaxError("Unknown system flag")
    return known


def date_time(moment: dt.datetime) -> bytes:
    """Write a date-time, as in INTERNALDATE."""
    month = MONTHS[moment.month - 1]
    return f'"{moment.day:2d}-{month}-{moment.year:04d} {moment:%H:%M:%S %z}"'.encode("ascii")


def parse_date_time(text: bytes) -> dt.datetime:
    """Read a date-time with its quotes. Raises CommandSyntaxError."""
    found = _DATE_TIME.match(text)
    if found is None:
        raise CommandSyntaxError("Invalid date-time")
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = found.groups()
    offset = dt.timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    try:
        zone = dt.timezone(-offset if sign == b"-" else offset)
        moment = dt.datetime(
            int(year), parse_month(month), int(day), int(hour), int(minute), min(int(second), 59), tzinfo=zone
        )
        moment.astimezone(dt.UTC)  # one that UTC has no year for could be kept, and never be read again
    except (ValueError, OverflowError) as error:
        raise CommandSyntaxError("Invalid date-time") from error
    return moment


def parse_month(text: bytes) -> int:
    """Read the name of a month. Raises CommandSyntaxError."""
    name = text.decode("ascii", "replace").title()
    if name not in MONTHS:
        raise CommandSyntaxError("Invalid month")
    return MONTHS.index(name) + 1


def uid_set(uids: Iterable[int]) -> str:
    """Write UIDs or message numbers in their order, runs as ranges."""
    ranges: list[tuple[int, int]] = []
    for uid in uids:
        if ranges and ranges[-1][1] == uid - 1:
            ranges[-1] = (ranges[-1][0], uid)
        else:
            ranges.append((uid, uid))
    return ",".join(str(low) if low == high else f"{low}:{high}" for low, high in ranges)


def mailbox_name(name: str, *, utf8: bool = False) -> bytes:
    """Write a mailbox name as a string: modified UTF-7 (section 5.1.3), or UTF-8 (RFC 6855, section 3)."""
    if utf8:
        return b'"' + _TO_ESCAPE.sub(rb"\\\1", name.encode("utf-8", "replace")) + b'"'
    return string(modified_utf7(name).encode("ascii"))


def modified_utf7(name: str) -> str:
    """Write a name in modified UTF-7."""
    return _NOT_PRINTABLE_ASCII.sub(_shift, name.replace("&", "&-"))


def parse_mailbox_name(data: bytes, *, utf8: bool = False) -> str:
    """Read a mailbox name in modified UTF-7, or in UTF-8. Raises CommandSyntaxError."""
    if not utf8 and _NOT_SHIFTED_BACK.search(data):
        raise CommandSyntaxError("The mailbox name is not valid modified UTF-7")
    try:
        if utf8:
            return data.decode("utf-8")
        return _SHIFTED.sub(_unshift, data.decode("ascii"))
    except (UnicodeDecodeError, binascii.Error) as error:
        raise CommandSyntaxError(f"The mailbox name is not valid {'UTF-8' if utf8 else 'modified UTF-7'}") from error


def _shift(found: re.Match[str]) -> str:
    coded = base64.b64encode(found[0].encode("utf-16-be")).decode("ascii")
    return "&" + coded.rstrip("=").replace("/", ",") + "-"


def _unshift(found: re.Match[str]) -> str:
    coded = found[1].replace(",", "/")
    if not coded:
        return "&"
    return base64.b64decode(coded + "=" * (-len(coded) % 4), validate=True).decode("utf-16-be")
