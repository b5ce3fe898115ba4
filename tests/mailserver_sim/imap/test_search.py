from __future__ import annotations

import datetime as dt

import pytest

from mailserver_sim.headers import split_header
from mailserver_sim.imap.reader import Literal
from mailserver_sim.imap.search import Candidate, Cost, cost, matches, resolved
from mailserver_sim.imap.search_keys import BadCharset, parse_search
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.store.values import Content, MessageInfo

RAW = (
    b"From: Netz GmbH <netz@nb.example>\r\nTo: edifact@stadtwerke.example\r\nCc: copy@x.example\r\n"
    b"Subject: =?utf-8?q?Z=C3=A4hlerst=C3=A4nde?= MSCONS\r\nDate: Tue, 03 Nov 2026 23:30:00 -0500\r\nX-Empty:\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"SGVsbG8gV2VsdA==\r\n"
)
INFO = MessageInfo(
    7, frozenset({"\\Seen", "$Done"}), dt.datetime(2026, 11, 5, 0, 30, tzinfo=dt.timezone(dt.timedelta(hours=1))), 400
)


UIDS = (1, 2, 7, 8, 9)
NOW = dt.datetime(2026, 11, 5, 0, 0, tzinfo=dt.UTC)  # half an hour after the message


def found(text: bytes, *literals: bytes, recent: bool = False, saved: frozenset[int] = frozenset()) -> bool:
    parts: list[bytes | Literal] = [text]
    for literal in literals:
        parts += [Literal(literal), b""]
    content = Content(*split_header(RAW))
    candidate = Candidate(INFO, recent=recent, read_header=lambda: content.header, read_content=lambda: content)
    key = resolved(parse_search(Arguments(tuple(parts))), UIDS, saved)
    return matches(key, candidate, NOW)


@pytest.mark.parametrize(
    "keys",
    [
        b"ALL", b"SUBJECT mscons", b'SUBJECT "MSCONS"', b"FROM NETZ@", b"TO stadtwerke", b"CC copy",
        b"HEADER X-Empty {0}",
        b"HEADER subject cons", b"TEXT Hello", b"BODY welt", b"BODY SGVsbG8", b"TEXT netz", b"SEEN",
        b"UNDELETED", b"OLD",
        b"KEYWORD $done", b"UNKEYWORD $other", b"LARGER 399", b"SMALLER 401", b"UID 7", b"UID 1:*",
        b"3", b"3:*", b"2:4",
        b"NOT DELETED", b"OR DELETED SEEN", b"(SEEN UNFLAGGED)", b"SEEN SUBJECT mscons FROM netz",
        b"NOT (SEEN DELETED)",
        b"OR (SEEN DELETED) NOT FLAGGED", b"CHARSET UTF-8 SEEN", b"CHARSET us-ascii ALL",
    ],
)  # fmt: skip
def test_the_message_matches(keys: bytes) -> None:
    if keys.endswith(b"{0}"):
        assert found(keys.removesuffix(b"{0}"), b"")
    else:
        assert found(keys)


@pytest.mark.parametrize(
    "keys",
    [
        b"SUBJECT utilmd", b"FROM edifact", b"TO netz", b"BCC copy", b"HEADER X-None x", b"BODY netz@",
        b"TEXT utilmd", b"UNSEEN",
        b"DELETED", b"FLAGGED", b"ANSWERED", b"DRAFT", b"NEW", b"RECENT", b"KEYWORD $other",
        b"UNKEYWORD $done", b"LARGER 400",
        b"SMALLER 400", b"UID 8", b"UID 9:*", b"*", b"1:2", b"NOT ALL", b"OR DELETED FLAGGED",
        b"SEEN DELETED", b"(SEEN DELETED)",
    ],
)  # fmt: skip
def test_the_message_does_not_match(keys: bytes) -> None:
    assert not found(keys)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        # RFC 3501, section 6.4.4: "disregarding time and timezone"; the internal date is 5 November 00:30 +0100.
        (b"SINCE 5-Nov-2026", True), (b"SINCE 6-Nov-2026", False), (b"ON 5-Nov-2026", True), (b"ON 4-Nov-2026", False),
        (b"BEFORE 6-Nov-2026", True), (b"BEFORE 5-Nov-2026", False), (b'ON "05-nov-2026"', True),
        # The Date field says 3 November 23:30 -0500.
        (b"SENTON 3-Nov-2026", True), (b"SENTON 4-Nov-2026", False), (b"SENTSINCE 3-Nov-2026", True),
        (b"SENTBEFORE 4-Nov-2026", True), (b"SENTBEFORE 3-Nov-2026", False),
    ],
)  # fmt: skip
def test_dates_are_compared_without_time_and_zone(keys: bytes, *, expected: bool) -> None:
    assert found(keys) is expected


def test_an_encoded_subject_is_found_by_its_text_in_any_case() -> None:
    assert found(b"CHARSET UTF-8 SUBJECT ", "ZÄHLERSTÄNDE".encode())


def test_new_is_recent_and_unseen() -> None:
    assert found(b"RECENT", recent=True)
    assert not found(b"NEW", recent=True)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        # RFC 5032, section 3: the internal date is half an hour ago.
        (b"OLDER 1800", True), (b"OLDER 1801", False), (b"YOUNGER 1800", True), (b"YOUNGER 1799", False),
        (b"OLDER 4294967295", False), (b"YOUNGER 4294967295", True),
    ],
)  # fmt: skip
def test_the_age_is_compared_by_the_second(keys: bytes, *, expected: bool) -> None:
    assert found(keys) is expected


@pytest.mark.parametrize("keys", [b"$", b"UID $", b"NOT $ OR $ SEEN", b"NOT (NOT $)"])
def test_the_dollar_sign_is_what_was_saved(keys: bytes) -> None:
    assert found(keys, saved=frozenset({7})) is not keys.startswith(b"NOT $")
    assert not found(b"$", saved=frozenset({8}))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (b"UNSEEN OR 1:3 LARGER 5 SINCE 1-Jan-2026 OLDER 5", Cost.NOTHING),
        (b"UNSEEN OR SEEN SUBJECT x", Cost.HEADER),
        (b"NOT SENTON 1-Jan-2026", Cost.HEADER),
        (b"SUBJECT x (SEEN (NOT BODY y))", Cost.BODY),
        (b"TEXT x", Cost.BODY),
    ],
)
def test_a_search_costs_what_its_dearest_key_costs(keys: bytes, expected: Cost) -> None:
    assert cost(parse_search(Arguments((keys,)))) is expected


def test_an_unknown_charset_is_a_refusal_of_its_own() -> None:
    with pytest.raises(BadCharset):
        found(b"CHARSET KOI8-R ALL")


@pytest.mark.parametrize(
    "keys",
    [b"", b"FOO", b"SUBJECT", b"ON 31-Feb-2026", b"ON today", b"LARGER x", b"OR SEEN", b"NOT", b"()",
    b"(SEEN", b"UID x",
     b"SEEN  SEEN", b"(" * 100 + b"ALL" + b")" * 100, b"NOT " * 5000 + b"ALL",
     b"ALL " * 1000 + b"ALL", b"OLDER 0", b"YOUNGER x", b"$:2"],
)  # fmt: skip
def test_what_is_no_search_is_a_syntax_error(keys: bytes) -> None:
    with pytest.raises(CommandSyntaxError):
        found(keys)


def test_a_text_that_is_not_in_its_charset_is_a_syntax_error() -> None:
    with pytest.raises(CommandSyntaxError, match="UTF-8"):
        found(b"SUBJECT ", b"\xff")


@pytest.mark.parametrize("keys", [b"1:*", b"NOT UID 1:*", b"2:999999999 UID 7:*"])
def test_no_set_is_written_out_however_many_messages_there_are(keys: bytes) -> None:
    many = range(1, 10**9)  # a list of them would fill the memory
    assert cost(resolved(parse_search(Arguments((keys,))), many, frozenset())) is Cost.NOTHING
