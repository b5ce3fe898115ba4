"""What MaCo never does where STARTTLS is attacked or done wrong: each case with a scripted server, both Protections."""

from __future__ import annotations

import re

import pytest

from certs.cast import Cast
from certs.trust import server_context
from maco_client.settings import Protection
from maco_wire.observation import MailFetched
from tests.maco_client.bench import Bench, make_connection
from tests.maco_client.pop3.scripts import pop3_connection
from tests.maco_client.scripted_server import ScriptedServer, running
from tests.maco_client.starttls.asserted import (
    assert_the_attacker_is_heard,
    assert_the_error_is,
    assert_the_password_went,
)
from tests.maco_client.starttls.case import PROTECTIONS, Case
from tests.maco_client.starttls.cases import CASES
from tests.maco_client.starttls.page import PAGE, id_of, page
from tests.maco_client.starttls.pop3_cases import POP3_CASES
from tests.maco_client.starttls.smtp_cases import SMTP_CASES

TIMEOUT_MS = 1_000
SILENCE_MS = 100
"""Where silence is the answer."""

ALL = [
    pytest.param(case, protection, id=id_of(case, protection))
    for case in (*CASES, *POP3_CASES)
    for protection in PROTECTIONS
]


@pytest.mark.parametrize(("case", "protection"), ALL)
async def test_maco_never(bench: Bench, cast: Cast, case: Case, protection: Protection) -> None:
    outcome = case.outcome(protection)
    timeout_ms = SILENCE_MS if outcome.error == "Read timed out" else TIMEOUT_MS
    server = ScriptedServer([case.script(lambda name: server_context(cast.by_name(name)), protection)])

    async with running(server):
        connect = pop3_connection if case in POP3_CASES else make_connection
        result = await bench.poller(connect(protection, timeout_ms=timeout_ms), server.address).poll()

    assert server.surprises == []
    assert (result.succeeded, result.stage) == (outcome.succeeds, outcome.stage), result
    assert_the_error_is(outcome.error, result.error)
    assert_the_password_went(outcome.credential, bench.journal, server)
    assert server.connections == 1, "MaCo dialled again"
    assert (result.stored, bench.journal.all(MailFetched)) == (0, [])
    assert_the_attacker_is_heard(bench.journal, result.error, result.hint, shown=case.is_shown)


def test_every_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in (*CASES, *POP3_CASES)]

    assert len(names) == len(set(names)) > 30


def test_the_page_has_every_case_and_names_its_tests() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert text == page(CASES, POP3_CASES, SMTP_CASES), "run python -m tests.maco_client.starttls"
    named = re.findall(r"`test_maco_never\[([\w-]+)\]`", text)
    assert named == [param.id for param in ALL]
