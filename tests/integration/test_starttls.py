"""A mail server that offers no STARTTLS: Mandatory sends nothing secret, Optional goes on in clear and says so."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.parties import Maco
from maco_lab.testing.settings import Change
from maco_wire.observation import Handshake, Login, Party, Starttls, TlsSession

pytestmark = pytest.mark.usefixtures("mail_waits")

WAY_A = "way-a"


def without_starttls(protection: str) -> Change:
    def change(data: dict[str, Any]) -> None:
        data["mail_server"]["offer_starttls"] = False
        data["maco"]["email_connections"][0]["protection"] = protection

    return change


@pytest.mark.maco_lab(change=without_starttls("STARTTLS Mandatory"))
def test_mandatory_fails_before_any_credential_is_sent(maco: Maco, lab_journal: LabJournal) -> None:
    result = maco.poll(WAY_A)

    assert (result.succeeded, result.stage) == (False, "starttls")
    assert result.error.endswith("STARTTLS required but not supported by server")  # facts, section 1.4
    assert [(each.party, each.step) for each in lab_journal.of(Starttls)] == [(Party.MACO, "not_offered")]
    assert not lab_journal.of(Login)
    assert lab_journal.no_password_was_sent()


@pytest.mark.maco_lab(change=without_starttls("STARTTLS Optional"))
def test_optional_goes_on_in_clear_and_the_journal_says_so(maco: Maco, lab_journal: LabJournal) -> None:
    result = maco.poll(WAY_A)

    assert (result.succeeded, result.stored) == (True, 1)
    assert [(each.party, each.step) for each in lab_journal.of(Starttls)] == [(Party.MACO, "not_offered")]
    assert {each.party: each.in_clear for each in lab_journal.of(Login)} == {Party.MACO: True, Party.MAIL_SERVER: True}
    assert not [each for each in lab_journal.of(Handshake) if each.session is not TlsSession.TUNNEL]
    assert lab_journal.passwords_held_by() == set(Party)


def optional(data: dict[str, Any]) -> None:
    data["maco"]["email_connections"][0]["protection"] = "STARTTLS Optional"


@pytest.mark.maco_lab(change=optional)
def test_optional_uses_starttls_when_it_is_offered(maco: Maco, lab_journal: LabJournal) -> None:
    assert maco.poll(WAY_A).stored == 1
    assert lab_journal.client_handshake(Party.MACO).succeeded
    assert lab_journal.server_handshake(succeeded=True).session is TlsSession.IMAP_STARTTLS
    assert lab_journal.passwords_held_by() == {Party.MACO, Party.MAIL_SERVER}
