"""Each refusal on the way has its own SOCKS5 reply: 0x02 no mapping, 0x03 no connector, 0x04 no back end."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.testing.parties import Maco
from maco_wire.observation import Handshake, Party, StreamOpened, StreamRefused

pytestmark = pytest.mark.usefixtures("mail_waits")

WAY_A = "way-a"


def first_server(**values: object) -> Any:
    """Return a change of the e-mail server of way A."""
    return lambda data: data["maco"]["email_servers"][0].update(values)


def assert_nothing_reached_the_mail_server(lab: Lab) -> None:
    assert not lab.journal.of(Handshake, Party.MAIL_SERVER)
    assert not lab.journal.of(StreamOpened)
    assert lab.journal.no_password_was_sent()


@pytest.mark.maco_lab(change=first_server(location_id="WERK9"))
def test_a_wrong_location_id_is_answered_with_0x03_before_any_connector_is_asked(
    maco_lab: Lab, maco: Maco, lab_journal: LabJournal
) -> None:
    result = maco.poll(WAY_A)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x03)
    assert "WERK9" in result.hint
    refusal = lab_journal.one(StreamRefused, Party.CONNECTIVITY)
    assert (refusal.reply, refusal.location_id) == (0x03, "WERK9")
    assert not lab_journal.of(StreamRefused, Party.CLOUD_CONNECTOR)
    assert_nothing_reached_the_mail_server(maco_lab)


@pytest.mark.maco_lab(change=first_server(address="mail.stadtwerke.example:144"))
def test_a_system_without_mapping_is_answered_with_0x02(maco_lab: Lab, maco: Maco, lab_journal: LabJournal) -> None:
    result = maco.poll(WAY_A)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x02)
    assert "mail.stadtwerke.example:144" in result.hint
    at_connector = lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR)
    assert (at_connector.virtual_port, at_connector.nearest) == (144, "mail.stadtwerke.example:143")
    assert lab_journal.one(StreamRefused, Party.CONNECTIVITY).reply == 0x02
    assert_nothing_reached_the_mail_server(maco_lab)


def point_at_a_closed_port(data: dict[str, Any]) -> None:
    data["hosts"]["mail.stadtwerke.example:143"] = "127.0.0.1:1"


@pytest.mark.maco_lab(change=point_at_a_closed_port)
def test_a_back_end_that_is_down_is_answered_with_0x04(maco_lab: Lab, maco: Maco, lab_journal: LabJournal) -> None:
    result = maco.poll(WAY_A)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x04)
    assert "refused" in lab_journal.one(StreamRefused, Party.CLOUD_CONNECTOR).reason.lower()
    assert lab_journal.one(StreamRefused, Party.CONNECTIVITY).reply == 0x04
    assert_nothing_reached_the_mail_server(maco_lab)


@pytest.mark.maco_lab(change=first_server(address="MAIL.Stadtwerke.Example:143"))
def test_virtual_hosts_compare_case_insensitively(maco: Maco, lab_journal: LabJournal) -> None:
    assert maco.poll(WAY_A).stored == 1
    assert lab_journal.server_handshake(succeeded=True).succeeded
