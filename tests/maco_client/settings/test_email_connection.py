from __future__ import annotations

from typing import Any

import pytest

from maco_client.failures import SettingsError
from maco_client.settings import (
    Authentication,
    PostProcessing,
    Protection,
    Selection,
)
from tests.maco_client.settings.values import CREDENTIAL, INTERNET, OAUTH2, ON_PREMISE, connection


def test_the_documented_defaults_hold() -> None:
    built = connection()

    assert (built.folder, built.selection) == ("INBOX", Selection.UNREAD)
    assert (built.decode_mime_headers, built.automatically_disconnect) == (True, True)
    assert (built.remove_attachments, built.include_original_mail) == (False, False)


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


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("max_messages_per_poll", {"max_messages_per_poll": 0}),
        ("folder", {"folder": "a\r\nb"}),
        ("lock_timeout_min", {"lock_timeout_min": 0}),
        ("lock_timeout_min", {"lock_timeout_min": 1441}),
        ("name", {"name": "a/b"}),
        ("plain_fallback", {"plain_fallback": True}),
        ("authentication", {"authentication": "CRAM-MD5"}),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        connection(**values)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("authentication", "credential", "word"),
    [
        (Authentication.OAUTH2, CREDENTIAL, "a password"),
        (Authentication.PLAIN, OAUTH2, "an access token"),
        (Authentication.ENCRYPTED, OAUTH2, "an access token"),
    ],
)
def test_a_credential_of_the_other_kind_is_refused(authentication: Authentication, credential: Any, word: str) -> None:
    with pytest.raises(SettingsError, match=word) as caught:
        connection(authentication=authentication, credential=credential)

    assert caught.value.field == "authentication"


def test_a_token_logs_in_by_oauth2() -> None:
    assert connection(authentication="OAuth2 Authorization Code", credential=OAUTH2).credential.is_oauth2


def test_a_wrong_choice_is_answered_with_those_allowed() -> None:
    with pytest.raises(SettingsError, match="'STARTTLS Mandatory'"):
        connection(protection="SSL")


def test_a_choice_may_be_given_by_its_label() -> None:
    assert connection(protection="STARTTLS Optional").protection is Protection.STARTTLS_OPTIONAL


def test_no_repr_shows_a_secret() -> None:
    assert "sesame" not in repr(connection())
