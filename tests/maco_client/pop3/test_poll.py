"""A poll by POP3 with a server that does exactly what it is told: what is fetched, deleted, told and remembered."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pytest

from maco_client.results import PollResult
from maco_client.settings import Authentication, EmailConnection
from maco_wire.observation import Login, MailFetched
from tests.maco_client.bench import Bench
from tests.maco_client.pop3.scripts import (
    answered,
    capa,
    deleted,
    greeting,
    left,
    listed,
    logged_in,
    opened,
    pop3_connection,
    sent,
)
from tests.maco_client.scripted_server import ExpectLine, Hang, Reset, ScriptedServer, Send, Step, running

ONE = b"Subject: one\r\n\r\n1\r\n"
TWO = b"Subject: two\r\n\r\n2\r\n"
BROKEN = b"Content-Type: multipart/mixed; boundary=b\r\n\r\nno part\r\n"
LEAVE = "Leave on Server"
CONNECT_FAILED = "MessagingException: Connect failed; nested exception is: java.io.IOException: "


async def polled(
    bench: Bench, *scripts: Sequence[Step], connection: EmailConnection | None = None, **settings: Any
) -> tuple[ScriptedServer, list[PollResult]]:
    """Poll once for each script by one poller."""
    server = ScriptedServer([*scripts])
    async with running(server):
        poller = bench.poller(connection or pop3_connection(), server.address, **settings)
        results = [await poller.poll() for _ in scripts]
    assert server.surprises == []
    return server, results


async def test_a_mail_is_committed_before_it_is_marked_and_goes_with_quit(bench: Bench) -> None:
    there: list[int] = []

    def fault_point(point: str) -> None:
        if point in ("deleted", "closed"):
            there.append(len(bench.inbox.mails()))

    script = [*opened(), *listed({1: (b"a", 9), 2: (b"b", 9)}), *sent(1, ONE), *sent(2, TWO), *deleted(1, 2), *left()]
    _, (result,) = await polled(bench, script, fault_point=fault_point)

    assert (result.succeeded, result.stored, result.stage) == (True, 2, "done")
    assert [bench.inbox.raw(each.id) for each in bench.inbox.mails()] == [ONE, TWO]
    assert [(each.unique_id, each.post_processed) for each in result.mails] == [("a", True), ("b", True)]
    assert there == [2, 2]
    assert [(each.unique_id, each.uid_validity) for each in bench.journal.all(MailFetched)] == [("a", 0), ("b", 0)]


async def test_a_mail_that_is_left_is_fetched_once(bench: Bench) -> None:
    messages = {1: (b"a", 9)}
    first = [*opened(), *listed(messages), *sent(1, ONE), *left()]
    again = [*opened(), *listed(messages), *left()]
    _, results = await polled(bench, first, again, connection=pop3_connection(post_processing=LEAVE))

    assert [(each.succeeded, each.stored) for each in results] == [(True, 1), (True, 0)]


async def test_other_numbers_of_the_same_mails_change_nothing(bench: Bench) -> None:
    first = [*opened(), *listed({1: (b"a", 9), 2: (b"b", 9)}), *sent(1, ONE), *sent(2, TWO), *left()]
    later = [*opened(), *listed({1: (b"b", 9), 2: (b"c", 9)}), *sent(2, b"Subject: three\r\n\r\n"), *left()]
    _, results = await polled(bench, first, later, connection=pop3_connection(post_processing=LEAVE))

    assert [each.stored for each in results] == [2, 1]


async def test_unique_ids_that_are_all_made_up_anew_double_no_mail(bench: Bench) -> None:
    first = [*opened(), *listed({1: (b"1.1", 9)}), *sent(1, ONE), *left()]
    later = [*opened(), *listed({1: (b"2.1", 9)}), *sent(1, ONE), *left()]
    again = [*opened(), *listed({1: (b"2.1", 9)}), *left()]
    _, results = await polled(bench, first, later, again, connection=pop3_connection(post_processing=LEAVE))

    assert [(each.succeeded, each.stored) for each in results] == [(True, 1), (True, 0), (True, 0)]
    assert [each.unique_id for each in bench.inbox.mails()] == ["2.1"]


async def test_a_unique_id_that_comes_again_after_its_mail_was_removed_is_another_mail(bench: Bench) -> None:
    # RFC 1939, section 7: a unique-id is kept "for as long as the entity using the unique-id exists".
    first = [*opened(), *listed({1: (b"a", 9)}), *sent(1, ONE), *deleted(1), *left()]
    second = [*opened(), *listed({1: (b"a", 9)}), *sent(1, TWO), *deleted(1), *left()]
    third = [*opened(), *listed({1: (b"a", 9)}), *sent(1, TWO), *deleted(1), *left()]
    _, results = await polled(bench, first, second, third)

    assert [each.stored for each in results] == [1, 1, 1]
    assert [bench.inbox.raw(each.id) for each in bench.inbox.mails()] == [ONE, TWO, TWO]
    assert results[2].mails[0].duplicate_of == results[1].mails[0].inbox_id


async def test_copies_with_one_unique_id_are_stored_once_and_all_deleted(bench: Bench) -> None:
    # RFC 1939, section 7: "Clients should be able to handle a situation where two identical copies of a message in a
    # maildrop have the same unique-id."
    copies = [*opened(), *listed({1: (b"a", 9), 2: (b"a", 9)})]
    broken = [*copies, *sent(1, ONE), *sent(2, ONE), *deleted(1, 2), ExpectLine(rb"QUIT"), Reset()]
    then = [*copies, *sent(1, ONE), *sent(2, ONE), *deleted(1, 2), *left()]
    _, (first, second) = await polled(bench, broken, then)

    assert (first.stage, first.stored) == ("post_process", 1)
    assert (second.succeeded, second.stored, len(second.mails)) == (True, 0, 1)


async def test_another_mail_with_the_same_unique_id_is_not_deleted_unseen(bench: Bench) -> None:
    both = [*opened(), *listed({1: (b"a", 9), 2: (b"a", 9)}), *sent(1, ONE), *sent(2, TWO), *deleted(1), *left()]
    other = [*opened(), *listed({1: (b"a", 9)}), *sent(1, TWO), *deleted(1), *left()]
    _, results = await polled(bench, both, other)

    assert [(each.succeeded, each.stored) for each in results] == [(True, 1), (True, 1)]
    assert [bench.inbox.raw(each.id) for each in bench.inbox.mails()] == [ONE, TWO]


async def test_a_mail_that_came_between_with_the_same_unique_id_is_not_deleted_unseen(bench: Bench) -> None:
    broken = [*opened(), *listed({1: (b"a", 9)}), *sent(1, ONE), *deleted(1), ExpectLine(rb"QUIT"), Reset()]
    both = [*opened(), *listed({1: (b"a", 9), 2: (b"a", 9)}), *sent(1, ONE), *sent(2, TWO), *deleted(1), *left()]
    _, (_, second) = await polled(bench, broken, both)

    assert (second.succeeded, [each.already_known for each in second.mails]) == (True, [True])


async def test_mails_that_stay_and_share_a_unique_id_fail_every_poll(bench: Bench) -> None:
    messages = {1: (b"a", 9), 2: (b"a", 10), 3: (b"b", 9)}
    first = [*opened(), *listed(messages), *sent(1, ONE), *sent(3, TWO), *left()]
    again = [*opened(), *listed(messages), *left()]
    _, results = await polled(bench, first, again, connection=pop3_connection(post_processing=LEAVE))

    assert [(each.stage, each.stored) for each in results] == [("fetch", 2), ("fetch", 0)]
    assert {each.error for each in results} == {"The unique-id a stands for several mails: only the first is fetched"}


async def test_a_mail_that_cannot_be_read_is_named_as_the_server_names_it(bench: Bench) -> None:
    script = [*opened(), *listed({1: (b"id-7", 9)}), *sent(1, BROKEN), *left()]
    _, (result,) = await polled(bench, script, connection=pop3_connection(skip_failed_message=False))

    assert result.error.endswith("(mail with unique-id id-7)")


PLAIN = base64.b64encode(b"\0maco\0sesame")


@pytest.mark.parametrize(
    "said",
    [
        b"-ERR not with sesame",
        b"-ERR not with " + PLAIN,
        b"not with sesame",
        b"+ " + b"!" * 71 + b" sesame",  # cut in the middle of it
    ],
)
async def test_a_server_that_repeats_the_password_does_not_get_it_shown(bench: Bench, said: bytes) -> None:
    login: list[Step] = [*answered(rb"AUTH PLAIN", b"+ "), *answered(PLAIN.replace(b"+", rb"\+"), said)]
    _, (result,) = await polled(bench, [*greeting(), *capa(b"SASL PLAIN"), *login])

    assert not result.succeeded
    assert "***" in result.error
    for each in (result, *bench.journal.observations):
        assert not any(secret in repr(each) for secret in ("sesa", PLAIN.decode()[:12]))


async def test_what_an_earlier_poll_could_not_delete_is_deleted_and_not_fetched(bench: Bench) -> None:
    messages = {1: (b"a", 9)}
    broken = [*opened(), *listed(messages), *sent(1, ONE), *deleted(1), ExpectLine(rb"QUIT"), Reset()]
    then = [*opened(), *listed(messages), *deleted(1), *left()]
    _, (first, second) = await polled(bench, broken, then)

    assert (first.succeeded, first.stage, first.error, first.stored) == (False, "post_process", "EOF on socket", 1)
    assert (second.succeeded, second.stored, second.mails[0].already_known) == (True, 0, True)


async def test_a_mail_that_went_though_the_answer_to_quit_was_lost_is_finished(bench: Bench) -> None:
    broken = [*opened(), *listed({1: (b"a", 9)}), *sent(1, ONE), *deleted(1), ExpectLine(rb"QUIT"), Reset()]
    then = [*opened(), *listed({}), *left()]
    _, (_, second) = await polled(bench, broken, then)

    assert (second.succeeded, second.mails) == (True, ())
    assert [each.post_processed for each in bench.inbox.mails()] == [True]


async def test_a_quit_that_did_not_remove_all_fails_the_poll(bench: Bench) -> None:
    # RFC 1939, section 6: "-ERR some deleted messages not removed".
    script = [
        *opened(), *listed({1: (b"a", 9)}), *sent(1, ONE), *deleted(1), *answered(rb"QUIT", b"-ERR some not removed")
    ]  # fmt: skip
    _, (result,) = await polled(bench, script)

    assert (result.stage, result.error) == ("post_process", "MessagingException: -ERR some not removed")
    assert result.server_answer == "-ERR some not removed"
    assert [each.post_processed for each in bench.inbox.mails()] == [False]


async def test_the_limit_counts_what_is_dealt_with(bench: Bench) -> None:
    messages = {1: (b"a", 9), 2: (b"b", 9)}
    first = [*opened(), *listed(messages), *sent(1, ONE), *left()]
    second = [*opened(), *listed(messages), *sent(2, TWO), *left()]
    connection = pop3_connection(post_processing=LEAVE, max_messages_per_poll=1)
    _, results = await polled(bench, first, second, connection=connection)

    assert [each.stored for each in results] == [1, 1]


async def test_a_mail_above_the_limit_stays_and_fails_the_poll_after_the_others(bench: Bench) -> None:
    script = [*opened(), *listed({1: (b"big", 5000), 2: (b"b", 9)}), *sent(2, TWO), *deleted(2), *left()]
    _, (result,) = await polled(bench, script, max_mail_bytes=1000)

    assert (result.succeeded, result.stage, result.stored) == (False, "fetch", 1)
    assert result.error.startswith("The mail with unique-id big stays on the server: 5000 bytes")


async def test_a_mail_that_is_larger_than_the_server_said_is_cut_off(bench: Bench) -> None:
    script = [*opened(), *listed({1: (b"a", 9)}), *sent(1, b"x" * 2000 + b"\r\n")]
    _, (result,) = await polled(bench, script, max_mail_bytes=1000)

    assert (result.succeeded, result.stage, result.stored) == (False, "fetch", 0)
    assert "larger than 1000 bytes" in result.error


@pytest.mark.parametrize("skips", [True, False])
async def test_a_mail_that_the_server_does_not_give_is_passed_over_or_ends_the_poll(
    bench: Bench, *, skips: bool
) -> None:
    refused = [*opened(), *listed({1: (b"a", 9), 2: (b"b", 9)}), *answered(rb"RETR 1", b"-ERR broken")]
    script = [*refused, *sent(2, TWO), *deleted(2), *left()] if skips else [*refused, *left()]
    _, (result,) = await polled(bench, script, connection=pop3_connection(skip_failed_message=skips))

    assert (result.succeeded, result.stage, result.stored) == (False, "fetch", 1 if skips else 0)
    assert "-ERR broken" in result.error


async def test_what_was_refused_is_asked_for_again(bench: Bench) -> None:
    messages = {1: (b"a", 9)}
    refused = [*opened(), *listed(messages), *answered(rb"RETR 1", b"-ERR not now"), *left()]
    then = [*opened(), *listed(messages), *sent(1, ONE), *deleted(1), *left()]
    _, results = await polled(bench, refused, then)

    assert [(each.succeeded, each.stored) for each in results] == [(False, 0), (True, 1)]


async def test_no_session_is_kept(bench: Bench) -> None:
    script = [*opened(), *listed({}), *left()]
    connection = pop3_connection(automatically_disconnect=False)
    server, results = await polled(bench, script, script, connection=connection)

    assert (server.connections, [each.succeeded for each in results]) == (2, [True, True])
    assert any("Automatically Disconnect off" in each for each in results[0].warnings)


FAILURES: dict[str, tuple[Sequence[Step], str, str, str]] = {
    "a refusal as greeting": (
        greeting(b"-ERR [SYS/TEMP] too many"),
        "greeting",
        f"{CONNECT_FAILED}Connect failed (-ERR [SYS/TEMP] too many)",
        "-ERR [SYS/TEMP] too many",
    ),
    "another protocol": (
        greeting(b"* OK IMAP4rev1 ready"),
        "greeting",
        f"{CONNECT_FAILED}Unexpected response: * OK IMAP4rev1 ready",
        "* OK IMAP4rev1 ready",
    ),
    "a user that is refused": (
        [*greeting(), *capa(b"USER"), *answered(rb"USER maco", b"-ERR [AUTH] who?")],
        "login",
        "AuthenticationFailedException: [AUTH] who?",
        "-ERR [AUTH] who?",
    ),
    "a password that is refused": (
        [*greeting(), *capa(b"USER"), *answered(rb"USER maco"), *answered(rb"PASS sesame", b"-ERR no")],
        "login",
        "AuthenticationFailedException: no",
        "-ERR no",
    ),
    "no way to log in": ([*greeting(), *capa(b"UIDL")], "login", "No login methods supported!", ""),
    "no UIDL": (
        [*opened(), *answered(rb"UIDL", b"-ERR unknown command")],
        "search",
        "MessagingException: error getting UIDL (-ERR unknown command)",
        "-ERR unknown command",
    ),
    "UIDL and LIST that differ": (
        [*opened(), *answered(rb"UIDL", lines=[b"1 a"]), *answered(rb"LIST", lines=[])],
        "search",
        "MessagingException: POP3: expected the same messages in the answers to UIDL and LIST, got 1 and 0",
        "",
    ),
    "a message that is listed twice": (
        [*opened(), *answered(rb"UIDL", lines=[b"1 a", b"1 b"])],
        "search",
        "MessagingException: POP3: expected each message once in the answer to UIDL, got '1 b'",
        "",
    ),
    "a message that cannot be marked": (
        [*opened(), *listed({1: (b"a", 9)}), *sent(1, ONE), *answered(rb"DELE 1", b"-ERR read only")],
        "post_process",
        "MessagingException: -ERR read only",
        "-ERR read only",
    ),
    "the end in the middle of a mail": (
        [*opened(), *listed({1: (b"a", 9)}), ExpectLine(rb"RETR 1"), Send(b"+OK\r\nSubject: on")],
        "fetch",
        "EOF on socket",
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_is_told_in_javamails_words_with_what_the_server_said(bench: Bench, name: str) -> None:
    script, stage, error, answer = FAILURES[name]
    _, (result,) = await polled(bench, script)

    assert (result.stage, result.error, result.server_answer) == (stage, error, answer)


async def test_a_maildrop_in_use_is_told_as_such(bench: Bench) -> None:
    script = [
        *greeting(),
        *capa(b"USER"),
        *answered(rb"USER maco"),
        *answered(rb"PASS sesame", b"-ERR [IN-USE] locked"),
    ]
    _, (result,) = await polled(bench, script)

    assert "Another POP3 session" in result.hint


async def test_a_refused_user_has_sent_no_password(bench: Bench) -> None:
    await polled(bench, FAILURES["a user that is refused"][0])

    assert [each.credentials_sent for each in bench.journal.all(Login)] == [False]


async def test_without_capa_user_and_pass_are_tried(bench: Bench) -> None:
    script = [*greeting(), *answered(rb"CAPA", b"-ERR unknown"), *logged_in(), *listed({}), *left()]
    _, (result,) = await polled(bench, script)

    assert result.succeeded


async def test_sasl_plain_where_there_is_no_user_command(bench: Bench) -> None:
    secret = base64.b64encode(b"\0maco\0sesame")
    login: list[Step] = [*answered(rb"AUTH PLAIN", b"+ "), *answered(secret.replace(b"+", rb"\+"))]
    _, (result,) = await polled(bench, [*greeting(), *capa(b"SASL PLAIN"), *login, *listed({}), *left()])

    assert result.succeeded


async def test_encrypted_logs_in_by_cram_md5(bench: Bench) -> None:
    login: list[Step] = [*answered(rb"AUTH CRAM-MD5", b"+ PDFAeD4="), *answered(rb"[A-Za-z0-9+/=]+")]
    connection = pop3_connection(authentication=Authentication.ENCRYPTED)
    script = [*greeting(), *capa(b"USER", b"SASL PLAIN CRAM-MD5"), *login, *listed({}), *left()]
    _, (result,) = await polled(bench, script, connection=connection)

    assert result.succeeded
    (seen,) = bench.journal.all(Login)
    assert (seen.protocol, seen.credentials_sent) == ("POP3", False)


@pytest.mark.parametrize("capabilities", [[*capa(b"USER", b"SASL PLAIN")], [*answered(rb"CAPA", b"-ERR unknown")]])
async def test_encrypted_fails_closed(bench: Bench, capabilities: list[Step]) -> None:
    connection = pop3_connection(authentication=Authentication.ENCRYPTED)
    server, (result,) = await polled(bench, [*greeting(), *capabilities], connection=connection)

    assert (result.stage, result.error) == ("login", "No login methods supported!")
    assert b"sesame" not in server.heard_in_clear


async def test_encrypted_falls_back_only_where_that_is_set(bench: Bench) -> None:
    connection = pop3_connection(authentication=Authentication.ENCRYPTED, plain_fallback=True)
    _, (result,) = await polled(bench, [*opened(), *listed({}), *left()], connection=connection)

    assert result.succeeded


async def test_a_silent_server_is_waited_for_as_long_as_the_timeout_says(bench: Bench) -> None:
    connection = pop3_connection(timeout_ms=50)
    _, (result,) = await polled(bench, [*greeting(), ExpectLine(rb"CAPA"), Hang()], connection=connection)
    assert (result.stage, result.error) == ("capability", "Read timed out")
