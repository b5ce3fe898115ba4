from __future__ import annotations

import pytest

from tests.mailserver_sim.running import RunningServer


def test_enable_tells_what_this_command_has_enabled(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        # RFC 5161, section 3.1: what is not known, or cannot be enabled, is passed over.
        assert client.command(b"a ENABLE condstore X-GOOD-IDEA IDLE")[0] == b"* ENABLED CONDSTORE"
        assert client.command(b"b ENABLE CONDSTORE UTF8=ACCEPT")[0] == b"* ENABLED UTF8=ACCEPT"
        assert client.command(b"c ENABLE X-GOOD-IDEA") == [b"* ENABLED", b"c OK ENABLE completed"]


def test_enable_needs_a_name(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        assert client.command(b"a ENABLE")[-1].startswith(b"a BAD ")


def test_enable_is_for_those_who_are_logged_in(server: RunningServer) -> None:
    with server.raw() as client:
        assert client.command(b"a ENABLE CONDSTORE")[-1].startswith(b"a BAD [CLIENTBUG] ")


def test_names_are_utf_8_in_both_directions_once_enabled(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Entw&APw-rfe")
        client.command(b"b ENABLE UTF8=ACCEPT")
        # RFC 6855, section 3: no modified UTF-7 any more, so "&" stands for itself.
        client.command(b'c CREATE "A&B"')
        listed = client.command(b'd LIST "" *')
        status = client.command('e STATUS "Entwürfe" (MESSAGES)'.encode())
        client.command('f SUBSCRIBE "Entwürfe"'.encode())
        pattern = client.command('h LIST "" "%twü%"'.encode())
        subscribed = client.command(b'g LSUB "" "Entw*"')
    assert '* LIST (\\HasNoChildren) "/" "Entwürfe"'.encode() in listed
    assert b'* LIST (\\HasNoChildren) "/" "A&B"' in listed
    assert pattern[:-1] == ['* LIST (\\HasNoChildren) "/" "Entwürfe"'.encode()]
    assert status[0] == '* STATUS "Entwürfe" (MESSAGES 0)'.encode()
    assert subscribed[0] == '* LSUB () "/" "Entwürfe"'.encode()


def test_names_are_modified_utf_7_for_those_who_have_not_enabled_it(server: RunningServer) -> None:
    with server.raw_logged_in() as client, server.raw_logged_in() as other:
        client.command(b"a ENABLE UTF8=ACCEPT")
        client.command('b CREATE "Entwürfe"'.encode())
        assert b'* LIST (\\HasNoChildren) "/" "Entw&APw-rfe"' in other.command(b'c LIST "" *')
        assert other.command('d STATUS "Entwürfe" (MESSAGES)'.encode())[-1].startswith(b"d BAD ")


def test_a_name_that_is_no_utf_8_is_refused(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"a ENABLE UTF8=ACCEPT")
        assert client.command(b'b CREATE "\xff"')[-1].startswith(b"b BAD ")


def test_a_search_with_a_charset_is_refused_once_enabled(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        assert client.command(b"b SEARCH CHARSET UTF-8 ALL")[-1].startswith(b"b OK ")
        client.command(b"c ENABLE UTF8=ACCEPT")
        assert client.command(b"d SEARCH CHARSET UTF-8 ALL")[-1].startswith(b"d BAD ")  # RFC 6855, section 3
        assert client.command(b"e SEARCH RETURN (COUNT) CHARSET UTF-8 ALL")[-1].startswith(b"e BAD ")


@pytest.mark.parametrize("line", [b"SORT (DATE) UTF-8 ALL", b"THREAD REFERENCES UTF-8 ALL"])
def test_sort_and_thread_keep_their_charset(server: RunningServer, line: bytes) -> None:
    with server.raw_logged_in() as client:
        client.command(b"a SELECT INBOX")
        client.command(b"b ENABLE UTF8=ACCEPT")
        assert client.command(b"c " + line)[-1].startswith(b"c OK ")  # RFC 5256, section 3: it is "not optional"
