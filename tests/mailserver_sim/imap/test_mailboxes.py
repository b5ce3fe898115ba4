from __future__ import annotations

import sqlite3
import time

import pytest

from mailserver_sim.store import mailboxes
from mailserver_sim.store.mailboxes import DEEPEST_LEVEL, MOST_MAILBOXES
from mailserver_sim.store.values import Written
from tests.mailserver_sim.running import USER, RunningServer, mail


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


@pytest.mark.slow
def test_list_over_a_full_account_with_many_wildcards_takes_no_time(server: RunningServer) -> None:
    names = [f"Archiv/{number:03}" + "a" * 100 for number in range(MOST_MAILBOXES - 2)]

    def fill(connection: sqlite3.Connection) -> Written[None]:
        for name in names:
            mailboxes.create(connection, USER, name)
        return Written(None)

    async def create() -> None:
        await server.server.store._write(fill)

    server.loop.run(create())
    with server.raw_logged_in() as client:
        begin = time.monotonic()
        assert client.command(b'a LIST "" "' + b"*a" * 490 + b'b"') == [b"a OK LIST completed"]
        assert client.command(b'b LIST "" "' + b"*a%a" * 240 + b'b"') == [b"b OK LIST completed"]
        assert len(client.command(b'c LIST "" "*"')) == MOST_MAILBOXES + 1
        assert time.monotonic() - begin < 2
        # RFC 5530, section 3: LIMIT
        assert client.command(b"d CREATE one-more")[-1].startswith(b"d NO [LIMIT] ")
        assert client.command(b"e RENAME INBOX one-more")[-1].startswith(b"e NO [LIMIT] ")
        assert client.command(b"f RENAME Archiv/" + names[0][7:].encode() + b" x/y")[-1].startswith(b"f NO [LIMIT] ")
        assert client.command(b"g RENAME Archiv x")[-1].startswith(b"g OK ")
        assert len(client.command(b'h LIST "" "*"')) == MOST_MAILBOXES + 1


def test_a_hierarchy_is_at_most_twenty_levels_deep(server: RunningServer) -> None:
    deepest = "/".join("a" * DEEPEST_LEVEL).encode()
    with server.raw_logged_in() as client:
        assert client.command(b"a CREATE " + deepest + b"/a")[-1].startswith(b"a NO [LIMIT] ")
        assert client.command(b"b CREATE " + deepest)[-1].startswith(b"b OK ")
        assert client.command(b"c RENAME a/a b/c/d")[-1].startswith(b"c NO [LIMIT] ")  # because of its children
        assert client.command(b'd LIST "" b*') == [b"d OK LIST completed"]


def test_subscriptions_are_bounded_too(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "MOST_MAILBOXES", 2)
    with server.raw_logged_in() as client:
        client.command(b"a CREATE x")
        assert client.command(b"b SUBSCRIBE x")[-1].startswith(b"b OK ")  # beside INBOX
        client.command(b"c DELETE x")
        client.command(b"d CREATE y")
        assert client.command(b"e SUBSCRIBE y")[-1].startswith(b"e NO [LIMIT] ")
        assert client.command(b"f SUBSCRIBE INBOX")[-1].startswith(b"f OK ")
