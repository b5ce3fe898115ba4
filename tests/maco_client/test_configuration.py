from __future__ import annotations

from collections.abc import Callable

import pytest

from maco_client.configuration import (
    EMAIL_CONNECTION,
    EMAIL_SERVER,
    Configuration,
    Difference,
    NameTaken,
    StillUsed,
    UnknownEntry,
    differences,
)
from maco_client.failures import SettingsError
from maco_client.settings import Credential, EmailServer, Protection

CREDENTIAL = Credential("cred", "user", "sesame")
SERVER = EmailServer("server", "mail.example:143")
NOTHING = Configuration()
CONFIGURED = (
    NOTHING.with_certificates({"root": b"DER"})
    .with_credential(CREDENTIAL)
    .with_server(SERVER)
    .with_connection("c", server="server", credential="cred", protection=Protection.OFF)
)


def test_a_change_leaves_the_value_before_as_it_was() -> None:
    CONFIGURED.with_changed_server("server", timeout_ms=1).without_connection("c")

    assert CONFIGURED.servers["server"] == SERVER
    assert list(CONFIGURED.connections) == ["c"]


def test_a_changed_server_is_that_of_the_connections_that_refer_to_it() -> None:
    changed = CONFIGURED.with_changed_server("server", timeout_ms=1)

    assert changed.connections["c"].server.timeout_ms == 1


def test_a_changed_credential_is_that_of_the_connections_that_refer_to_it() -> None:
    changed = CONFIGURED.with_changed_credential("cred", password="other")

    assert changed.connections["c"].credential.password == "other"


def test_a_connection_may_be_led_to_another_server() -> None:
    two = CONFIGURED.with_server(EmailServer("second", "other.example"))

    assert two.with_changed_connection("c", server="second").connections["c"].server.host == "other.example"


def test_a_change_that_contradicts_a_connection_is_refused() -> None:
    protected = (
        NOTHING.with_credential(CREDENTIAL)
        .with_server(EmailServer("server", "mail.example", proxy_type="Internet"))  # type: ignore[arg-type]  # a label will do
        .with_connection("c", server="server", credential="cred", protection=Protection.IMAPS)
    )

    with pytest.raises(SettingsError) as caught:
        protected.with_changed_server("server", proxy_type="On-Premise")

    assert caught.value.field == "protection"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda: CONFIGURED.with_certificates({"new": b"", "root": b""}), NameTaken),
        (lambda: CONFIGURED.with_certificates({"sap_root": b""}), SettingsError),
        (lambda: CONFIGURED.with_certificates({"big": b"x" * (6 * 1024 * 1024)}), SettingsError),
        (lambda: CONFIGURED.without_certificate("x"), UnknownEntry),
        (lambda: CONFIGURED.with_credential(CREDENTIAL), NameTaken),
        (lambda: CONFIGURED.with_changed_credential("x"), UnknownEntry),
        (lambda: CONFIGURED.without_credential("cred"), StillUsed),
        (lambda: CONFIGURED.with_server(SERVER), NameTaken),
        (lambda: CONFIGURED.with_changed_server("x"), UnknownEntry),
        (lambda: CONFIGURED.without_server("server"), StillUsed),
        (lambda: CONFIGURED.with_connection("c", server="server", credential="cred"), NameTaken),
        (lambda: CONFIGURED.with_connection("d", server="x", credential="cred"), SettingsError),
        (lambda: CONFIGURED.with_connection("d", server="server", credential="x"), SettingsError),
        (lambda: CONFIGURED.with_changed_connection("x"), UnknownEntry),
        (lambda: CONFIGURED.without_connection("x"), UnknownEntry),
    ],
)
def test_what_cannot_be_is_refused(change: Callable[[], Configuration], error: type[Exception]) -> None:
    with pytest.raises(error):
        change()


def test_a_name_that_is_none_is_told_with_the_first_that_are_there() -> None:
    with pytest.raises(UnknownEntry) as caught:
        NOTHING.with_certificates({f"a{number:02}": b"" for number in range(30)}).without_certificate("x")

    assert str(caught.value).endswith("'a18', 'a19', …")


def test_what_was_changed_is_told_entry_by_entry() -> None:
    changed = CONFIGURED.with_changed_server("server", timeout_ms=1).with_server(EmailServer("more", "x"))

    assert differences(CONFIGURED, changed) == [
        Difference(EMAIL_SERVER, "more", "added"),
        Difference(EMAIL_SERVER, "server", "changed"),
        Difference(EMAIL_CONNECTION, "c", "changed"),
    ]
    assert {each.change for each in differences(CONFIGURED, NOTHING)} == {"removed"}


def test_no_text_of_a_configuration_shows_a_secret() -> None:
    assert "sesame" not in repr(CONFIGURED)
