"""STARTTLS attacked or refused: by the mail server, or by somebody who sits in the way of its bytes."""

from __future__ import annotations

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import Party, PollFinished, Starttls, StreamOpened
from tests.failures.matrix import Matrix, poll
from tests.failures.scripted import ScriptedMailServer
from tests.failures.settings import INTERNAL_A, WAY_A
from tests.maco_client.scripted_server import Expect, Read, Script, Send, answered, greeting

OFFERED = answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED")


def poll_against(lab: Lab, server: ScriptedMailServer, script: Script) -> None:
    lab.lead(INTERNAL_A, server.address)
    server.scripts = [script]
    result = poll(lab, WAY_A, server)
    assert (result.succeeded, result.stage, result.stored) == (False, "starttls", 0)


def assert_nothing_secret_was_sent(lab: Lab, server: ScriptedMailServer) -> None:
    assert lab.journal.wait_for(StreamOpened, Party.CLOUD_CONNECTOR).internal_host == "mail.stadtwerke.example"
    assert lab.journal.no_password_was_sent()
    assert not server.heard_a_password_of(lab)
    assert "LOGIN" not in server.commands
    assert "AUTHENTICATE" not in server.commands


def steps_of_maco(lab: Lab) -> list[str]:
    return [each.step for each in lab.journal.of(Starttls, Party.MACO)]


def error_of(lab: Lab) -> str:
    return lab.journal.of(PollFinished)[-1].error


def test_starttls_stripped_from_the_capabilities_ends_the_poll_before_the_password(
    maco_lab: Lab, server: ScriptedMailServer, matrix: Matrix
) -> None:
    # Who strips STARTTLS also invites to log in.
    stripped = [*greeting(), *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN"), Read()]

    poll_against(maco_lab, server, stripped)

    assert error_of(maco_lab) == "STARTTLS required but not supported by server"
    assert steps_of_maco(maco_lab) == ["not_offered"]
    assert server.commands == ["CAPABILITY"]
    assert_nothing_secret_was_sent(maco_lab, server)
    matrix.row("STARTTLS is stripped from the capabilities on the way", scripted=server)


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        # JavaMail takes a NO to STARTTLS for a failed authentication (facts: M33, M34).
        pytest.param(b"NO TLS is not available", "AuthenticationFailedException: TLS is not available", id="no"),
        pytest.param(b"BAD unknown command", "A002 BAD unknown command", id="bad"),
    ],
)
def test_starttls_offered_and_then_refused_ends_the_poll_before_the_password(
    maco_lab: Lab, server: ScriptedMailServer, matrix: Matrix, completion: bytes, text: str
) -> None:
    refusing = [*greeting(), *OFFERED, *answered(rb"STARTTLS", completion=completion), Read()]

    poll_against(maco_lab, server, refusing)

    assert error_of(maco_lab) == text
    assert steps_of_maco(maco_lab) == ["asked", "refused"]
    assert server.commands == ["CAPABILITY", "STARTTLS"]
    assert_nothing_secret_was_sent(maco_lab, server)
    matrix.row(f"STARTTLS is offered, then answered with {completion.split()[0].decode()}", scripted=server)


def test_bytes_injected_behind_the_answer_to_starttls_end_the_poll_before_the_handshake(
    maco_lab: Lab, server: ScriptedMailServer, matrix: Matrix
) -> None:
    injected = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"
    injecting = [*greeting(), *OFFERED, Expect(rb"STARTTLS"), Send(b"TAG OK begin\r\n" + injected), Read()]

    poll_against(maco_lab, server, injecting)

    assert f"{len(injected)} bytes of plaintext" in error_of(maco_lab)
    assert steps_of_maco(maco_lab) == ["asked", "injected"]
    assert server.commands == ["CAPABILITY", "STARTTLS"]
    assert_nothing_secret_was_sent(maco_lab, server)
    matrix.row("plaintext is injected behind the answer to STARTTLS", scripted=server)


def test_a_preauth_greeting_does_not_get_around_starttls(
    maco_lab: Lab, lab_journal: LabJournal, server: ScriptedMailServer, matrix: Matrix
) -> None:
    preauth = [*greeting(b"PREAUTH welcome"), *OFFERED, Read()]

    poll_against(maco_lab, server, preauth)

    assert error_of(maco_lab) == "STARTTLS required but not supported by server"
    assert [each.detail for each in lab_journal.of(Starttls, Party.MACO)] == ["PREAUTH"]
    assert server.commands == ["CAPABILITY"]
    assert_nothing_secret_was_sent(maco_lab, server)
    matrix.row("the greeting is PREAUTH, which rules STARTTLS out", scripted=server)
