from __future__ import annotations

import datetime as dt

import pytest

from mailserver_sim.imap.view import SelectedView
from mailserver_sim.store.values import Appended, Emptied, Expunged, Flags, FlagsChanged, MessageInfo
from tests.mailserver_sim.imap.views import view_of

ALL = frozenset({"\\Seen", "$Done"})


def message(uid: int, *flags: str, modseq: int = 1) -> MessageInfo:
    return MessageInfo(uid, frozenset(flags), dt.datetime(2026, 11, 3, tzinfo=dt.UTC), 10, modseq)


def view(*, known: bool = True, keywords: Flags = frozenset({"$Done"})) -> SelectedView:
    messages = [message(1, "\\Seen"), message(2), message(4)]
    return view_of(messages, first_recent=4, known=known, keywords=keywords)


def flags_told(selected: SelectedView, uid: int) -> bytes:
    return selected.flags(uid, selected.message(uid).flags)


def test_removed_messages_are_told_from_the_end() -> None:
    selected = view()
    selected.apply(Expunged(1, (1, 2)), mine=False)
    # RFC 3501, section 7.4.1: numbers above a removed message are decremented at once
    assert selected.untagged(expunge_allowed=True) == [b"2 EXPUNGE", b"1 EXPUNGE"]
    assert list(selected.uids) == [4]


def test_everything_is_gone_from_a_mailbox_that_was_emptied_also_what_was_not_told_yet() -> None:
    selected = view()
    selected.apply(Appended(1, (message(5),)), mine=False)
    selected.apply(Emptied(1), mine=False)
    assert selected.untagged(expunge_allowed=True) == [b"3 EXPUNGE", b"2 EXPUNGE", b"1 EXPUNGE"]
    assert list(selected.uids) == []


def test_a_removed_message_keeps_its_number_until_it_may_be_told() -> None:
    selected = view()
    selected.apply(Expunged(1, (1,)), mine=False)
    assert selected.untagged(expunge_allowed=False) == []
    assert selected.number(4) == 3
    assert selected.is_gone(1)


def test_new_messages_have_no_number_until_they_are_told() -> None:
    selected = view()
    selected.apply(Appended(1, (message(5),)), mine=False)
    assert list(selected.uids) == [1, 2, 4]
    assert selected.untagged(expunge_allowed=False) == [b"4 EXISTS", b"2 RECENT"]
    assert list(selected.uids) == [1, 2, 4, 5]


def test_a_message_that_was_read_with_the_mailbox_is_not_counted_twice() -> None:
    selected = view()
    selected.apply(Appended(1, (message(4),)), mine=False)
    assert selected.untagged(expunge_allowed=True) == []


def test_flags_changed_by_another_session_are_told() -> None:
    selected = view()
    selected.apply(FlagsChanged(1, ((2, frozenset({"\\Flagged"})),)), mine=False)
    assert selected.untagged(expunge_allowed=False) == [b"2 FETCH (FLAGS (\\Flagged) UID 2)"]
    assert selected.untagged(expunge_allowed=False) == []


def test_flags_changed_by_this_session_are_not_told_again() -> None:
    selected = view()
    selected.apply(FlagsChanged(1, ((2, frozenset({"\\Flagged"})),)), mine=True)
    assert selected.untagged(expunge_allowed=False) == []
    assert flags_told(selected, 2) == b"(\\Flagged)"


def test_flags_that_are_the_same_as_before_are_not_told() -> None:
    selected = view()
    selected.apply(FlagsChanged(1, ((1, frozenset({"\\Seen"})),), modseq=7), mine=False)
    assert selected.untagged(expunge_allowed=False) == []
    assert selected.message(1).modseq == 7


def test_a_change_from_before_the_mailbox_was_read_is_known_already() -> None:
    selected = view_of([message(1, "\\Seen", modseq=8)], first_recent=4)
    selected.apply(FlagsChanged(1, ((1, frozenset({"\\Flagged"})),), modseq=7), mine=False)
    assert selected.untagged(expunge_allowed=False) == []
    assert (flags_told(selected, 1), selected.message(1).modseq) == (b"(\\Seen)", 8)


def test_a_modseq_is_told_to_those_who_have_enabled_it() -> None:
    selected = view()
    selected.apply(FlagsChanged(1, ((2, frozenset({"\\Flagged"})),), modseq=7), mine=False)
    # RFC 7162, section 7: fetch-mod-resp = "MODSEQ" SP "(" permsg-modsequence ")"
    told = selected.untagged(expunge_allowed=False, with_modseq=True)
    assert told == [b"2 FETCH (FLAGS (\\Flagged) UID 2 MODSEQ (7))"]


def test_recent_is_shown_for_messages_that_no_session_was_told_of() -> None:
    assert flags_told(view(), 4) == b"(\\Recent)"
    assert flags_told(view(), 2) == b"()"


def test_flags_of_a_message_that_was_never_read_are_told_too() -> None:
    selected = view(known=False)
    selected.apply(FlagsChanged(1, ((2, ALL),), modseq=7), mine=False)
    selected.apply(FlagsChanged(1, ((1, ALL),), modseq=8), mine=True)
    assert selected.untagged(expunge_allowed=False, with_modseq=True) == [
        b"2 FETCH (FLAGS ($Done \\Seen) UID 2 MODSEQ (7))"
    ]


def test_a_message_is_read_as_it_was_before_a_change_and_has_the_change_all_the_same() -> None:
    selected = view(known=False)
    selected.apply(FlagsChanged(1, ((2, ALL),), modseq=7), mine=True)
    selected.known.take([message(2, modseq=6)])
    assert (selected.message(2).flags, selected.message(2).modseq) == (ALL, 7)


def test_a_message_that_is_read_behind_a_change_keeps_what_was_read() -> None:
    selected = view(known=False)
    selected.apply(FlagsChanged(1, ((2, ALL),), modseq=7), mine=True)
    selected.known.take([message(2, "\\Flagged", modseq=8)])
    selected.known.take([message(2, modseq=6)])
    assert (selected.message(2).flags, selected.message(2).modseq) == (frozenset({"\\Flagged"}), 8)


def test_of_several_changes_before_the_reading_the_last_one_holds() -> None:
    selected = view(known=False)
    for modseq, flags in ((7, ALL), (9, frozenset({"\\Flagged"})), (8, frozenset[str]())):
        selected.apply(FlagsChanged(1, ((2, flags),), modseq=modseq), mine=True)
    selected.known.take([message(2)])
    assert selected.message(2).flags == {"\\Flagged"}


def test_only_what_was_never_read_has_to_be_read() -> None:
    selected = view(known=False)
    selected.known.take([message(2)])
    selected.apply(Appended(1, (message(5),)), mine=False)
    selected.untagged(expunge_allowed=True)
    assert selected.known.missing(selected.uids) == [1, 4]


def test_a_change_of_a_message_that_the_session_never_counted_is_nothing_to_tell() -> None:
    selected = view(known=False)
    selected.apply(FlagsChanged(1, ((3, ALL),), modseq=7), mine=False)
    assert selected.untagged(expunge_allowed=True) == []


def test_a_message_that_was_removed_before_it_was_read_is_known_until_that_is_told() -> None:
    selected = view(known=False)
    selected.apply(Expunged(1, (2, 3), last=(message(2, "\\Seen"), message(3))), mine=False)
    assert selected.message(2).flags == frozenset({"\\Seen"})
    assert selected.known.get(3) is None
    selected.untagged(expunge_allowed=True)
    assert selected.known.get(2) is None


def test_a_removed_message_is_told_even_if_its_flags_changed_before() -> None:
    selected = view(known=False)
    selected.apply(FlagsChanged(1, ((2, ALL),), modseq=7), mine=False)
    selected.apply(Expunged(1, (2,)), mine=False)
    assert selected.untagged(expunge_allowed=True) == [b"2 EXPUNGE"]


TOLD = [
    b"FLAGS ($Done \\Answered \\Deleted \\Draft \\Flagged \\Seen)",
    b"OK [PERMANENTFLAGS ($Done \\* \\Answered \\Deleted \\Draft \\Flagged \\Seen)] Flags that are kept",
]


def test_a_new_keyword_is_told_once_before_the_message_that_has_it() -> None:
    selected = view(keywords=frozenset())
    selected.apply(FlagsChanged(1, ((2, ALL),), modseq=2), mine=False)
    assert selected.untagged(expunge_allowed=False) == [*TOLD, b"2 FETCH (FLAGS ($Done \\Seen) UID 2)"]
    selected.apply(FlagsChanged(1, ((1, ALL),), modseq=3), mine=False)
    assert selected.untagged(expunge_allowed=False) == [b"1 FETCH (FLAGS ($Done \\Seen) UID 1)"]


def test_a_new_keyword_is_told_to_the_session_that_has_invented_it() -> None:
    selected = view(keywords=frozenset())
    selected.apply(FlagsChanged(1, ((2, ALL),), modseq=2), mine=True)
    assert [*selected.new_keyword_lines()] == TOLD
    assert selected.untagged(expunge_allowed=True) == []


def test_a_new_keyword_may_come_with_a_message() -> None:
    selected = view(keywords=frozenset())
    selected.apply(Appended(1, (message(5, "$Done"),)), mine=False)
    assert selected.untagged(expunge_allowed=True) == [b"4 EXISTS", b"2 RECENT", *TOLD]


def test_keywords_that_were_there_when_the_mailbox_was_read_are_no_news() -> None:
    selected = view_of([message(1)], keywords=frozenset({"$Done"}))
    selected.apply(FlagsChanged(1, ((1, ALL),), modseq=2), mine=True)
    assert selected.untagged(expunge_allowed=True) == []


def test_whoever_invents_keywords_without_end_is_not_told_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailserver_sim.imap.view.MOST_KEYWORDS", 2)
    selected = view(keywords=frozenset())
    for number in range(4):
        selected.apply(FlagsChanged(1, ((2, frozenset({f"k{number}"})),), modseq=number + 2), mine=True)
    assert selected.keywords == {"k0", "k1"}
