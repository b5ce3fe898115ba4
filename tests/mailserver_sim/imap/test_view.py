from __future__ import annotations

import datetime as dt

from mailserver_sim.imap.view import SelectedView
from mailserver_sim.store.values import Appended, Expunged, FlagsChanged, MailboxInfo, MessageInfo

MAILBOX = MailboxInfo(1, "INBOX", 10, 5, first_recent=4)


def message(uid: int, *flags: str) -> MessageInfo:
    return MessageInfo(uid, frozenset(flags), dt.datetime(2026, 11, 3, tzinfo=dt.UTC), 10)


def view() -> SelectedView:
    return SelectedView(MAILBOX, [message(1, "\\Seen"), message(2), message(4)], read_only=False)


def test_removed_messages_are_told_from_the_end() -> None:
    selected = view()
    selected.apply(Expunged(1, (1, 2)), mine=False)
    # RFC 3501, section 7.4.1: numbers above a removed message are decremented at once
    assert selected.untagged(expunge_allowed=True) == [b"2 EXPUNGE", b"1 EXPUNGE"]
    assert list(selected.uids) == [4]


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
    assert selected.flags(2) == b"(\\Flagged)"


def test_flags_that_are_the_same_as_before_are_not_told() -> None:
    selected = view()
    selected.apply(FlagsChanged(1, ((1, frozenset({"\\Seen"})),), modseq=7), mine=False)
    assert selected.untagged(expunge_allowed=False) == []
    assert selected.message(1).modseq == 7


def test_a_change_from_before_the_mailbox_was_read_is_known_already() -> None:
    newer = MessageInfo(1, frozenset({"\\Seen"}), dt.datetime(2026, 11, 3, tzinfo=dt.UTC), 10, modseq=8)
    selected = SelectedView(MAILBOX, [newer], read_only=False)
    selected.apply(FlagsChanged(1, ((1, frozenset({"\\Flagged"})),), modseq=7), mine=False)
    assert selected.untagged(expunge_allowed=False) == []
    assert (selected.flags(1), selected.message(1).modseq) == (b"(\\Seen)", 8)


def test_a_modseq_is_told_to_those_who_have_enabled_it() -> None:
    selected = view()
    selected.apply(FlagsChanged(1, ((2, frozenset({"\\Flagged"})),), modseq=7), mine=False)
    # RFC 7162, section 7: fetch-mod-resp = "MODSEQ" SP "(" permsg-modsequence ")"
    told = selected.untagged(expunge_allowed=False, with_modseq=True)
    assert told == [b"2 FETCH (FLAGS (\\Flagged) UID 2 MODSEQ (7))"]


def test_the_first_unseen_message_is_a_number_and_not_a_uid() -> None:
    assert SelectedView(MAILBOX, [message(7, "\\Seen"), message(9)], read_only=False).first_unseen() == 2


def test_recent_is_shown_for_messages_that_no_session_was_told_of() -> None:
    assert view().flags(4) == b"(\\Recent)"
    assert view().flags(2) == b"()"
