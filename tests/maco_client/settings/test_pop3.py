"""What an e-mail connection by POP3 takes, and what is refused by the name of its field."""

from __future__ import annotations

from typing import Any

import pytest

from maco_client.configuration import Configuration
from maco_client.failures import SettingsError
from maco_client.settings import (
    Credential,
    EmailConnection,
    EmailServer,
    PostProcessing,
    Protection,
    ProxyType,
    Selection,
    TransportProtocol,
    shared_mailboxes,
    traps,
)
from tests.maco_client.settings.values import OAUTH2, connection

INTERNET = EmailServer("s", "mail:110", ProxyType.INTERNET)
ON_PREMISE = EmailServer("s", "mail:110", ProxyType.ON_PREMISE)
INTERNET_995 = EmailServer("s", "mail:995", ProxyType.INTERNET)


def by_pop3(
    server: EmailServer = INTERNET, protection: Any = Protection.STARTTLS_MANDATORY, **more: Any
) -> EmailConnection:
    return connection(
        server, protection, **{"transport_protocol": "POP3", "post_processing": PostProcessing.DELETE, **more}
    )


@pytest.mark.parametrize("how", ["Delete", "Leave on Server"])
def test_pop3_deletes_or_leaves(how: str) -> None:
    built = by_pop3(post_processing=how)

    assert (built.post_processing, built.folder, built.selection) == (how, "INBOX", None)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("authentication", {"authentication": "OAuth2 Authorization Code", "credential": OAUTH2}),
        ("folder", {"folder": "Archive"}),
        ("selection", {"selection": "All Mails"}),
        ("selection", {"selection": "Only Unread"}),
        ("post_processing", {"post_processing": "Mark as Read"}),
        ("post_processing", {"post_processing": "Archive", "archive_folder": "Archive"}),
        ("post_processing", {"post_processing": "Archive and Mark as Read", "archive_folder": "Archive"}),
        ("archive_folder", {"archive_folder": "Archive"}),
        ("partial_fetch", {"partial_fetch": True}),
        ("server", {"server": EmailServer("s", "mail", ProxyType.INTERNET)}),
        ("credential", {"credential": Credential("c", "maco", "sesame\r\nDELE 1")}),
        ("protection", {"protection": "IMAPS"}),
        ("protection", {"protection": "POP3S", "server": ON_PREMISE}),
        ("transport_protocol", {"transport_protocol": "POP2"}),
    ],
)
def test_what_pop3_does_not_have_is_refused_by_the_name_of_its_field(field: str, values: dict[str, Any]) -> None:
    server = values.pop("server", INTERNET)
    protection = values.pop("protection", Protection.STARTTLS_MANDATORY)
    with pytest.raises(SettingsError) as caught:
        by_pop3(server, protection, **values)

    assert caught.value.field == field
    assert "sesame" not in str(caught.value)


def test_pop3s_is_allowed_over_the_internet_and_its_refusal_on_premise_names_the_way_out() -> None:
    assert by_pop3(INTERNET_995, Protection.POP3S).protection is Protection.POP3S
    with pytest.raises(SettingsError, match=r"POP3S.*On-Premise.*TCP TLS"):
        by_pop3(ON_PREMISE, Protection.POP3S)


def test_imap4_has_neither_pop3s_nor_leave_on_server() -> None:
    with pytest.raises(SettingsError, match=r"protection: found 'POP3S' with Transport Protocol IMAP4"):
        connection(INTERNET, Protection.POP3S)
    with pytest.raises(SettingsError, match=r"post_processing: found 'Leave on Server'"):
        connection(post_processing=PostProcessing.LEAVE)


@pytest.mark.parametrize(
    ("trap", "word"),
    [
        (by_pop3(INTERNET_995), "never greets"),
        (by_pop3(INTERNET, Protection.POP3S), "port 110"),
        (by_pop3(ON_PREMISE, Protection.OFF), "unless the mapping is TCP TLS"),
        (by_pop3(EmailServer("s", "mail:143", ProxyType.INTERNET)), "POP3 on port 143"),
        (connection(INTERNET), "IMAP4 on port 110"),
        (by_pop3(automatically_disconnect=False), "Automatically Disconnect off"),
    ],
)
def test_a_trap_is_warned_about(trap: EmailConnection, word: str) -> None:
    (text,) = traps(trap)

    assert word in text


def test_a_maildrop_is_the_inbox_of_imap() -> None:
    imap = connection(EmailServer("other", "mail:143", ProxyType.INTERNET), name="imap")

    assert list(shared_mailboxes([imap, by_pop3(name="pop3")])) == ["pop3"]


def test_another_protocol_begins_without_the_selection_of_the_one_before() -> None:
    configuration = (
        Configuration()
        .with_server(INTERNET)
        .with_credential(Credential("c", "maco", "sesame"))
        .with_connection("mail", server="s", credential="c", protection="Off", selection="All Mails")
    )
    changed = configuration.with_changed_connection("mail", transport_protocol="POP3", post_processing="Delete")
    assert changed.connections["mail"].transport_protocol is TransportProtocol.POP3
    assert changed.connections["mail"].selection is None

    back = changed.with_changed_connection("mail", transport_protocol="IMAP4", post_processing="Delete")
    assert back.connections["mail"].selection is Selection.UNREAD
