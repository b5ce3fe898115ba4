"""STARTTLS attacked or refused: by the mail server, or by somebody who sits in the way of its bytes."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import FaultStruck, Login, Party, PollFinished, Starttls, StreamOpened
from tests.failures.matrix import Matrix, poll
from tests.failures.settings import WAY_A


def poll_while_broken_at(lab: Lab, step: str, **parameters: Any) -> str:
    """Poll a mail server that breaks at a step, and return the error."""
    lab.mail_server.break_at(step, protocol="imap", **parameters)
    result = poll(lab, WAY_A)
    assert (result.succeeded, result.stage, result.stored) == (False, "starttls", 0)
    assert lab.journal.wait_for(FaultStruck, Party.MAIL_SERVER).step == step
    return lab.journal.of(PollFinished)[-1].error


def assert_nothing_secret_was_sent(lab: Lab) -> None:
    assert lab.journal.wait_for(StreamOpened, Party.CLOUD_CONNECTOR).internal_host == "mail.stadtwerke.example"
    assert lab.journal.no_password_was_sent()
    assert not lab.journal.of(Login)


def steps_of(lab: Lab, party: Party) -> list[str]:
    return [each.step for each in lab.journal.of(Starttls, party)]


def test_starttls_stripped_from_the_capabilities_ends_the_poll_before_the_password(
    maco_lab: Lab, matrix: Matrix
) -> None:
    # Who strips STARTTLS also invites to log in.
    error = poll_while_broken_at(maco_lab, "starttls.stripped")

    assert error == "STARTTLS required but not supported by server"
    assert steps_of(maco_lab, Party.MACO) == ["not_offered"]
    assert steps_of(maco_lab, Party.MAIL_SERVER) == []
    assert_nothing_secret_was_sent(maco_lab)
    matrix.row("STARTTLS is stripped from the capabilities on the way")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        # JavaMail takes a NO to STARTTLS for a failed authentication (facts: M33, M34).
        pytest.param("NO", "AuthenticationFailedException: TLS is not available", id="no"),
        pytest.param("BAD", "A002 BAD TLS is not available", id="bad"),
    ],
)
def test_starttls_offered_and_then_refused_ends_the_poll_before_the_password(
    maco_lab: Lab, matrix: Matrix, answer: str, text: str
) -> None:
    error = poll_while_broken_at(maco_lab, "starttls.refused", answer=answer)

    assert error == text
    assert steps_of(maco_lab, Party.MACO) == ["asked", "refused"]
    assert steps_of(maco_lab, Party.MAIL_SERVER) == ["refused"]
    assert_nothing_secret_was_sent(maco_lab)
    matrix.row(f"STARTTLS is offered, then answered with {answer}")


def test_bytes_injected_behind_the_answer_to_starttls_end_the_poll_before_the_handshake(
    maco_lab: Lab, matrix: Matrix
) -> None:
    injected = "* CAPABILITY IMAP4rev1 AUTH=PLAIN"

    error = poll_while_broken_at(maco_lab, "starttls.injected", text=injected)

    assert f"{len(injected) + 2} bytes of plaintext" in error
    assert steps_of(maco_lab, Party.MACO) == ["asked", "injected"]
    assert not maco_lab.journal.server_handshake(succeeded=False).version, "no handshake came about"
    assert_nothing_secret_was_sent(maco_lab)
    matrix.row("plaintext is injected behind the answer to STARTTLS")


def test_a_preauth_greeting_does_not_get_around_starttls(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix
) -> None:
    error = poll_while_broken_at(maco_lab, "greeting.preauth")

    assert error == "STARTTLS required but not supported by server"
    assert [each.detail for each in lab_journal.of(Starttls, Party.MACO)] == ["PREAUTH"]
    assert steps_of(maco_lab, Party.MAIL_SERVER) == []
    assert_nothing_secret_was_sent(maco_lab)
    matrix.row("the greeting is PREAUTH, which rules STARTTLS out")
