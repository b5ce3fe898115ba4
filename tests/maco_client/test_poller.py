"""A poll against scripted servers: what MaCo says on the wire, what it stores, what it reports."""

from __future__ import annotations

import asyncio
import base64
import ssl
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from maco_client import poller
from maco_client.batches import BATCH_BYTES
from maco_client.fault_points import FaultPointName
from maco_client.imap import MAX_RESPONSE_BYTES
from maco_client.inbox_tables import locks
from maco_client.inbox_tables.locks import PollLock
from maco_client.results import PollResult
from maco_client.settings import EmailConnection, PostProcessing, Protection, Selection
from maco_wire.canary import Canary
from maco_wire.observation import (
    CanarySeen,
    Login,
    MailFetched,
    Party,
    PollFinished,
    SocketClosed,
    Starttls,
    TlsSession,
)
from maco_wire.observation import Handshake as HandshakeSeen
from tests.maco_client.bench import HOST, Bench, make_connection
from tests.maco_client.scripted_server import (
    Expect,
    ExpectBytes,
    Hang,
    Reset,
    Script,
    ScriptedServer,
    Send,
    Step,
    Tls,
    answered,
    found,
    greeting,
    in_clear,
    left,
    logged_in,
    opened,
    running,
    sent,
    sent_together,
    starttls,
    stored,
)

MAIL = b"Subject: MSCONS\r\nFrom: a@example\r\n\r\nUNA:+.? '\r\n"
CLEAR = make_connection(Protection.OFF)
SIGNED_IN = [*greeting(), *in_clear(), *logged_in()]
OPEN = [*SIGNED_IN, *opened()]


async def poll(
    bench: Bench, connection: EmailConnection, *scripts: Script, as_expected: bool = True, **settings: Any
) -> tuple[PollResult, ScriptedServer]:
    """Poll once for each script and return the last result."""
    server = ScriptedServer([*scripts])
    async with running(server):
        polling = bench.poller(connection, server.address, **settings)
        for _ in scripts:
            result = await polling.poll()
    if as_expected:
        assert server.surprises == []
    return result, server


async def test_way_a_fetches_a_mail_through_starttls(bench: Bench, mail_server_tls: ssl.SSLContext) -> None:
    script = [
        *greeting(),
        *starttls(mail_server_tls),
        *logged_in(),
        *opened(),
        *found(4),
        *sent(4, MAIL),
        *stored(4),
        *left(),
    ]
    result, server = await poll(bench, make_connection(), script)
    assert result.succeeded, result
    assert (result.stage, result.stored, result.vouched_by) == ("done", 1, "root")
    # facts 2.6, "Wire sequence to reproduce"
    assert server.commands == [
        "CAPABILITY",
        "STARTTLS",
        "CAPABILITY",
        "LOGIN",
        "LIST",
        "SELECT",
        "UID SEARCH",
        "UID FETCH",
        "UID FETCH",
        "UID STORE",
        "CLOSE",
        "LOGOUT",
    ]


async def test_the_mail_is_stored_as_it_was_sent(bench: Bench) -> None:
    script = [*OPEN, *found(4), *sent(4, MAIL), *stored(4), *left()]
    result, _ = await poll(bench, CLEAR, script)
    (mail,) = bench.inbox.mails()
    assert bench.inbox.raw(mail.id) == MAIL
    assert (mail.subject, mail.uid, mail.post_processed) == ("MSCONS", 4, True)
    assert result.mails[0].inbox_id == mail.id
    fetched = bench.journal.only(MailFetched)
    assert (fetched.uid_validity, fetched.uid, fetched.size, fetched.already_known) == (7, 4, len(MAIL), False)


async def test_imaps_shakes_hands_before_the_greeting(bench: Bench, mail_server_tls: ssl.SSLContext) -> None:
    script = [Tls(mail_server_tls), *SIGNED_IN, *opened(exists=0), *found(), *left()]
    result, _ = await poll(bench, make_connection(Protection.IMAPS, address=f"{HOST}:993"), script)
    assert result.succeeded, result
    assert bench.journal.only(HandshakeSeen).session is TlsSession.IMAPS
    assert not bench.journal.only(Login).in_clear


async def test_the_handshake_is_reported_with_name_store_and_chain(
    bench: Bench, mail_server_tls: ssl.SSLContext
) -> None:
    script = [*greeting(), *starttls(mail_server_tls), *logged_in(), *opened(exists=0), *found(), *left()]
    await poll(bench, make_connection(), script)
    seen = bench.journal.only(HandshakeSeen)
    assert (seen.party, seen.role, seen.session) == (Party.MACO, "client", TlsSession.IMAP_STARTTLS)
    assert (seen.succeeded, seen.verified_against, seen.name_checked) == (True, "MaCo key store: root", HOST)
    assert seen.server_name == HOST
    assert HOST in seen.peer_chain[0].dns_names
    assert seen.local is not None
    assert seen.peer is not None
    assert [each.step for each in bench.journal.all(Starttls)] == ["asked", "accepted"]
    login = bench.journal.only(Login)
    assert (login.succeeded, login.credentials_sent, login.in_clear) == (True, True, False)


async def test_a_finished_poll_is_reported_with_its_outcome(bench: Bench) -> None:
    result, _ = await poll(bench, CLEAR, [*OPEN, *found(), *left()])
    finished = bench.journal.only(PollFinished)
    assert (finished.connection, finished.succeeded, finished.stage) == ("market mail", True, "done")
    assert finished.duration_ms == result.duration_ms


# --- STARTTLS ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells what a socket carried")
async def test_a_closed_connection_is_reported_with_all_it_carried_before_the_poll_is_over(bench: Bench) -> None:
    greeted = b"* OK ready\r\n"
    await poll(bench, CLEAR, [Send(greeted), Expect(b"CAPABILITY"), Reset()])

    closed, finished = bench.journal.observations[-2:]
    assert isinstance(closed, SocketClosed)
    assert closed.bytes_received == len(greeted)
    assert closed.bytes_sent is not None
    assert closed.bytes_sent > len(b" CAPABILITY\r\n"), "and its tag"
    assert isinstance(finished, PollFinished)
    assert closed.local == finished.local


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells what a socket carried")
async def test_a_failed_handshake_leaves_a_count_too(bench: Bench) -> None:
    connection = make_connection(Protection.IMAPS, address=f"{HOST}:993")
    await poll(bench, connection, [Send(b"* OK in clear\r\n"), Hang()], as_expected=False)

    assert bench.journal.only(SocketClosed).bytes_received == len(b"* OK in clear\r\n")


async def test_mandatory_fails_before_any_credential_is_sent_if_starttls_is_not_offered(bench: Bench) -> None:
    result, server = await poll(bench, make_connection(), [*greeting(), *in_clear(), Hang()])
    assert (result.succeeded, result.stage) == (False, "starttls")
    assert result.error == "STARTTLS required but not supported by server"  # facts 1.4
    assert server.commands == ["CAPABILITY"]
    assert bench.journal.only(Starttls).step == "not_offered"
    assert bench.journal.all(Login) == []


async def test_optional_goes_on_in_clear_and_says_so_if_starttls_is_not_offered(bench: Bench) -> None:
    script = [*OPEN, *found(), *left()]
    result, _ = await poll(bench, make_connection(Protection.STARTTLS_OPTIONAL), script)
    assert result.succeeded, result
    assert bench.journal.only(Starttls).step == "not_offered"
    assert bench.journal.only(Login).in_clear


async def test_optional_takes_starttls_where_it_is_offered(bench: Bench, mail_server_tls: ssl.SSLContext) -> None:
    script = [*greeting(), *starttls(mail_server_tls), *logged_in(), *opened(exists=0), *found(), *left()]
    result, _ = await poll(bench, make_connection(Protection.STARTTLS_OPTIONAL), script)
    assert result.succeeded, result
    assert not bench.journal.only(Login).in_clear


OFFERS = answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 STARTTLS")
STARTTLS_CONNECTIONS = [make_connection(), make_connection(Protection.STARTTLS_OPTIONAL)]


@pytest.mark.parametrize("connection", STARTTLS_CONNECTIONS)
@pytest.mark.parametrize(
    ("completion", "error"),
    # facts 6, M33: NO becomes AuthenticationFailedException, BAD the line itself; also with Optional
    [
        (b"NO not now", "AuthenticationFailedException: not now"),
        (b"BAD what?", "A002 BAD what?"),
    ],
)
async def test_a_refused_starttls_ends_the_poll(
    bench: Bench, connection: EmailConnection, completion: bytes, error: str
) -> None:
    script = [*greeting(), *OFFERS, *answered(rb"STARTTLS", completion=completion), Hang()]
    result, server = await poll(bench, connection, script)
    assert (result.stage, result.error) == ("starttls", error)
    assert server.commands == ["CAPABILITY", "STARTTLS"]
    assert [each.step for each in bench.journal.all(Starttls)] == ["asked", "refused"]


@pytest.mark.parametrize("connection", STARTTLS_CONNECTIONS)
async def test_plaintext_behind_starttls_ends_the_poll(bench: Bench, connection: EmailConnection) -> None:
    injected = b"* CAPABILITY IMAP4rev1\r\n"
    script = [*greeting(), *OFFERS, Expect(rb"STARTTLS"), Send(b"TAG OK go\r\n" + injected), Hang()]
    result, server = await poll(bench, connection, script)
    assert (result.succeeded, result.stage) == (False, "starttls")
    assert server.commands == ["CAPABILITY", "STARTTLS"]
    seen = bench.journal.all(Starttls)[-1]
    assert (seen.step, seen.detail) == ("injected", f"{len(injected)} bytes")


async def test_capabilities_from_before_starttls_are_not_believed(
    bench: Bench, mail_server_tls: ssl.SSLContext
) -> None:
    # LOGINDISABLED stood before STARTTLS and is gone inside, as RFC 3501, section 6.2.1 wants it asked again.
    script = [*greeting(), *starttls(mail_server_tls), *logged_in(), *opened(exists=0), *found(), *left()]
    result, server = await poll(bench, make_connection(), script)
    assert result.succeeded, result
    assert server.commands[:4] == ["CAPABILITY", "STARTTLS", "CAPABILITY", "LOGIN"]


async def test_preauth_rules_starttls_out_and_mandatory_fails(bench: Bench) -> None:
    script = [*greeting(b"PREAUTH welcome"), *OFFERS, Hang()]
    result, server = await poll(bench, make_connection(), script)
    assert result.error == "STARTTLS required but not supported by server"
    assert server.commands == ["CAPABILITY"]


async def test_preauth_without_protection_needs_no_login(bench: Bench) -> None:
    script = [*greeting(b"PREAUTH welcome"), *in_clear(), *opened(exists=0), *found(), *left()]
    result, _ = await poll(bench, CLEAR, script)
    assert result.succeeded, result
    assert bench.journal.all(Login) == []


# --- greeting ---------------------------------------------------------------------------------------------------


async def test_a_greeting_that_never_comes_is_a_read_time_out(bench: Bench) -> None:
    connection = make_connection(timeout_ms=100)
    result, _ = await poll(bench, connection, [Hang()])
    assert (result.stage, result.error) == ("greeting", "Read timed out")  # facts 6, M09
    assert "TCP TLS" in result.hint


async def test_bye_as_greeting_is_told_with_its_text(bench: Bench) -> None:
    result, _ = await poll(bench, CLEAR, [*greeting(b"BYE too many connections"), Hang()])
    # facts 6, M37: "* BYE ..." as MessagingException
    assert (result.stage, result.error) == ("greeting", "MessagingException: * BYE too many connections")


async def test_another_service_is_told_by_its_own_greeting(bench: Bench) -> None:
    result, _ = await poll(bench, CLEAR, [Send(b"220 mail.example ESMTP\r\n"), Hang()])
    assert result.stage == "greeting"
    assert "220 mail.example ESMTP" in result.error  # facts 6, M47


async def test_a_greeting_without_end_is_told_by_its_length(bench: Bench) -> None:
    result, _ = await poll(bench, CLEAR, [Send(b"* OK " + b"x" * MAX_RESPONSE_BYTES), Hang()])
    assert result.error == "MessagingException: a response longer than 65536 bytes"


async def test_a_long_answer_of_the_server_is_cut_in_the_result(bench: Bench) -> None:
    result, _ = await poll(bench, CLEAR, [*greeting(b"BYE " + b"x" * 5_000), Hang()])
    assert (len(result.error), result.error[-1]) == (1_000, "…")
    assert bench.journal.only(PollFinished).error == result.error


async def test_a_connection_closed_before_the_greeting_was_dropped(bench: Bench) -> None:
    result, _ = await poll(bench, CLEAR, [])
    assert (result.stage, result.error) == ("greeting", "Connection dropped by server?")  # facts 6, M10


async def test_a_reset_is_a_dropped_connection(bench: Bench) -> None:
    result, _ = await poll(bench, CLEAR, [*greeting(), Expect(rb"CAPABILITY"), Reset()])
    assert (result.stage, result.error) == ("capability", "Connection dropped by server?")


@pytest.mark.parametrize("nonsense", [b"\x16\x03\x01\x02\x00\r\n", b"* 1 FETCH (\r\n", b"x" * (MAX_RESPONSE_BYTES + 1)])
async def test_nonsense_fails_the_poll_and_raises_nothing(bench: Bench, nonsense: bytes) -> None:
    result, _ = await poll(bench, CLEAR, [*greeting(), Expect(rb"CAPABILITY"), Send(nonsense), Hang()])
    assert (result.succeeded, result.stage) == (False, "capability")
    assert result.error.startswith("MessagingException: ")


# --- login ------------------------------------------------------------------------------------------------------


async def test_a_wrong_password_is_an_authentication_failed_exception(bench: Bench) -> None:
    script = [
        *greeting(),
        *in_clear(),
        *answered(rb"LOGIN .*", completion=b"NO [AUTHENTICATIONFAILED] Authentication failed"),
    ]
    result, _ = await poll(bench, CLEAR, script)
    # facts 6, M34
    assert result.error == "AuthenticationFailedException: [AUTHENTICATIONFAILED] Authentication failed"
    assert (result.stage, "mailbox" in result.hint) == ("login", True)
    login = bench.journal.only(Login)
    assert (login.succeeded, login.credentials_sent) == (False, True)


async def test_privacyrequired_points_at_protection(bench: Bench) -> None:
    refusal = answered(rb"LOGIN .*", completion=b"NO [PRIVACYREQUIRED] no plain login")
    result, _ = await poll(bench, CLEAR, [*greeting(), *in_clear(), *refusal])
    assert "Protection" in result.hint


async def test_logindisabled_fails_without_sending_credentials(bench: Bench) -> None:
    script = [*greeting(), *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED"), Hang()]
    result, server = await poll(bench, CLEAR, script)
    assert (result.stage, result.error) == ("login", "No login methods supported!")  # facts 6, M31
    assert server.commands == ["CAPABILITY"]
    login = bench.journal.only(Login)
    assert (login.succeeded, login.credentials_sent) == (False, False)


async def test_a_password_with_a_quote_travels_as_a_literal(bench: Bench) -> None:
    login: list[Step] = [
        Expect(rb'LOGIN "maco" \{3\}'),
        Send(b"+ go\r\n"),
        ExpectBytes(b'a"b\r\n'),
        Send(b"TAG OK in\r\n"),
    ]
    script = [*greeting(), *in_clear(), *login, *opened(exists=0), *found(), *left()]
    result, _ = await poll(bench, make_connection(Protection.OFF, password='a"b'), script)
    assert result.succeeded, result


async def test_the_password_is_in_no_observation_and_no_result(bench: Bench) -> None:
    refusal = answered(rb"LOGIN .*", completion=b"NO no")
    result, _ = await poll(bench, CLEAR, [*greeting(), *in_clear(), *refusal])
    assert "sesame" not in repr(result)
    assert bench.journal.observations
    assert "sesame" not in repr(bench.journal.observations)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("sesame", b'TAG NO not with LOGIN "maco" "sesame"'),
        ("sesame", b"TAG BAD not with " + base64.b64encode(b"\0maco\0sesame")),
        ("sesame", b"* BYE not with " + base64.b64encode(b"sesame")),
        ("sesame", b"TAG NO " + b"x" * 965 + b"sesame"),  # where the error ends, which must not be in the middle of it
        ("sesame", b"TAG NO " + b"x" * 250 + b"sesame"),
        ("sesame", b"! " + b"x" * 194 + b"sesame"),
        ('ses\\ame"', b'TAG NO not with "ses\\\\ame\\""'),
        ("sesame'", b"! sesame'"),
    ],
)
async def test_a_server_that_repeats_the_password_does_not_get_it_shown(
    bench: Bench, password: str, said: bytes
) -> None:
    script = [*greeting(), *in_clear(), Expect(rb"LOGIN .*"), Send(said + b"\r\n"), Hang()]
    if '"' in password:
        literal: list[Step] = [
            Expect(rb'LOGIN "maco" \{8\}'),
            Send(b"+ go\r\n"),
            ExpectBytes(password.encode() + b"\r\n"),
        ]
        script = [*greeting(), *in_clear(), *literal, Send(said + b"\r\n"), Hang()]
    result, _ = await poll(bench, make_connection(Protection.OFF, password=password), script)
    assert (result.stage, result.succeeded) == ("login", False)
    assert "***" in result.error
    for each in (result, *bench.journal.observations):
        assert not any(secret in repr(each) for secret in (password[:4], "c2VzYW1l"))


async def test_canaries_are_seen_where_maco_sends_and_receives_them(bench: Bench) -> None:
    canaries = (Canary(1, "mailbox password", "Tr0ubadour77"), Canary(2, "line in the mail", "EarlyLine4711"))
    mail = b"Subject: x\r\n\r\nEarlyLine4711\r\n"
    login = answered(rb'LOGIN "maco" "Tr0ubadour77"')
    script = [*greeting(), *in_clear(), *login, *opened(), *found(4), *sent(4, mail), *stored(4), *left()]
    connection = make_connection(Protection.OFF, password="Tr0ubadour77")
    await poll(bench, connection, script, canaries=canaries)
    seen = [(each.canary, each.direction, each.party) for each in bench.journal.all(CanarySeen)]
    assert seen == [(1, "to_mail_server", Party.MACO), (2, "to_maco", Party.MACO)]


# --- folder -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("untagged", [(), (b'LIST (\\Noselect) "/" "Markt"',), (b'LIST () "/" "Markt/2026"',)])
async def test_a_missing_folder_is_a_folder_not_found_exception(bench: Bench, untagged: Sequence[bytes]) -> None:
    script = [*SIGNED_IN, *answered(rb'LIST "" "Markt"', *untagged), Hang()]
    result, server = await poll(bench, make_connection(Protection.OFF, folder="Markt"), script)
    # facts 6, M38
    assert result.error == "FolderNotFoundException: Folder not found or invalid: Markt"
    assert (result.stage, server.commands[-1]) == ("folder", "LIST")


async def test_a_folder_with_an_umlaut_is_found_by_its_wire_name(bench: Bench) -> None:
    script = [*SIGNED_IN, *opened(b"Entw&APw-rfe", exists=0), *found(), *left()]
    result, _ = await poll(bench, make_connection(Protection.OFF, folder="Entw\u00fcrfe"), script)
    assert result.succeeded, result


async def test_a_folder_that_is_gone_at_select_is_a_folder_not_found_exception(bench: Bench) -> None:
    listed = answered(rb"LIST .*", b'LIST () "/" INBOX')
    script = [*SIGNED_IN, *listed, *answered(rb"SELECT .*", completion=b"NO [NONEXISTENT] gone")]
    result, _ = await poll(bench, CLEAR, script)
    assert result.error == "FolderNotFoundException: Folder not found or invalid: INBOX"


async def test_a_read_only_folder_is_refused(bench: Bench) -> None:
    listed = answered(rb"LIST .*", b'LIST () "/" INBOX')
    selected = answered(rb"SELECT .*", b"OK [UIDVALIDITY 7] x", completion=b"OK [READ-ONLY] done")
    result, _ = await poll(bench, CLEAR, [*SIGNED_IN, *listed, *selected])
    assert result.error == "ReadOnlyFolderException: Cannot open in desired mode"  # facts 6, M39


async def test_a_folder_without_uidvalidity_is_refused(bench: Bench) -> None:
    listed = answered(rb"LIST .*", b'LIST () "/" INBOX')
    result, _ = await poll(bench, CLEAR, [*SIGNED_IN, *listed, *answered(rb"SELECT .*", b"1 EXISTS")])
    assert (result.stage, "UIDVALIDITY" in result.error) == ("select", True)


async def test_a_large_folder_is_searched_in_windows(bench: Bench) -> None:
    searches = [
        *answered(rb"UID SEARCH 1:5000 UNSEEN", b"SEARCH"),
        *answered(rb"UID SEARCH 5001:5002 UNSEEN", b"SEARCH 9"),
        *answered(rb"UID FETCH 9 \(UID FLAGS RFC822.SIZE\)", b"5001 FETCH (UID 9 FLAGS () RFC822.SIZE 5)"),
    ]
    script = [*SIGNED_IN, *opened(exists=5002), *searches, *sent(9, MAIL), *stored(9), *left()]
    result, _ = await poll(bench, CLEAR, script)
    assert (result.succeeded, result.stored) == (True, 1)


# --- fetching and storing ---------------------------------------------------------------------------------------


async def test_two_polls_store_a_mail_once(bench: Bench) -> None:
    first = [*OPEN, *found(4), *sent(4, MAIL), *stored(4), *left()]
    second = [*OPEN, *found(4), *stored(4), *left()]  # found unread again: flagged again, not fetched again
    result, _ = await poll(bench, CLEAR, first, second)
    assert len(bench.inbox.mails()) == 1
    assert (result.succeeded, result.stored) == (True, 0)
    assert [each.already_known for each in bench.journal.all(MailFetched)] == [False, True]


async def test_a_known_mail_with_nothing_to_do_is_passed_over(bench: Bench) -> None:
    connection = make_connection(Protection.OFF, selection=Selection.ALL)
    first = [*OPEN, *found(4, criterion=b"ALL"), *sent(4, MAIL), *stored(4), *left()]
    second = [*OPEN, *found(4, criterion=b"ALL", flags=b"\\Seen"), *left()]
    result, _ = await poll(bench, connection, first, second)
    assert (result.succeeded, result.mails) == (True, ())


async def test_the_same_uid_under_another_uidvalidity_is_another_mail(bench: Bench) -> None:
    scripts = [
        [*SIGNED_IN, *opened(uid_validity=validity), *found(4), *sent(4, MAIL + b"%d" % validity), *stored(4), *left()]
        for validity in (7, 8)
    ]
    await poll(bench, CLEAR, *scripts)
    assert [mail.mailbox.uid_validity for mail in bench.inbox.mails()] == [7, 8]


async def test_a_mail_that_was_numbered_anew_is_the_same_mail(bench: Bench) -> None:
    before = [*OPEN, *found(4), *sent(4, MAIL), *stored(4), *left()]
    after = [*SIGNED_IN, *opened(uid_validity=8), *found(1), *sent(1, MAIL), *stored(1), *left()]
    result, _ = await poll(bench, CLEAR, before, after)
    (mail,) = bench.inbox.mails()
    assert (mail.mailbox.uid_validity, mail.uid) == (8, 1)
    assert (result.stored, result.mails[0].already_known) == (0, True)


async def test_inbox_in_any_case_is_one_mailbox(bench: Bench) -> None:
    first = [*OPEN, *found(4), *sent(4, MAIL), *stored(4), *left()]
    await poll(bench, CLEAR, first)
    result, _ = await poll(
        bench, make_connection(Protection.OFF, folder="inbox"), [*OPEN, *found(4), *stored(4), *left()]
    )
    assert (result.succeeded, result.stored, len(bench.inbox.mails())) == (True, 0, 1)


async def test_a_mail_is_committed_before_it_is_flagged(bench: Bench) -> None:
    committed: list[int] = []

    def look(point: FaultPointName) -> None:
        if point == "committed":
            committed.append(len(bench.inbox.mails()))

    script = [*OPEN, *found(4), *sent(4, MAIL), *answered(rb"UID STORE .*", completion=b"NO [NOPERM] no")]
    result, _ = await poll(bench, CLEAR, script, fault_point=look)
    assert committed == [1]
    assert (result.stage, result.error) == ("post_process", "A008 NO [NOPERM] no")
    assert (result.stored, result.mails[0].post_processed) == (1, False)


async def test_a_literal_cut_in_the_middle_stores_nothing(bench: Bench) -> None:
    cut: list[Step] = [Expect(rb"UID FETCH 4 \(UID BODY.*"), Send(b"* 1 FETCH (UID 4 BODY[] {1000}\r\nSubject: x\r\n")]
    result, _ = await poll(bench, CLEAR, [*OPEN, *found(4), *cut])
    assert (result.stage, result.error) == ("fetch", "Connection dropped by server?")
    assert bench.inbox.mails() == []


async def test_a_body_that_stops_coming_is_a_read_time_out(bench: Bench) -> None:
    stuck: list[Step] = [
        Expect(rb"UID FETCH 4 \(UID BODY.*"),
        Send(b"* 1 FETCH (UID 4 BODY[] {1000}\r\nSubject: x\r\n"),
        Hang(),
    ]
    result, _ = await poll(bench, make_connection(Protection.OFF, timeout_ms=200), [*OPEN, *found(4), *stuck])
    assert (result.stage, result.error) == ("fetch", "Read timed out")


async def test_a_large_mail_arrives_unchanged(bench: Bench) -> None:
    mail = b"Subject: large\r\n\r\n" + bytes(range(256)) * 4 * 3000
    script = [*OPEN, *found(4, sizes=[len(mail)]), *sent(4, mail), *stored(4), *left()]
    result, _ = await poll(bench, CLEAR, script)
    assert result.mails[0].size == len(mail)
    assert bench.inbox.raw(result.mails[0].inbox_id) == mail


async def test_a_mail_over_the_limit_stays_on_the_server_and_holds_nothing_up(bench: Bench) -> None:
    script = [*OPEN, *found(4, 5, sizes=[1001, 50]), *sent(5, MAIL), *stored(5), *left()]
    result, _ = await poll(bench, CLEAR, script, max_mail_bytes=1000)
    assert (result.succeeded, result.stage, result.stored) == (False, "fetch", 1)
    assert "UID 4" in result.error


async def test_a_mail_larger_than_its_announced_size_ends_the_poll(bench: Bench) -> None:
    begun: list[Step] = [Expect(rb"UID FETCH 4 \(UID BODY.*"), Send(b"* 1 FETCH (UID 4 BODY[] {1001}\r\n"), Hang()]
    result, _ = await poll(bench, CLEAR, [*OPEN, *found(4, sizes=[5]), *begun], max_mail_bytes=1000)
    assert (result.stage, "1001" in result.error) == ("fetch", True)
    assert bench.inbox.mails() == []


async def test_no_more_than_max_messages_per_poll_are_fetched(bench: Bench) -> None:
    connection = make_connection(Protection.OFF, max_messages_per_poll=2)
    script = [*OPEN, *found(4, 5, 6), *sent_together(b"4:5", {4: MAIL, 5: MAIL}), *stored(b"4:5"), *left()]
    result, _ = await poll(bench, connection, script)
    assert (result.succeeded, result.stored) == (True, 2)


async def test_a_mail_flagged_as_deleted_is_passed_over(bench: Bench) -> None:
    result, _ = await poll(bench, CLEAR, [*OPEN, *found(4, flags=b"\\Deleted"), *left()])
    assert (result.succeeded, result.mails) == (True, ())


async def test_a_mail_that_vanishes_before_its_fetch_is_passed_over(bench: Bench) -> None:
    script = [*OPEN, *found(4), *answered(rb"UID FETCH 4 \(UID BODY.*"), *left()]
    result, _ = await poll(bench, CLEAR, script)
    assert (result.succeeded, result.mails) == (True, ())


@pytest.mark.parametrize(
    "answer",
    [
        b"1 FETCH (UID 5 BODY[] {1}\r\nx)",
        b"1 FETCH (UID 4 BODY[] {1}\r\nx BODY[] {1}\r\ny)",
        b"1 FETCH (BODY[] {1}\r\nx)",
    ],
)
async def test_the_body_of_another_mail_is_not_taken_for_this_one(bench: Bench, answer: bytes) -> None:
    result, _ = await poll(bench, CLEAR, [*OPEN, *found(4), *answered(rb"UID FETCH 4 \(UID BODY.*", answer), Hang()])
    assert (result.succeeded, result.stage) == (False, "fetch")
    assert bench.inbox.mails() == []


async def test_a_body_as_a_quoted_string_is_a_body(bench: Bench) -> None:
    body = answered(rb"UID FETCH 4 \(UID BODY.*", b'1 FETCH (UID 4 BODY[] "short")')
    result, _ = await poll(bench, CLEAR, [*OPEN, *found(4), *body, *stored(4), *left()])
    assert bench.inbox.raw(result.mails[0].inbox_id) == b"short"


async def test_unasked_for_responses_between_are_passed_over(bench: Bench) -> None:
    chatty = answered(
        rb"UID FETCH 4 \(UID BODY.*", b"9 EXISTS", b"2 FETCH (FLAGS (\\Seen))", b"1 FETCH (UID 4 BODY[] {1}\r\nx)"
    )
    result, _ = await poll(bench, CLEAR, [*OPEN, *found(4), *chatty, *stored(4), *left()])
    assert (result.succeeded, result.stored) == (True, 1)


async def test_bye_in_the_middle_is_told_with_its_text(bench: Bench) -> None:
    script = [*OPEN, Expect(rb"UID SEARCH .*"), Send(b"* BYE going down\r\n"), Hang()]
    result, _ = await poll(bench, CLEAR, script)
    assert (result.stage, result.error) == ("search", "MessagingException: * BYE going down")


async def test_a_server_that_closes_instead_of_answering_logout_is_forgiven(bench: Bench) -> None:
    script = [*OPEN, *found(), *answered(rb"CLOSE"), Expect(rb"LOGOUT")]
    result, _ = await poll(bench, CLEAR, script)
    assert result.succeeded, result


BLOCK = 16 * 1024  # facts 2.6: "on, 16 KB blocks"


def in_blocks(mail: bytes) -> list[Step]:
    steps: list[Step] = []
    for first in range(0, len(mail) + 1, BLOCK):
        piece = mail[first : first + BLOCK]
        body = b"1 FETCH (UID 4 BODY[]<%d> {%d}\r\n%b)" % (first, len(piece), piece)
        steps += answered(rb"UID FETCH 4 \(UID BODY\.PEEK\[\]<%d\.16384>\)" % first, body)
    return steps


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
async def test_partial_fetch_reads_a_mail_in_blocks(bench: Bench, size: int) -> None:
    mail = bytes(range(256)) * (size // 256 + 1)
    mail = mail[:size]
    script = [*OPEN, *found(4, sizes=[size]), *in_blocks(mail), *stored(4), *left()]
    result, _ = await poll(bench, make_connection(Protection.OFF, partial_fetch=True), script)
    assert result.succeeded, result
    assert bench.inbox.raw(result.mails[0].inbox_id) == mail


async def test_a_server_that_has_no_block_behind_the_end_has_sent_the_whole_mail(bench: Bench) -> None:
    mail = b"x" * BLOCK
    nothing = answered(rb"UID FETCH 4 \(UID BODY\.PEEK\[\]<16384\.16384>\)", b"1 FETCH (UID 4 BODY[]<16384> NIL)")
    first = in_blocks(mail)[:2]
    script = [*OPEN, *found(4, sizes=[BLOCK]), *first, *nothing, *stored(4), *left()]
    result, _ = await poll(bench, make_connection(Protection.OFF, partial_fetch=True), script)
    assert bench.inbox.raw(result.mails[0].inbox_id) == mail


async def test_a_mail_that_vanishes_between_two_blocks_is_not_stored(bench: Bench) -> None:
    first = in_blocks(b"x" * (2 * BLOCK))[:2]
    gone = answered(rb"UID FETCH 4 .*")
    script = [*OPEN, *found(4, sizes=[2 * BLOCK]), *first, *gone, *left()]
    result, _ = await poll(bench, make_connection(Protection.OFF, partial_fetch=True), script)
    assert (result.succeeded, bench.inbox.mails()) == (True, [])


BROKEN = b"Subject: broken\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nno part\r\n"


async def test_a_mail_that_cannot_be_read_is_stored_with_its_problem_and_blocks_no_other(bench: Bench) -> None:
    mails = sent_together(b"4:5", {4: BROKEN, 5: MAIL})
    result, _ = await poll(bench, CLEAR, [*OPEN, *found(4, 5), *mails, *stored(b"4:5"), *left()])
    assert (result.succeeded, result.stored) == (True, 2)
    assert [each.problems for each in result.mails] == [("MessagingException: Missing start boundary",), ()]
    assert [bench.inbox.raw(each.id) for each in bench.inbox.mails()] == [BROKEN, MAIL]


STRICT = make_connection(Protection.OFF, skip_failed_message=False)
ONLY_FIRST = [*stored(4), *left()]


async def test_without_skip_failed_message_a_mail_that_cannot_be_read_ends_the_poll_at_that_mail(bench: Bench) -> None:
    mails = sent_together(b"4:6", {4: MAIL, 5: BROKEN, 6: MAIL})
    first = [*OPEN, *found(4, 5, 6), *mails, *ONLY_FIRST]
    again = [*OPEN, *found(5, 6), *sent_together(b"5:6", {5: BROKEN, 6: MAIL}), *left()]
    result, _ = await poll(bench, STRICT, first)
    assert (result.succeeded, result.stage, result.stored) == (False, "fetch", 1)
    assert result.error == "MessagingException: Missing start boundary (mail with UID 5)"
    assert [(each.uid, each.post_processed) for each in bench.inbox.mails()] == [(4, True)]

    result, _ = await poll(bench, STRICT, again)
    assert (result.succeeded, result.stored, [each.uid for each in bench.inbox.mails()]) == (False, 0, [4])


async def test_without_skip_failed_message_no_later_batch_is_fetched(bench: Bench) -> None:
    large = BATCH_BYTES
    script = [*OPEN, *found(4, 5, sizes=[large, large]), *sent(4, BROKEN), *left()]
    result, _ = await poll(bench, STRICT, script)
    assert (result.succeeded, result.stored) == (False, 0)


async def test_without_skip_failed_message_what_was_fetched_is_done_with_also_where_it_is_deleted(bench: Bench) -> None:
    deleting = make_connection(Protection.OFF, skip_failed_message=False, post_processing=PostProcessing.DELETE)
    mails = sent_together(b"4:5", {4: MAIL, 5: BROKEN})
    script = [*OPEN, *found(4, 5), *mails, *stored(4, rb"\\Deleted"), *left()]
    result, server = await poll(bench, deleting, script)
    assert not result.succeeded
    assert "CLOSE" in server.commands


REFUSED = answered(rb"UID FETCH 4:5 .*", completion=b"NO [SERVERBUG] cannot read mail 4")
ALONE_REFUSED = answered(rb"UID FETCH 4 \(UID BODY.*", completion=b"NO [SERVERBUG] cannot read mail 4")


async def test_a_mail_that_the_server_does_not_give_holds_up_no_other(bench: Bench) -> None:
    script = [*OPEN, *found(4, 5), *REFUSED, *ALONE_REFUSED, *sent(5, MAIL), *stored(5), *left()]
    result, _ = await poll(bench, CLEAR, script)
    assert (result.succeeded, result.stage, result.stored) == (False, "fetch", 1)
    assert result.error == "The mail with UID 4 stays on the server: NO [SERVERBUG] cannot read mail 4"


async def test_a_mail_that_the_server_does_not_give_takes_no_place_under_the_limit(bench: Bench) -> None:
    limited = make_connection(Protection.OFF, max_messages_per_poll=1)
    script = [*OPEN, *found(4, 5), *ALONE_REFUSED, *sent(5, MAIL), *stored(5), *left()]
    result, _ = await poll(bench, limited, script)
    assert result.stored == 1


async def test_without_skip_failed_message_a_mail_that_the_server_does_not_give_ends_the_poll(bench: Bench) -> None:
    refused = answered(rb"UID FETCH 4:6 .*", completion=b"NO [SERVERBUG] cannot read mail 5")
    alone = answered(rb"UID FETCH 5 \(UID BODY.*", completion=b"NO [SERVERBUG] cannot read mail 5")
    script = [*OPEN, *found(4, 5, 6), *refused, *sent(4, MAIL), *alone, *ONLY_FIRST]
    result, _ = await poll(bench, STRICT, script)
    assert (result.succeeded, result.stage, result.stored) == (False, "fetch", 1)
    assert "[SERVERBUG] cannot read mail 5" in result.error
    assert [(each.uid, each.post_processed) for each in bench.inbox.mails()] == [(4, True)]


# --- automatic disconnect ---------------------------------------------------------------------------------------

KEPT = make_connection(Protection.OFF, automatically_disconnect=False)
CLOSED = answered(rb"CLOSE")
STILL_THERE = answered(rb"NOOP")


async def polls(bench: Bench, count: int, *scripts: Script) -> tuple[list[PollResult], ScriptedServer]:
    """Poll so often by one poller, whatever the number of connections."""
    server = ScriptedServer([*scripts])
    async with running(server):
        polling = bench.poller(KEPT, server.address)
        results = [await polling.poll() for _ in range(count)]
        await polling.aclose()
    assert server.surprises == []
    return results, server


async def test_without_automatic_disconnect_the_session_stays_for_the_next_poll(bench: Bench) -> None:
    again = [*STILL_THERE, *opened(), *found(4), *sent(4, MAIL), *stored(4), *CLOSED]
    results, server = await polls(bench, 2, [*OPEN, *found(), *CLOSED, *again])
    assert [each.stored for each in results] == [0, 1]
    assert (server.connections, server.commands.count("LOGIN")) == (1, 1)
    assert "LOGOUT" not in server.commands


async def test_a_session_that_has_gone_since_is_made_anew(bench: Bench) -> None:
    first, second = [*OPEN, *found(), *CLOSED], [*OPEN, *found(4), *sent(4, MAIL), *stored(4), *CLOSED]
    results, server = await polls(bench, 2, first, second)
    assert [each.succeeded for each in results] == [True, True]
    assert server.connections == 2


async def test_a_session_that_a_poll_failed_in_is_not_used_again(bench: Bench) -> None:
    failed = [*OPEN, *answered(rb"UID SEARCH .*", completion=b"NO not now"), Hang()]
    results, server = await polls(bench, 2, failed, [*OPEN, *found(), *CLOSED])
    assert [each.succeeded for each in results] == [False, True]
    assert server.connections == 2


# --- post-processing --------------------------------------------------------------------------------------------

ARCHIVE_IS_THERE = answered(rb'LIST "" "Archive"', b'LIST () "/" Archive')
NO_MOVE = answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 UIDPLUS")
ASKED = answered(rb'STATUS "Archive" \(UIDVALIDITY UIDNEXT\)', b"STATUS Archive (UIDVALIDITY 3 UIDNEXT 10)")
COPIED = [*NO_MOVE, *ASKED, *answered(rb'UID COPY 4 "Archive"', completion=b"OK [COPYUID 3 4 10] done")]
DELETED = stored(4, rb"\\Deleted")


@pytest.mark.parametrize(
    ("how", "steps"),
    # facts 2.6, "after success": keep, move and delete in Camel's order
    [
        (PostProcessing.MARK_READ, stored(4)),
        (PostProcessing.DELETE, DELETED),
        (PostProcessing.ARCHIVE, [*ARCHIVE_IS_THERE, *COPIED, *DELETED]),
        (PostProcessing.ARCHIVE_AND_MARK_READ, [*stored(4), *ARCHIVE_IS_THERE, *COPIED, *DELETED]),
    ],
)
async def test_post_processing_does_what_its_name_says(bench: Bench, how: PostProcessing, steps: list[Step]) -> None:
    archive = "Archive" if how.archives else ""
    connection = make_connection(Protection.OFF, post_processing=how, archive_folder=archive)
    result, _ = await poll(bench, connection, [*OPEN, *found(4), *sent(4, MAIL), *steps, *left()])
    assert result.succeeded, result
    assert result.mails[0].post_processed


ARCHIVING = make_connection(
    Protection.OFF, post_processing=PostProcessing.ARCHIVE_AND_MARK_READ, archive_folder="Archive"
)


async def test_a_missing_archive_folder_is_created(bench: Bench) -> None:
    missing = answered(rb'LIST "" "Archive"')
    created = answered(rb'CREATE "Archive"')
    steps = [*stored(4), *missing, *created, *COPIED, *DELETED]
    result, _ = await poll(bench, ARCHIVING, [*OPEN, *found(4), *sent(4, MAIL), *steps, *left()])
    assert result.succeeded, result


async def test_a_refused_copy_leaves_the_mail_where_it_is(bench: Bench) -> None:
    refused = answered(rb"UID COPY .*", completion=b"NO [OVERQUOTA] full")
    script = [*OPEN, *found(4), *sent(4, MAIL), *stored(4), *ARCHIVE_IS_THERE, *NO_MOVE, *ASKED, *refused, Hang()]
    result, server = await poll(bench, ARCHIVING, script)
    assert (result.stage, result.stored) == ("post_process", 1)
    assert server.commands[-1] == "UID COPY"  # neither flagged as deleted nor expunged


async def test_post_processing_cut_short_is_finished_by_the_next_poll(bench: Bench) -> None:
    first = [*OPEN, *found(4), *sent(4, MAIL), *stored(4), Expect(rb'LIST "" "Archive"')]
    # Flagged as read already, so UNSEEN does not find it any more; MaCo remembers that it is not done.
    summary = answered(rb"UID FETCH 4 \(UID FLAGS.*", b"1 FETCH (UID 4 FLAGS (\\Seen) RFC822.SIZE 9)")
    second = [*OPEN, *found(), *summary, *ARCHIVE_IS_THERE, *COPIED, *DELETED, *left()]
    third = [*OPEN, *found(), *left()]
    result, _ = await poll(bench, ARCHIVING, first, second, third)
    assert (result.succeeded, len(bench.inbox.mails())) == (True, 1)


async def test_an_unfinished_mail_that_is_gone_is_not_asked_for_again(bench: Bench) -> None:
    first = [*OPEN, *found(4), *sent(4, MAIL), Expect(rb"UID STORE .*")]
    second = [*OPEN, *found(), *answered(rb"UID FETCH 4 .*"), *left()]
    third = [*OPEN, *found(), *left()]
    result, _ = await poll(bench, CLEAR, first, second, third)
    assert result.succeeded, result


# --- exclusion --------------------------------------------------------------------------------------------------


async def test_a_second_poll_waits_until_the_first_one_is_over(bench: Bench) -> None:
    scripts = [[*OPEN, *found(4), *sent(4, MAIL), *stored(4), *left()], [*OPEN, *found(), *left()]]
    server = ScriptedServer([*scripts])
    async with running(server):
        pollers = [bench.poller(CLEAR, server.address) for _ in scripts]
        results = await asyncio.gather(*(each.poll() for each in pollers))
    assert server.surprises == []
    assert server.most_at_once == 1
    assert [(result.succeeded, result.stored) for result in results] == [(True, 1), (True, 0)]


async def test_a_poll_of_another_process_is_not_waited_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "take", lambda _, place, token, now, seconds: PollLock(place, 4711, 0.0, 60.0))
    result = await bench.poller(CLEAR, ("127.0.0.1", 1)).poll()
    assert (result.succeeded, result.stage) == (False, "lock")
    assert "mail.stadtwerke.example, maco, INBOX: locked by process 4711" in result.error
    assert "Manage Locks" in result.hint


async def test_a_poll_ends_with_its_lock_timeout(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "SECONDS_PER_MINUTE", 0.1)
    connection = make_connection(Protection.OFF, lock_timeout_min=1)
    result, _ = await poll(bench, connection, [*OPEN, *found(4), Hang()])
    assert (result.stage, "Lock Timeout is 1 min" in result.error) == ("lock", True)
    assert bench.inbox.locks() == []


async def test_a_poll_whose_lock_was_released_touches_nothing_on_the_server_any_more(bench: Bench) -> None:
    def release(point: FaultPointName) -> None:
        if point == "committed":
            bench.inbox._writer.submit(bench.inbox._database.execute, "DELETE FROM poll_lock").result()

    result, server = await poll(bench, CLEAR, [*OPEN, *found(4), *sent(4, MAIL), Hang()], fault_point=release)
    assert (result.succeeded, result.stage, result.stored) == (False, "lock", 1)
    assert server.commands[-1] == "UID FETCH"
