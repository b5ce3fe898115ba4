"""Settings: what is refused, and what is only warned about."""

from __future__ import annotations

from typing import Any

import pytest

from maco_client.failures import SettingsError
from maco_client.settings import (
    Credential,
    EmailConnection,
    EmailServer,
    PostProcessing,
    Protection,
    ProxyType,
    Selection,
    SocksProxy,
    TokenService,
)

CREDENTIAL = Credential("mailbox", "maco", "sesame")
ON_PREMISE = EmailServer("s", "mail:143", ProxyType.ON_PREMISE)
INTERNET = EmailServer("s", "mail:143", ProxyType.INTERNET)


def connection(server: EmailServer = INTERNET, protection: Any = Protection.STARTTLS_MANDATORY, **more: Any) -> Any:
    return EmailConnection("c", server, protection, CREDENTIAL, **more)


def test_an_address_without_port_means_143() -> None:
    server = EmailServer("s", "mail.example")
    assert (server.host, server.port) == ("mail.example", 143)


def test_the_documented_defaults_hold() -> None:
    assert EmailServer("s", "mail").timeout_ms == 30_000
    assert connection().folder == "INBOX"
    assert connection().selection is Selection.UNREAD


@pytest.mark.parametrize(
    "address",
    ["", ":143", "mail:", "mail:x", "mail:0", "mail:65536", "imap://mail", "a b:1", "u@mail:1", "m\u00e4il:1", "::1"],
)
def test_an_address_that_is_no_host_and_port_is_refused(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        EmailServer("s", address)
    assert caught.value.field == "address"


def test_imaps_with_on_premise_is_refused_with_the_way_out() -> None:
    with pytest.raises(SettingsError, match=r"On-Premise.*TCP TLS") as caught:
        connection(ON_PREMISE, Protection.IMAPS)
    assert caught.value.field == "protection"


def test_imaps_is_allowed_over_the_internet() -> None:
    assert connection(INTERNET, Protection.IMAPS).protection is Protection.IMAPS


@pytest.mark.parametrize("how", [PostProcessing.ARCHIVE, PostProcessing.ARCHIVE_AND_MARK_READ])
def test_archiving_needs_an_archive_folder(how: PostProcessing) -> None:
    with pytest.raises(SettingsError) as caught:
        connection(post_processing=how)
    assert caught.value.field == "archive_folder"


def test_a_folder_is_not_archived_into_itself() -> None:
    with pytest.raises(SettingsError):
        connection(post_processing=PostProcessing.ARCHIVE, archive_folder="INBOX")


def test_a_location_id_belongs_to_on_premise_only() -> None:
    with pytest.raises(SettingsError) as caught:
        EmailServer("s", "mail", ProxyType.INTERNET, "PLANT1")
    assert caught.value.field == "location_id"


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("location_id", lambda: EmailServer("s", "mail", location_id="x" * 190)),
        ("timeout_ms", lambda: EmailServer("s", "mail", timeout_ms=0)),
        ("name", lambda: EmailServer("", "mail")),
        ("password", lambda: Credential("c", "u", "x" * 256)),
        ("password", lambda: Credential("c", "u", "")),
        ("password", lambda: Credential("c", "u", "a\0b")),
        ("user", lambda: Credential("c", "", "x")),
        ("max_messages_per_poll", lambda: connection(max_messages_per_poll=0)),
        ("folder", lambda: connection(folder="a\r\nb")),
        ("port", lambda: SocksProxy("127.0.0.1", 0)),
        ("url", lambda: TokenService("ftp://127.0.0.1", "c", "s")),
        ("url", lambda: TokenService("http://token.example", "c", "s")),
        ("url", lambda: TokenService("http://127.0.0.1:99999", "c", "s")),
        ("client_secret", lambda: TokenService("http://127.0.0.1", "c", "")),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(field: str, make: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        make()
    assert caught.value.field == field


def test_a_wrong_choice_is_answered_with_those_allowed() -> None:
    with pytest.raises(SettingsError, match="'STARTTLS Mandatory'"):
        connection(protection="SSL")


def test_a_choice_may_be_given_by_its_label() -> None:
    assert connection(protection="STARTTLS Optional").protection is Protection.STARTTLS_OPTIONAL


@pytest.mark.parametrize("value", [CREDENTIAL, TokenService("http://127.0.0.1", "c", "sesame"), connection()])
def test_no_repr_shows_a_secret(value: object) -> None:
    assert "sesame" not in repr(value)


def test_a_refused_password_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        Credential("c", "u", "sesame" * 100)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("trap", "word"),
    [
        (connection(selection=Selection.ALL), "every mail at every poll"),
        (connection(protection=Protection.STARTTLS_OPTIONAL), "in clear"),
        (connection(protection=Protection.OFF), "in clear over the internet"),
        (connection(EmailServer("s", "mail:993", ProxyType.INTERNET)), "never greets"),
        (connection(archive_folder="Archive"), "not used"),
    ],
)
def test_a_trap_is_warned_about(trap: EmailConnection, word: str) -> None:
    assert any(word in warning for warning in trap.warnings())


@pytest.mark.parametrize("good", [connection(), connection(ON_PREMISE, Protection.OFF)])
def test_the_two_ways_of_the_seed_article_raise_no_warning(good: EmailConnection) -> None:
    assert good.warnings() == []
