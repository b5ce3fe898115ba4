"""What MaCo never does when it sends and STARTTLS is attacked or done wrong: scripted servers, both Protections."""

from __future__ import annotations

import re

import pytest

from certs.cast import Cast
from certs.trust import server_context
from maco_client.key_store import KeyStore
from maco_client.settings import Protection
from maco_client.smtp.choices import SendingProtection
from maco_client.smtp.message import OutgoingMail
from maco_wire.observation import SendFinished
from tests.maco_client.bench import Journal
from tests.maco_client.scripted_server import ScriptedServer, running
from tests.maco_client.smtp.test_sender import MAIL, PASSWORD, RECIPIENT, SENDER, mail_sender
from tests.maco_client.starttls.asserted import (
    assert_the_attacker_is_heard,
    assert_the_error_is,
    assert_the_password_went,
)
from tests.maco_client.starttls.case import PROTECTIONS, Case
from tests.maco_client.starttls.page import PAGE, SENDING, id_of
from tests.maco_client.starttls.smtp_cases import SMTP_CASES

TIMEOUT_MS = 1_000
SILENCE_MS = 100
"""Where silence is the answer."""

ALL = [pytest.param(case, protection, id=id_of(case, protection)) for case in SMTP_CASES for protection in PROTECTIONS]


@pytest.mark.parametrize(("case", "protection"), ALL)
async def test_maco_never_sends(
    journal: Journal, key_store: KeyStore, cast: Cast, case: Case, protection: Protection
) -> None:
    outcome = case.outcome(protection)
    server = ScriptedServer([case.script(lambda name: server_context(cast.by_name(name)), protection)])

    async with running(server):
        sender = mail_sender(
            journal,
            key_store,
            server.address,
            protection=SendingProtection(str(protection)),
            timeout_ms=SILENCE_MS if outcome.error == "Read timed out" else TIMEOUT_MS,
            credential=PASSWORD,
        )
        result = await sender.send(OutgoingMail(SENDER, (RECIPIENT,), MAIL))

    assert server.surprises == []
    assert (result.succeeded, result.stage) == (outcome.succeeds, outcome.stage), result
    assert_the_error_is(outcome.error, result.error)
    assert_the_password_went(outcome.credential, journal, server)
    assert server.connections == 1, "MaCo dialled again"
    assert result.outcome == ("sent" if outcome.succeeds else "not sent")
    assert journal.only(SendFinished).error == result.error
    if protection is Protection.STARTTLS_MANDATORY:
        said = server.heard_in_clear.partition(b"\x16\x03")[0]  # a ClientHello may be read as what it is not
        assert set(said.splitlines()) <= {b"EHLO maco", b"STARTTLS"}, "a word too many before TLS"
    assert_the_attacker_is_heard(journal, result.error, result.hint, shown=case.is_shown)


def test_every_case_has_a_name_of_its_own_and_is_on_the_page() -> None:
    names = [case.name for case in SMTP_CASES]

    assert len(names) == len(set(names)) > 40
    named = re.findall(rf"`{SENDING}\[([\w-]+)\]`", PAGE.read_text(encoding="utf-8"))
    assert named == [param.id for param in ALL]
