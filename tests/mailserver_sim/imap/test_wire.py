from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.wire import (
    canonical_flag,
    date_time,
    mailbox_name,
    nstring,
    parse_date_time,
    parse_mailbox_name,
    string,
)


@pytest.mark.parametrize(
    ("data", "written"),
    [
        (b"plain", b'"plain"'),
        (b'a"b\\c', b'"a\\"b\\\\c"'),
        (b"", b'""'),
        (b"line\r\n", b"{6}\r\nline\r\n"),
        (b"\xc3\xa4", b"{2}\r\n\xc3\xa4"),
    ],
)
def test_a_string_is_quoted_where_that_is_possible(data: bytes, written: bytes) -> None:
    assert string(data) == written


def test_none_is_nil() -> None:
    assert nstring(None) == b"NIL"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        # RFC 3501, section 5.1.3: "~peter/mail/&U,BTFw-/&ZeVnLIqe-" mixes English, Chinese and Japanese text.
        ("~peter/mail/台北/日本語", b'"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),
        ("A&B", b'"A&-B"'),
        ("Entwürfe", b'"Entw&APw-rfe"'),
    ],
)
def test_a_mailbox_name_is_written_in_modified_utf_7(name: str, written: bytes) -> None:
    assert mailbox_name(name) == written
    assert parse_mailbox_name(written.strip(b'"')) == name


@given(st.text(st.characters(min_codepoint=32, blacklist_categories=["Cs"]), max_size=40))
def test_every_mailbox_name_comes_back(name: str) -> None:
    assert parse_mailbox_name(Arguments((mailbox_name(name),)).astring()) == name


@pytest.mark.parametrize("data", [b"\xc3\xa4", b"&AAA!-", b"&A-"])
def test_a_malformed_mailbox_name_is_a_syntax_error(data: bytes) -> None:
    with pytest.raises(CommandSyntaxError):
        parse_mailbox_name(data)


def test_a_date_time_is_written_as_in_the_rfc() -> None:
    # RFC 3501, section 7.4.2 (FETCH example): INTERNALDATE "17-Jul-1996 02:44:25 -0700"
    moment = dt.datetime(1996, 7, 17, 2, 44, 25, tzinfo=dt.timezone(dt.timedelta(hours=-7)))
    assert date_time(moment) == b'"17-Jul-1996 02:44:25 -0700"'
    assert parse_date_time(b'"17-Jul-1996 02:44:25 -0700"') == moment


def test_a_day_below_ten_is_written_with_a_space() -> None:
    # date-day-fixed = (SP DIGIT) / 2DIGIT
    assert date_time(dt.datetime(2026, 11, 3, tzinfo=dt.UTC)) == b'" 3-Nov-2026 00:00:00 +0000"'


@pytest.mark.parametrize("text", [b'"31-Feb-2026 00:00:00 +0000"', b'"1-Feb-2026"', b'"01-Foo-2026 00:00:00 +0000"'])
def test_what_is_no_date_time_is_a_syntax_error(text: bytes) -> None:
    with pytest.raises(CommandSyntaxError):
        parse_date_time(text)


def test_system_flags_have_one_spelling() -> None:
    assert canonical_flag("\\SEEN") == "\\Seen"
    assert canonical_flag("$Forwarded") == "$Forwarded"
    with pytest.raises(CommandSyntaxError):
        canonical_flag("\\Unknown")


def test_a_mailbox_name_in_utf_8_is_quoted_as_it_is() -> None:
    assert mailbox_name('Zähler & "neu"', utf8=True) == '"Zähler & \\"neu\\""'.encode()
    assert parse_mailbox_name("Zähler &AOQ-".encode(), utf8=True) == "Zähler &AOQ-"
