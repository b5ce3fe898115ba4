from __future__ import annotations

from typing import Any

import pytest

from maco_client.configuration import (
    CREDENTIAL,
    SENDING_CONNECTION,
    Configuration,
    Difference,
    NameTaken,
    StillUsed,
    UnknownEntry,
    differences,
)
from maco_client.failures import SettingsError
from maco_client.settings import Credential
from maco_client.smtp.choices import SendingAuthentication
from maco_client.smtp.configured import with_changed_sending, with_sending, without_sending

SETTINGS: dict[str, Any] = {
    "address": "mail.example:587",
    "protection": "STARTTLS Mandatory",
    "sender": "maco@example.com",
}
BARE = Configuration().with_credential(Credential("cred", "user", "sesame"))
CONFIGURED = with_sending(BARE, "out", credential="cred", authentication="Plain User Name/Password", **SETTINGS)


def test_a_changed_credential_is_that_of_what_sends_by_it() -> None:
    changed = CONFIGURED.with_changed_credential("cred", password="other")

    held = changed.sending["out"].credential
    assert held is not None
    assert held.password == "other"
    assert [(each.kind, each.change) for each in differences(CONFIGURED, changed)] == [
        (CREDENTIAL, "changed"), (SENDING_CONNECTION, "changed"),
    ]  # fmt: skip


def test_a_credential_that_something_sends_by_is_not_deleted() -> None:
    with pytest.raises(StillUsed, match="'out'"):
        CONFIGURED.without_credential("cred")
    without_sending(CONFIGURED, "out").without_credential("cred")


def test_without_a_credential_there_is_no_login() -> None:
    changed = with_changed_sending(CONFIGURED, "out", credential="")

    assert changed.sending["out"].authentication is SendingAuthentication.NONE
    assert changed.sending["out"].credential is None


def test_a_reference_leads_somewhere_and_a_name_is_there_once() -> None:
    with pytest.raises(SettingsError, match="credential: found 'x', allowed: 'cred'"):
        with_changed_sending(CONFIGURED, "out", credential="x")
    with pytest.raises(NameTaken):
        with_sending(CONFIGURED, "out", **SETTINGS)
    with pytest.raises(UnknownEntry, match="sending connection 'x', allowed: 'out'"):
        without_sending(CONFIGURED, "x")


def test_what_is_added_and_removed_is_told() -> None:
    assert differences(BARE, CONFIGURED) == [Difference(SENDING_CONNECTION, "out", "added")]
    assert differences(CONFIGURED, without_sending(CONFIGURED, "out")) == [
        Difference(SENDING_CONNECTION, "out", "removed")
    ]
