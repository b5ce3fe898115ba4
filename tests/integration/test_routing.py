"""Each refusal on the way has its own SOCKS5 reply: 0x02 no mapping, 0x03 no connector, 0x04 no back end."""

from __future__ import annotations

from typing import Any

from maco_wire.observation import Handshake, Party, StreamOpened, StreamRefused
from tests.conftest import StartLab
from tests.lab_under_test import LabUnderTest

WAY_A = "way-a"


def first_server(**values: object) -> Any:
    """Return a change of the e-mail server of way A."""
    return lambda data: data["maco"]["email_servers"][0].update(values)


def assert_nothing_reached_the_mail_server(lab: LabUnderTest) -> None:
    assert not lab.of(Handshake, Party.MAIL_SERVER)
    assert not lab.of(StreamOpened)
    assert lab.no_password_was_sent()


def test_a_wrong_location_id_is_answered_with_0x03_before_any_connector_is_asked(start_lab: StartLab) -> None:
    lab = start_lab(first_server(location_id="WERK9"))

    result = lab.poll(WAY_A)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x03)
    assert "WERK9" in result.hint
    refusal = lab.refusal(Party.CONNECTIVITY)
    assert (refusal.reply, refusal.location_id) == (0x03, "WERK9")
    assert not lab.of(StreamRefused, Party.CLOUD_CONNECTOR)
    assert_nothing_reached_the_mail_server(lab)


def test_a_system_without_mapping_is_answered_with_0x02(start_lab: StartLab) -> None:
    lab = start_lab(first_server(address="mail.stadtwerke.example:144"))

    result = lab.poll(WAY_A)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x02)
    assert "mail.stadtwerke.example:144" in result.hint
    at_connector = lab.refusal(Party.CLOUD_CONNECTOR)
    assert (at_connector.virtual_port, at_connector.nearest) == (144, "mail.stadtwerke.example:143")
    assert lab.refusal(Party.CONNECTIVITY).reply == 0x02
    assert_nothing_reached_the_mail_server(lab)


def test_a_back_end_that_is_down_is_answered_with_0x04(start_lab: StartLab) -> None:
    def point_at_a_closed_port(data: dict[str, Any]) -> None:
        data["hosts"]["mail.stadtwerke.example:143"] = "127.0.0.1:1"

    lab = start_lab(point_at_a_closed_port)

    result = lab.poll(WAY_A)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", 0x04)
    assert "refused" in lab.refusal(Party.CLOUD_CONNECTOR).reason.lower()
    assert lab.refusal(Party.CONNECTIVITY).reply == 0x04
    assert_nothing_reached_the_mail_server(lab)


def test_virtual_hosts_compare_case_insensitively(start_lab: StartLab) -> None:
    lab = start_lab(first_server(address="MAIL.Stadtwerke.Example:143"))

    assert lab.poll(WAY_A).stored == 1
    assert lab.mail_server_handshake(succeeded=True).succeeded
