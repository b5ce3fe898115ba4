"""``mail_server.break_at`` and ``heal``: MaCo meets the fault, is well afterwards, and the journal tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.testing.parties import Maco, MailServer
from maco_wire.observation import FaultStruck, Party
from mailserver_sim.settings import SettingsError

WAY_A, WAY_B = "way-a", "way-b"
STROM = "strom@stadtwerke.example"

BROKEN_POLLS = [
    (WAY_A, "greeting.bye", {}, "greeting"),
    (WAY_A, "greeting.preauth", {}, "starttls"),
    (WAY_A, "starttls.not_offered", {}, "starttls"),
    (WAY_A, "starttls.injected", {}, "starttls"),
    (WAY_A, "handshake.broken", {}, "starttls"),
    (WAY_B, "handshake.broken", {"how": "reset"}, "socks"),
    (WAY_B, "login.refused", {}, "login"),
    (WAY_A, "login.dropped", {}, "folder"),
    (WAY_B, "mailbox.locked", {}, "select"),
]


@pytest.mark.parametrize(("way", "step", "parameters", "stage"), BROKEN_POLLS)
def test_a_poll_fails_once_where_the_server_breaks(
    maco: Maco,
    mail_server: MailServer,
    lab_journal: LabJournal,
    way: str,
    step: str,
    parameters: dict[str, Any],
    stage: str,
) -> None:
    mail_server.break_at(step, **parameters)

    broken = maco.poll(way)

    assert (broken.succeeded, broken.stage) == (False, stage)
    assert lab_journal.wait_for(FaultStruck, Party.MAIL_SERVER).step == step
    assert maco.poll(way).succeeded


def test_healing_ends_a_fault_at_once(maco: Maco, mail_server: MailServer) -> None:
    mail_server.break_at("mailbox.locked", count=0)
    assert not maco.poll(WAY_A).succeeded

    mail_server.heal()

    assert maco.poll(WAY_A).succeeded
    assert mail_server.faults() == []


def test_a_fault_that_is_no_step_is_refused(mail_server: MailServer) -> None:
    with pytest.raises(SettingsError, match=r"allowed: greeting\.bye"):
        mail_server.break_at("login.lost")


def test_a_reset_forgets_what_a_test_has_broken(maco_lab: Lab) -> None:
    maco_lab.mail_server.break_at("login.refused", count=0)

    maco_lab.reset()

    assert maco_lab.mail_server.faults() == []


@pytest.mark.maco_lab(change=lambda lab: lab["mail_server"].update(faults=[{"step": "login.refused"}]))
@pytest.mark.slow
def test_a_reset_arms_the_faults_of_the_settings_anew(maco_lab: Lab) -> None:
    for _ in range(2):
        assert not maco_lab.maco.poll(WAY_A).succeeded
        assert maco_lab.maco.poll(WAY_A).succeeded
        maco_lab.reset()
