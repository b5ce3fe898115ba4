"""A mail server that offers no STARTTLS: Mandatory sends nothing secret, Optional goes on in clear and says so."""

from __future__ import annotations

from typing import Any

from maco_wire.observation import Handshake, Login, Party, Starttls, TlsSession
from tests.conftest import StartLab
from tests.lab_under_test import Change

WAY_A = "way-a"


def without_starttls(protection: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        data["mail_server"]["offer_starttls"] = False
        data["maco"]["email_connections"][0]["protection"] = protection

    return change


def test_mandatory_fails_before_any_credential_is_sent(start_lab: StartLab) -> None:
    lab = start_lab(without_starttls("STARTTLS Mandatory"))

    result = lab.poll(WAY_A)

    assert (result.succeeded, result.stage) == (False, "starttls")
    assert result.error.endswith("STARTTLS required but not supported by server")  # facts, section 1.4
    assert [(each.party, each.step) for each in lab.of(Starttls)] == [(Party.MACO, "not_offered")]
    assert not lab.of(Login)
    assert lab.no_password_was_sent()


def test_optional_goes_on_in_clear_and_the_journal_says_so(start_lab: StartLab) -> None:
    lab = start_lab(without_starttls("STARTTLS Optional"))

    result = lab.poll(WAY_A)

    assert (result.succeeded, result.stored) == (True, 1)
    assert [(each.party, each.step) for each in lab.of(Starttls)] == [(Party.MACO, "not_offered")]
    assert {each.party: each.in_clear for each in lab.of(Login)} == {Party.MACO: True, Party.MAIL_SERVER: True}
    assert not [each for each in lab.of(Handshake) if each.session is not TlsSession.TUNNEL]
    assert lab.passwords_held_by() == set(Party)


def test_optional_uses_starttls_when_it_is_offered(start_lab: StartLab) -> None:
    def optional(data: dict[str, Any]) -> None:
        data["maco"]["email_connections"][0]["protection"] = "STARTTLS Optional"

    lab = start_lab(optional)

    assert lab.poll(WAY_A).stored == 1
    assert lab.client_handshake(Party.MACO).succeeded
    assert lab.mail_server_handshake(succeeded=True).session is TlsSession.IMAP_STARTTLS
    assert lab.passwords_held_by() == {Party.MACO, Party.MAIL_SERVER}
