"""From the tokens of an untagged data response to its value: one table of readers (RFC 3501, sections 7.2 to 7.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import TypeAlias

from maco_client.imap.mailbox_names import decode_mailbox_name
from maco_client.imap.text import broken, printable
from maco_client.imap.tokens import StreamedLiteral, Token
from maco_client.imap.values import (
    CapabilityData,
    Data,
    ExistsData,
    FetchData,
    ListData,
    OtherData,
    SearchData,
    StatusData,
)

LARGEST_NUMBER = 2**32 - 1  # RFC 3501, section 9: "number: Unsigned 32-bit integer"
_NUMBER_DIGITS = 10
_BODY = re.compile(r"BODY\[\](<\d+>)?")

_Tokens: TypeAlias = tuple[Token, ...]


def interpret(tokens: _Tokens) -> Data:
    """Return what the tokens behind ``* `` mean; raises RemoteProtocolError."""
    match tokens:
        case (str(first), str(name), *rest) if first.isdecimal():
            numbered = _NUMBERED.get(name.upper())
            return numbered(read_number(first), tuple(rest)) if numbered else OtherData(name.upper())
        case (str(name), *rest):
            named = _NAMED.get(name.upper())
            return named(tuple(rest)) if named else OtherData(name.upper())
    raise broken("the name of a response", "something else")


def read_number(token: Token) -> int:
    """Return ``token`` as a number of RFC 3501; raises RemoteProtocolError."""
    if isinstance(token, str) and token.isascii() and token.isdecimal() and len(token) <= _NUMBER_DIGITS:
        number = int(token)
        if number <= LARGEST_NUMBER:
            return number
    raise broken("a number of 32 bits", repr(token)[:80])


def _capability(rest: _Tokens) -> Data:
    return CapabilityData(frozenset(token.upper() for token in rest if isinstance(token, str)))


def _list(rest: _Tokens) -> Data:
    match rest:
        case (tuple(attributes), (str() | bytes()) as delimiter, (str() | bytes()) as mailbox):
            return ListData(_words(attributes), _delimiter(delimiter), decode_mailbox_name(_text(mailbox)))
    raise broken("attributes, delimiter and name behind LIST", "something else")


def _search(rest: _Tokens) -> Data:
    # RFC 7162 puts "(MODSEQ n)" behind the numbers; it was not asked for and is passed over.
    return SearchData(tuple(read_number(token) for token in rest if not isinstance(token, tuple)))


def _status(rest: _Tokens) -> Data:
    match rest:
        case ((str() | bytes()) as mailbox, tuple(pairs)) if len(pairs) % 2 == 0:
            items = {_item_name(name): value for name, value in zip(pairs[::2], pairs[1::2], strict=True)}
            validity, following = (read_number(items.get(name, "0")) for name in ("UIDVALIDITY", "UIDNEXT"))
            return StatusData(decode_mailbox_name(_text(mailbox)), validity, following)
    raise broken("a name and a list of items and values behind STATUS", "something else")


def _exists(number: int, _: _Tokens) -> Data:
    return ExistsData(number)


def _fetch(number: int, rest: _Tokens) -> Data:
    match rest:
        case (tuple(pairs),) if len(pairs) % 2 == 0:
            items = {_item_name(name): value for name, value in zip(pairs[::2], pairs[1::2], strict=True)}
        case _:
            raise broken("a list of items and values behind FETCH", "something else")
    body = next((value for name, value in items.items() if _BODY.fullmatch(name)), None)
    return FetchData(
        sequence_number=number,
        uid=read_number(items["UID"]) if "UID" in items else None,
        flags=_flags(items["FLAGS"]) if "FLAGS" in items else None,
        size=read_number(items["RFC822.SIZE"]) if "RFC822.SIZE" in items else None,
        body=body if isinstance(body, bytes) else None,
        body_streamed=isinstance(body, StreamedLiteral),
    )


def _item_name(token: Token) -> str:
    if not isinstance(token, str):
        raise broken("the name of a FETCH item", "something else")
    return token.upper()


def _flags(token: Token) -> frozenset[str]:
    if not isinstance(token, tuple):
        raise broken("a list of flags", "something else")
    return _words(token)


def _words(tokens: _Tokens) -> frozenset[str]:
    return frozenset(token.lower() for token in tokens if isinstance(token, str))


def _delimiter(token: str | bytes) -> str | None:
    return printable(token) if isinstance(token, bytes) else None


def _text(token: str | bytes) -> str:
    return token if isinstance(token, str) else printable(token)


_NAMED: MappingProxyType[str, Callable[[_Tokens], Data]] = MappingProxyType(
    {"CAPABILITY": _capability, "LIST": _list, "SEARCH": _search, "STATUS": _status}
)
_NUMBERED: MappingProxyType[str, Callable[[int, _Tokens], Data]] = MappingProxyType(
    {"EXISTS": _exists, "FETCH": _fetch}
)
