"""What is announced is implemented: every row of the table is announced somewhere and exercised here."""

from __future__ import annotations

import base64
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mailserver_sim.imap.capabilities import CAPABILITIES, Capability
from mailserver_sim.imap.commands import COMMANDS, UID_COMMANDS
from mailserver_sim.settings import AUTH_MECHANISMS, Account
from tests.mailserver_sim.capability_page import PAGE, capability_table, written
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import HOST_NAME, PASSWORD, TIMEOUT_S, USER, RawClient, RunningServer, mail

ACCOUNTS = (Account(USER, PASSWORD, tokens=("t0ken",)),)
EVERYTHING: dict[str, Any] = {"accounts": ACCOUNTS, "auth_mechanisms": AUTH_MECHANISMS}


LIMITED = {"accounts": (Account(USER, PASSWORD, quota_bytes=2048, quota_messages=3),)}


@dataclass(frozen=True)
class Exercise:
    """Lines to send and what their answers must contain, as regular expressions; ``+`` answers a challenge."""

    steps: tuple[tuple[bytes, bytes], ...]
    state: str = "logged in"
    settings: dict[str, Any] = field(default_factory=dict)


def encoded(text: str) -> bytes:
    return base64.b64encode(text.encode())


def auth(name: str, text: str) -> Exercise:
    return Exercise(((f"a AUTHENTICATE {name} ".encode() + encoded(text), rb"a OK "),), "under TLS")


def selected(line: bytes, expected: bytes) -> Exercise:
    return Exercise(((b"a SELECT INBOX", rb"a OK "), (line, expected)))


EXERCISES: dict[str, Exercise] = {
    "IMAP4rev1": Exercise(
        ((b"a SELECT INBOX", rb"\* 1 EXISTS"), (b"b FETCH 1 FLAGS", rb"1 FETCH"), (b"c SEARCH ALL", rb"SEARCH 1"))
    ),
    "ID": Exercise(((b'a ID ("name" "test")', rb'\* ID \("name" "'),)),
    "IDLE": Exercise(((b"a IDLE\r\nDONE", rb"\+ idling\n.*a OK "),)),
    "LITERAL-": Exercise(((b"a STATUS {5+}\r\nINBOX (MESSAGES)", rb"MESSAGES 1"),)),
    "LITERAL+": Exercise(((b"a APPEND INBOX {5000+}\r\n" + b"x" * 5000, rb"a OK "),), settings={"literal_plus": True}),
    "NAMESPACE": Exercise(((b"a NAMESPACE", rb'\* NAMESPACE \(\("" "/"\)\) NIL NIL'),)),
    "SASL-IR": auth("PLAIN", f"\0{USER}\0{PASSWORD}"),
    "UIDPLUS": Exercise(
        (
            (b"a CREATE x", rb"a OK "),
            (b"b SELECT INBOX", rb"b OK "),
            (b"c COPY 1 x", rb"c OK \[COPYUID \d+ 1 1\] "),
            (b"d STORE 1 +FLAGS (\\Deleted)", rb"d OK "),
            (b"e UID EXPUNGE 1", rb"\* 1 EXPUNGE"),
        )
    ),
    "UNSELECT": Exercise(((b"a SELECT INBOX", rb"a OK "), (b"b UNSELECT", rb"b OK "))),
    "CHILDREN": Exercise(((b'a LIST "" INBOX', rb"LIST \(\\HasNoChildren\)"),)),
    "APPENDLIMIT": Exercise(
        (
            (b"a APPEND INBOX {1001}", rb"a NO \[TOOBIG\] "),
            (b"b STATUS INBOX (APPENDLIMIT)", rb"\(APPENDLIMIT 1000\)"),  # RFC 7889, section 2
        ),
        settings={"max_message_bytes": 1000},
    ),
    "ENABLE": Exercise(((b"a ENABLE CONDSTORE X-UNKNOWN", rb"\* ENABLED CONDSTORE\na OK "),)),
    "MOVE": Exercise(
        (
            (b"a CREATE x", rb"a OK "),
            (b"b SELECT INBOX", rb"b OK "),
            (b"c MOVE 1 x", rb"\* OK \[COPYUID \d+ 1 1\] .*\n\* 1 EXPUNGE\nc OK "),
        )
    ),
    "CONDSTORE": Exercise(
        (
            (b"a SELECT INBOX (CONDSTORE)", rb"\* OK \[HIGHESTMODSEQ 2\] "),
            (b"b STORE 1 (UNCHANGEDSINCE 1) FLAGS (\\Seen)", rb"b OK \[MODIFIED 1\] "),
            (b"c FETCH 1 (FLAGS) (CHANGEDSINCE 1)", rb"MODSEQ \(2\)"),
        )
    ),
    "MULTIAPPEND": Exercise(((b"a APPEND INBOX {1+}\r\nx (\\Seen) {1+}\r\ny", rb"a OK \[APPENDUID \d+ 2:3\] "),)),
    "UTF8=ACCEPT": Exercise(
        (
            (b"a ENABLE UTF8=ACCEPT", rb"\* ENABLED UTF8=ACCEPT\n"),
            ('b CREATE "Entwürfe"'.encode(), rb"b OK "),
            (b'c LIST "" Entw*', '"Entwürfe"'.encode()),
        )
    ),
    "QUOTA": Exercise(
        ((b"a GETQUOTAROOT INBOX", rb"\* QUOTAROOT \"INBOX\" \"\"\n\* QUOTA \"\" \("),), settings=LIMITED
    ),
    "QUOTA=RES-STORAGE": Exercise(((b'a GETQUOTA ""', rb"STORAGE 1 2"),), settings=LIMITED),
    "QUOTA=RES-MESSAGE": Exercise(((b'a GETQUOTA ""', rb"MESSAGE 1 3"),), settings=LIMITED),
    "STATUS=SIZE": Exercise(((b"a STATUS INBOX (SIZE)", rb"\(SIZE [1-9]\d*\)"),)),
    "ESEARCH": selected(b"b SEARCH RETURN (MIN COUNT) ALL", rb'\* ESEARCH \(TAG "b"\) MIN 1 COUNT 1\n'),
    "SEARCHRES": selected(b"b UID SEARCH RETURN (SAVE COUNT) ALL", rb"UID COUNT 1\n"),
    "WITHIN": selected(b"b SEARCH YOUNGER 3600", rb"\* SEARCH 1\n"),
    "SORT": selected(b"b SORT (REVERSE DATE) UTF-8 ALL", rb"\* SORT 1\n"),
    "ESORT": selected(b"b SORT RETURN (ALL) (DATE) UTF-8 ALL", rb'\* ESEARCH \(TAG "b"\) ALL 1\n'),
    "THREAD=ORDEREDSUBJECT": selected(b"b THREAD ORDEREDSUBJECT UTF-8 ALL", rb"\* THREAD \(1\)\n"),
    "THREAD=REFERENCES": selected(b"b THREAD REFERENCES UTF-8 ALL", rb"\* THREAD \(1\)\n"),
    "LIST-EXTENDED": Exercise(((b'a LIST (SUBSCRIBED) "" (INBOX x)', rb"LIST \(\\Subscribed\)"),)),
    "LIST-STATUS": Exercise(((b'a LIST "" % RETURN (STATUS (MESSAGES))', rb'\* STATUS "INBOX" \(MESSAGES 1\)'),)),
    "SPECIAL-USE": Exercise(((b"a CREATE Sent", rb"a OK "), (b'b LIST (SPECIAL-USE) "" *', rb"LIST \(\\Sent\)"))),
    "AUTH=PLAIN": auth("PLAIN", f"\0{USER}\0{PASSWORD}"),
    "AUTH=LOGIN": Exercise(
        ((b"a AUTHENTICATE LOGIN\r\n" + encoded(USER) + b"\r\n" + encoded(PASSWORD), rb"a OK "),), "under TLS"
    ),
    "AUTH=CRAM-MD5": Exercise(
        ((b"a AUTHENTICATE CRAM-MD5\r\n" + encoded("x " + "0" * 32), rb"a NO \[AUTHENTICATIONFAILED\]"),), "under TLS"
    ),
    "AUTH=XOAUTH2": auth("XOAUTH2", f"user={USER}\1auth=Bearer t0ken\1\1"),
    "AUTH=OAUTHBEARER": auth("OAUTHBEARER", f"n,a={USER},\1auth=Bearer t0ken\1\1"),
    "STARTTLS": Exercise(((b"a STARTTLS", rb"a OK "),), "in clear"),
    "LOGINDISABLED": Exercise(((b"a LOGIN x y", rb"a NO \[PRIVACYREQUIRED\] "),), "in clear"),
}


def client_in(server: RunningServer, state: str) -> RawClient:
    if state == "logged in":
        return server.raw_logged_in()
    if state == "in clear":
        return server.raw()
    plain = socket.create_connection(server.address("imaps"), TIMEOUT_S)
    client = RawClient(server.client_context().wrap_socket(plain, server_hostname=HOST_NAME))
    client.line()
    return client


def test_every_capability_is_exercised() -> None:
    assert [each.name for each in CAPABILITIES] == list(EXERCISES)


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda each: each.name)
def test_what_is_announced_works(start_server: StartServer, capability: Capability) -> None:
    exercise = EXERCISES[capability.name]
    server = start_server(**(EVERYTHING | exercise.settings))
    server.deliver(mail())
    with client_in(server, exercise.state) as client:
        announced = client.command(b"z CAPABILITY")[0].split()
        assert capability.text(server.server.settings).encode() in announced
        for line, expected in exercise.steps:
            answer = b"\n".join(client.command(line))
            assert re.search(expected, answer, re.DOTALL), answer


@pytest.mark.parametrize("capability", CAPABILITIES, ids=lambda each: each.name)
def test_the_commands_of_a_capability_are_in_the_tables(capability: Capability) -> None:
    known = {*COMMANDS, *(f"UID {name}" for name in UID_COMMANDS)}
    assert set(capability.commands) <= known


def test_no_command_is_without_a_capability() -> None:
    named = {command.removeprefix("UID ") for capability in CAPABILITIES for command in capability.commands}
    assert {*COMMANDS, *UID_COMMANDS} == named


def test_literal_plus_and_literal_minus_are_never_announced_together(start_server: StartServer) -> None:
    with start_server(literal_plus=True).raw() as client:
        announced = client.command(b"a CAPABILITY")[0].split()
    assert (b"LITERAL+" in announced, b"LITERAL-" in announced) == (True, False)  # RFC 7888, section 5


def test_the_page_has_the_table_of_the_code() -> None:
    page = Path(PAGE).read_text(encoding="utf-8")
    assert capability_table() in page, "run python -m tests.mailserver_sim.capability_page"
    assert written(page) == page


def test_the_table_takes_the_place_of_the_old_one() -> None:
    page = f"before\n\n{capability_table()}\n\nafter\n"
    old = page.replace("| `IDLE` |", "| `IDLED` |")
    assert old != page
    assert written(old) == page
