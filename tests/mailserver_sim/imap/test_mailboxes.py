from __future__ import annotations

import pytest

from mailserver_sim.imap.mailboxes import wildcard
from tests.mailserver_sim.running import RunningServer, mail


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        # RFC 3501, section 6.3.8: "*" matches zero or more characters, "%" the same but not the delimiter.
        ("*", "a/b", True), ("%", "a", True), ("%", "a/b", False), ("a/%", "a/b", True), ("%/b", "a/b", True),
        ("inbox", "INBOX", True), ("A", "a", False), ("a.c", "abc", False), ("%*%", "a/b/c", True), ("x*", "a", False),
    ],
)  # fmt: skip
def test_wildcards_stop_where_the_rfc_says(pattern: str, name: str, *, matches: bool) -> None:
    assert wildcard(pattern)(name) is matches


def test_many_wildcards_cost_no_time() -> None:
    assert not wildcard("*a" * 500)("a" * 499 + "b")


def test_a_mailbox_lives_from_create_to_delete(server: RunningServer) -> None:
    client = server.imap()
    assert client.create("Archiv/2026")[0] == "OK"
    assert client.list('""', "*")[1] == [
        b'(\\HasChildren) "/" "Archiv"',
        b'(\\HasNoChildren) "/" "Archiv/2026"',
        b'(\\HasNoChildren) "/" "INBOX"',
    ]
    assert client.rename("Archiv", "Ablage")[0] == "OK"
    assert client.list('""', "Ablage/%")[1] == [b'(\\HasNoChildren) "/" "Ablage/2026"']
    assert client.delete("Ablage/2026")[0] == "OK"
    assert client.list('""', "Ablage/%")[1] == [None]
    client.logout()


def test_a_mailbox_with_children_becomes_noselect_and_cannot_be_opened(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Archiv/2026")
        client.command(b"b DELETE Archiv")
        assert client.command(b'c LIST "" Archiv')[0] == b'* LIST (\\HasChildren \\Noselect) "/" "Archiv"'
        assert client.command(b"d SELECT Archiv")[-1].startswith(b"d NO [NONEXISTENT] ")


def test_a_mailbox_created_again_has_another_uidvalidity(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        found = []
        for tag in (b"a", b"b"):
            client.command(tag + b" CREATE Archiv")
            found.append(client.command(tag + b" STATUS Archiv (UIDVALIDITY)")[0])
            client.command(tag + b" DELETE Archiv")
    assert found[0] != found[1]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"CREATE INBOX", b"ALREADYEXISTS"),
        (b"DELETE INBOX", b"CANNOT"),
        (b"CREATE a//b", b"CANNOT"),
        (b'CREATE "a*"', b"CANNOT"),
        (b"RENAME Nowhere x", b"NONEXISTENT"),
        (b"RENAME INBOX INBOX", b"ALREADYEXISTS"),
    ],
)
def test_a_refusal_about_a_mailbox_has_its_code(server: RunningServer, line: bytes, code: bytes) -> None:
    with server.raw_logged_in() as client:
        assert client.command(b"a " + line)[-1].startswith(b"a NO [" + code + b"] ")


def test_renaming_inbox_moves_its_mail_and_leaves_it_empty(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        assert client.command(b"a RENAME INBOX Alt")[-1].startswith(b"a OK")
        assert client.command(b"b STATUS Alt (MESSAGES)")[0] == b'* STATUS "Alt" (MESSAGES 1)'
        assert client.command(b"c STATUS INBOX (MESSAGES)")[0] == b'* STATUS "INBOX" (MESSAGES 0)'


def test_subscriptions_are_listed_by_lsub(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Archiv")
        client.command(b"b SUBSCRIBE Archiv")
        assert client.command(b'c LSUB "" "*"')[:-1] == [b'* LSUB () "/" "Archiv"', b'* LSUB () "/" "INBOX"']
        client.command(b"d UNSUBSCRIBE Archiv")
        assert client.command(b'e LSUB "" "*"')[:-1] == [b'* LSUB () "/" "INBOX"']


def test_an_empty_pattern_asks_for_the_delimiter(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        assert client.command(b'a LIST "" ""')[0] == b'* LIST (\\Noselect) "/" ""'


def test_status_counts(server: RunningServer) -> None:
    raw = mail()
    server.deliver(raw)
    with server.raw_logged_in() as client:
        answer = client.command(b"a STATUS INBOX (MESSAGES UIDNEXT UNSEEN RECENT SIZE)")[0]
    assert answer == b'* STATUS "INBOX" (MESSAGES 1 UIDNEXT 2 UNSEEN 1 RECENT 1 SIZE %d)' % len(raw)


@pytest.mark.parametrize("items", [b"(FOO)", b"(MESSAGES FOO)", b"()", b"MESSAGES"])
def test_an_unknown_status_item_is_answered(server: RunningServer, items: bytes) -> None:
    with server.raw_logged_in() as client:
        assert client.command(b"a STATUS INBOX " + items)[-1].startswith(b"a BAD ")
