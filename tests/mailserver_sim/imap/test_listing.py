from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mailserver_sim.imap.connection import ImapConnection
from mailserver_sim.imap.hierarchy import parent_names
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import RawClient, RunningServer, mail


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


def test_the_parents_of_many_names_are_found_in_no_time() -> None:
    names = [f"{number}/" + "/".join("a" * 200) for number in range(1000)]
    begin = time.process_time()
    assert len(parent_names(names)) == 1000 * 200
    assert time.process_time() - begin < 2  # a look at every name for every name takes a minute
    assert parent_names(["a", "a.b", "b/c/d"]) == {"b", "b/c"}


def test_the_other_clients_have_their_turn_during_a_long_list(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[None] = []
    let_others_run = ImapConnection.let_others_run

    async def counted(connection: ImapConnection) -> None:
        turns.append(None)
        await let_others_run(connection)

    monkeypatch.setattr(ImapConnection, "let_others_run", counted)
    monkeypatch.setattr("mailserver_sim.imap.listing.NAMES_AT_A_TIME", 1)
    with server.raw_logged_in() as client:
        client.command(b"a CREATE x")
        assert len(client.command(b'b LIST "" "*"')) == 3
    assert len(turns) == 2


def test_list_looks_for_children_once_for_all_mailboxes(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailserver_sim.imap.hierarchy.parent_names", lambda names: {max(names)})
    with server.raw_logged_in() as client:
        client.command(b"a CREATE x/y")
        assert client.command(b'b LIST "" x/y')[0] == b'* LIST (\\HasChildren) "/" "x/y"'
        assert client.command(b'c LIST "" x')[0] == b'* LIST (\\HasNoChildren) "/" "x"'


@pytest.fixture
def tree(server: RunningServer) -> Iterator[RawClient]:
    r"""A client whose user has Jahr/2026/Januar (subscribed), Jahr/2027, Drafts, and the subscribed Gone/away."""
    with server.raw_logged_in() as client:
        for number, line in enumerate(
            (b"CREATE Jahr/2026/Januar", b"CREATE Jahr/2027", b"CREATE Drafts", b"CREATE Gone/away",
             b"SUBSCRIBE Jahr/2026/Januar", b"SUBSCRIBE Gone/away", b"DELETE Gone/away", b"DELETE Gone")
        ):  # fmt: skip
            assert client.command(b"t%d " % number + line)[-1].startswith(b"t%d OK" % number)
        yield client


def listed(client: RawClient, arguments: bytes) -> list[bytes]:
    answer = client.command(b"l " + arguments)
    assert answer[-1].startswith(b"l OK"), answer
    return [line.removeprefix(b"* LIST ").removeprefix(b"* LSUB ") for line in answer[:-1]]


def test_a_parent_of_a_subscribed_name_is_told_by_lsub_as_noselect(tree: RawClient) -> None:
    # RFC 3501, section 6.3.9: "it MUST be flagged with the \\Noselect attribute"
    assert listed(tree, b'LSUB "" %') == [
        b'(\\Noselect) "/" "Gone"', b'() "/" "INBOX"', b'(\\Noselect) "/" "Jahr"'
    ]  # fmt: skip
    assert listed(tree, b'LSUB "" Jahr/%') == [b'(\\Noselect) "/" "Jahr/2026"']
    assert listed(tree, b'LSUB "" *') == [b'() "/" "Gone/away"', b'() "/" "INBOX"', b'() "/" "Jahr/2026/Januar"']


def test_inbox_is_matched_in_any_case_also_as_a_parent(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"a CREATE INBOX/child")
        client.command(b"b CREATE Inboxes")
        for pattern in (b"inbox/%", b"InBoX/child", b"inbox/*"):
            assert listed(client, b'LIST "" ' + pattern) == [b'(\\HasNoChildren) "/" "INBOX/child"']
        assert listed(client, b'LIST "" inbox/CHILD') == []
        assert listed(client, b'LIST "" Inboxes') == [b'(\\HasNoChildren) "/" "Inboxes"']


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # RFC 5258, section 3.1: SUBSCRIBED, and what does not exist
        (
            b'LIST (SUBSCRIBED) "" *',
            [
                b'(\\NonExistent \\Subscribed) "/" "Gone/away"', b'(\\Subscribed) "/" "INBOX"',
                b'(\\Subscribed) "/" "Jahr/2026/Januar"',
            ],
        ),
        (b'LIST (SUBSCRIBED) "" %', [b'(\\Subscribed) "/" "INBOX"']),
        # section 3.5: CHILDINFO
        (
            b'LIST (SUBSCRIBED RECURSIVEMATCH) "" %',
            [
                b'(\\NonExistent) "/" "Gone" ("CHILDINFO" ("SUBSCRIBED"))', b'(\\Subscribed) "/" "INBOX"',
                b'() "/" "Jahr" ("CHILDINFO" ("SUBSCRIBED"))',
            ],
        ),
        (
            b'LIST (RECURSIVEMATCH SUBSCRIBED) "" *',
            [
                b'(\\NonExistent \\Subscribed) "/" "Gone/away"', b'(\\Subscribed) "/" "INBOX"',
                b'() "/" "Jahr" ("CHILDINFO" ("SUBSCRIBED"))', b'() "/" "Jahr/2026" ("CHILDINFO" ("SUBSCRIBED"))',
                b'(\\Subscribed) "/" "Jahr/2026/Januar"',
            ],
        ),
        # section 3.2: return options
        (b'LIST "" Jahr/2026 RETURN (CHILDREN)', [b'(\\HasChildren) "/" "Jahr/2026"']),
        (b'LIST "" INBOX RETURN (SUBSCRIBED CHILDREN)', [b'(\\HasNoChildren \\Subscribed) "/" "INBOX"']),
        (b'LIST "" INBOX RETURN ()', [b'() "/" "INBOX"']),
        (b'LIST () "" INBOX', [b'() "/" "INBOX"']),
        (b'LIST (REMOTE) "" INBOX', [b'() "/" "INBOX"']),
        # section 3, several patterns: a mailbox that matches twice is told once
        (b'LIST "" (INBOX "inb*" Drafts)', [b'() "/" "Drafts"', b'() "/" "INBOX"']),
        (b'LIST Jahr/ ("2026" "2027")', [b'() "/" "Jahr/2026"', b'() "/" "Jahr/2027"']),
        # RFC 6154, section 2
        (b'LIST "" Drafts', [b'(\\HasNoChildren \\Drafts) "/" "Drafts"']),
        (b'LIST (SPECIAL-USE) "" *', [b'(\\Drafts) "/" "Drafts"']),
        (b'LIST "" (Drafts INBOX) RETURN (SPECIAL-USE)', [b'(\\Drafts) "/" "Drafts"', b'() "/" "INBOX"']),
        (b'LIST "" Drafts RETURN (CHILDREN)', [b'(\\HasNoChildren) "/" "Drafts"']),
    ],
)  # fmt: skip
def test_an_extended_list_tells_what_it_is_asked_for(tree: RawClient, arguments: bytes, expected: list[bytes]) -> None:
    assert listed(tree, arguments) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        b'(FOO) "" *', b'(RECURSIVEMATCH) "" *', b'(RECURSIVEMATCH REMOTE) "" *', b'"" * RETURN', b'"" * RETURN (FOO)',
        b'"" * RETURN (STATUS)', b'"" * RETURN (STATUS (FOO))', b'"" ()', b'"" (* % ', b'"" * FOO', b'(SUBSCRIBED "" *',
        b'"" (' + b"a " * 50 + b"a)",
    ],
)  # fmt: skip
def test_what_is_no_extended_list_is_bad(server: RunningServer, arguments: bytes) -> None:
    with server.raw_logged_in() as client:
        assert client.command(b"a LIST " + arguments)[-1].startswith(b"a BAD ")


def test_list_tells_the_numbers_of_what_can_be_selected(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Jahr/2026")
        client.command(b"b DELETE Jahr")
        # RFC 5819, section 2: no STATUS for what is \\NoSelect
        assert client.command(b'c LIST "" % RETURN (STATUS (MESSAGES UNSEEN))')[:-1] == [
            b'* LIST () "/" "INBOX"',
            b'* STATUS "INBOX" (MESSAGES 1 UNSEEN 1)',
            b'* LIST (\\Noselect) "/" "Jahr"',
        ]


def test_the_settings_say_which_folders_are_special(start_server: StartServer) -> None:
    server = start_server(special_folders={"Papierkorb": "\\Trash"})
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Papierkorb")
        client.command(b"b CREATE Drafts")
        assert listed(client, b'LIST (SPECIAL-USE) "" *') == [b'(\\Trash) "/" "Papierkorb"']


def test_the_numbers_behind_the_names_are_all_those_of_status(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        items = b"(SIZE DELETED DELETED-STORAGE HIGHESTMODSEQ)"
        listed = client.command(b'a LIST "" INBOX RETURN (STATUS ' + items + b")")
        assert listed[1] == client.command(b"b STATUS INBOX " + items)[0]


def test_who_asks_for_modseq_behind_the_names_is_told_modseq_from_then_on(server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b'a LIST "" INBOX RETURN (STATUS (HIGHESTMODSEQ))')
        client.command(b"b SELECT INBOX")
        assert client.command(b"c STORE 1 +FLAGS (\\Seen)")[0].endswith(b" MODSEQ (3))")  # RFC 7162, section 3.1


def test_names_and_patterns_are_utf_8_once_enabled_in_an_extended_list_too(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"a ENABLE UTF8=ACCEPT")
        client.command('b CREATE "Entwürfe"'.encode())
        listed = client.command('c LIST () "Ent" ("wü%" x) RETURN (STATUS (MESSAGES))'.encode())
        below = client.command('d LIST "Entwü" (rfe) RETURN ()'.encode())
    assert listed[:-1] == ['* LIST () "/" "Entwürfe"'.encode(), '* STATUS "Entwürfe" (MESSAGES 0)'.encode()]
    assert below[0] == listed[0]
