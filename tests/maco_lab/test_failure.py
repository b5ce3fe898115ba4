"""From the journal to one line: what MaCo tells of a failed poll, and what the others saw of the same connection."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable

from maco_client.results import PollResult
from maco_lab import failure as failure_module
from maco_lab.failure import Failure, failure_from, failure_of, settled_failure
from maco_lab.journal import Journal
from maco_lab.poll_answer import poll_answer
from maco_lab.testing.lab import Lab
from maco_wire.observation import Observation, Party, PollFinished, Problem, SocketClosed, TlsSession, TokenRefused
from tests.maco_lab.observed import Connection, entries, tunnel, way_a

PKIX = "STARTTLS failure: PKIX path building failed"


def a_connection(*, maco: int = 50001, lan: int = 60001, trace: str = "t1") -> Connection:
    return Connection("way-a", maco=maco, lan=lan, trace=trace)


def refused_certificate(connection: Connection) -> list[Observation]:
    """Return a poll that ends because MaCo does not trust the mail server, without the mail server's part."""
    (finished,) = connection.finished(stage="starttls", error=PKIX, hint="key store")
    assert isinstance(finished, PollFinished)
    seen = dataclasses.replace(finished, alert_sent="unknown_ca", java_alert="certificate_unknown")
    return [*connection.opened(), connection.by_maco(error="unable to get local issuer certificate"), seen]


def result_of(seen: Iterable[Observation]) -> PollResult:
    """Return the result that goes with the reported end of a poll."""
    finished = next(each for each in seen if isinstance(each, PollFinished))
    return PollResult(finished.connection, succeeded=False, stage=finished.stage, error=finished.error)


def failed(*parts: Iterable[Observation]) -> Failure:
    found = failure_of(entries(tunnel(), *parts), "way-a")
    assert found is not None
    return found


def test_the_line_has_maco_s_words_the_wire_and_what_each_of_the_others_saw() -> None:
    connection = a_connection()
    told = connection.by_mail_server(TlsSession.IMAP_STARTTLS, error="unknown ca", alert="unknown_ca")

    assert failed(refused_certificate(connection), [told]).line == (
        f"way-a: failed at step 'starttls': {PKIX} | TLS alert sent: unknown_ca (Java: certificate_unknown)"
        " | Cloud Connector saw: opens TCP to real:143 | Mail server saw: TLS alert received: unknown_ca"
    )


def test_the_values_are_those_that_maco_reported() -> None:
    failure = failed(refused_certificate(a_connection()))

    assert (failure.stage, failure.error, failure.hint) == ("starttls", PKIX, "key store")
    assert (failure.alert_sent, failure.java_alert, failure.socks_reply) == ("unknown_ca", "certificate_unknown", None)


def test_what_the_error_says_already_is_not_said_again() -> None:
    told = "AuthenticationFailedException: [EXPIRED] old"
    line = Failure("a", "login", told, "", server_answer="NO [EXPIRED] old").line
    other = Failure("a", "greeting", "Received fatal alert: bad_record_mac", "", alert_received="bad_record_mac").line

    assert line == "a: failed at step 'login': AuthenticationFailedException: [EXPIRED] old"
    assert other == "a: failed at step 'greeting': Received fatal alert: bad_record_mac"


def test_the_line_of_java_is_told_where_the_error_is_not_all_of_it() -> None:
    line = "javax.net.ssl.SSLHandshakeException: No name matching a found"

    assert Failure("a", "tls", "No name matching a found", "", java_text=line).line.endswith(f"| Java: {line}")
    assert "Java" not in Failure("a", "tls", line, "", java_text=line).line


def test_an_answer_that_is_not_in_the_error_is_told() -> None:
    assert Failure("a", "select", "ReadOnlyFolderException", "", server_answer="NO [NOPERM] no").line.endswith(
        "| mail server's answer: NO [NOPERM] no"
    )


def test_a_refusal_names_reply_and_nearest_mapping_each_with_its_party() -> None:
    connection = a_connection()
    refused = connection.refused("Access denied", nearest="mail:143")

    assert failed(refused, connection.finished(stage="socks", error="SOCKS")).seen_by == {
        Party.CONNECTIVITY: "answers 0x04: the Cloud Connector refused",
        Party.CLOUD_CONNECTOR: "Access denied; nearest mapping: mail:143",
    }


def test_a_refused_token_has_no_trace_and_is_found_by_maco_s_address() -> None:
    connection = a_connection()
    refused = TokenRefused(Party.CONNECTIVITY, "expired", peer=connection.at_maco)
    foreign = TokenRefused(Party.CONNECTIVITY, "of somebody else", peer=("127.0.0.1", 1))

    failure = failed([foreign, refused], connection.finished(stage="socks", error="Authentication failed!"))

    assert failure.seen_by == {Party.CONNECTIVITY: "token refused: expired"}


def test_nothing_of_another_connection_is_told() -> None:
    other = a_connection(maco=50009, lan=60009, trace="t9")
    problem = Problem(Party.MAIL_SERVER, local=other.at_mail_server, peer=other.on_lan, text="of another one")

    failure = failed(way_a(other), refused_certificate(a_connection()), [problem])

    assert Party.MAIL_SERVER not in failure.seen_by


def test_a_poll_that_succeeded_is_no_failure_and_neither_is_none() -> None:
    assert failure_of(entries(tunnel(), way_a(a_connection())), "way-a") is None
    assert failure_of(entries(tunnel()), "way-a") is None


async def test_the_mail_server_s_last_word_is_waited_for() -> None:
    connection, journal = a_connection(), Journal()
    seen = refused_certificate(connection)
    for each in (*tunnel(), *seen):
        journal.record(each)

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(settled_failure(journal, result_of(seen)))
        await asyncio.sleep(0)
        journal.record(connection.by_mail_server(TlsSession.IMAP_STARTTLS, error="x", alert="unknown_ca"))

    assert waiting.result().seen_by[Party.MAIL_SERVER] == "TLS alert received: unknown_ca"


async def test_a_mail_server_that_has_closed_without_a_word_is_not_waited_for() -> None:
    connection, journal = a_connection(), Journal()
    seen = refused_certificate(connection)
    closed = SocketClosed(Party.MAIL_SERVER, local=connection.at_mail_server, peer=connection.on_lan)
    for each in (*tunnel(), *seen, closed):
        journal.record(each)

    async with asyncio.timeout(failure_module.LAST_WORDS_S / 2):
        assert Party.MAIL_SERVER not in (await settled_failure(journal, result_of(seen))).seen_by


async def test_a_failure_that_nobody_reported_is_told_by_its_result_alone() -> None:
    journal = Journal()
    for each in refused_certificate(a_connection()):
        journal.record(each)
    result = PollResult("way-a", succeeded=False, stage="dial", error="MaCo's process ended during the poll")

    assert await settled_failure(journal, result) == Failure("way-a", "dial", result.error, "")


def test_the_answer_of_a_lab_is_the_failure_again(maco_lab: Lab) -> None:
    lab = maco_lab.running
    maco_lab.cloud_connector.disconnect()

    (answer,) = maco_lab.thread.run(poll_answer(lab.maco, lab.journal, ["way-a"]))

    assert answer["socks_reply"] == 3
    told = "no Cloud Connector with location ID 'WERK1' is connected; connected: none"
    assert answer["seen_by"] == {"Connectivity service": f"answers 0x03: {told}"}
    assert failure_from(answer) == failure_of(lab.journal.entries(), "way-a")


def test_a_poll_that_succeeds_is_seen_by_nobody(maco_lab: Lab) -> None:
    lab = maco_lab.running

    (answer,) = maco_lab.thread.run(poll_answer(lab.maco, lab.journal, ["way-a"]))

    assert (answer["succeeded"], answer["seen_by"]) == (True, {})
