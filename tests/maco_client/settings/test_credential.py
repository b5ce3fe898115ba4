from __future__ import annotations

from typing import Any

import pytest

from maco_client.failures import SettingsError
from maco_client.settings import Credential
from tests.maco_client.settings.values import CREDENTIAL, OAUTH2


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("password", lambda: Credential("c", "u", "x" * 256)),
        ("password", lambda: Credential("c", "u")),
        ("password", lambda: Credential("c", "u", "a\0b")),
        ("user", lambda: Credential("c", "", "x")),
        ("access_token", lambda: Credential("c", "u", "x", "y")),
        ("access_token", lambda: Credential("c", "u", access_token="a b")),
        ("access_token", lambda: Credential("c", "u", access_token="x" * 16_385)),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(field: str, make: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        make()

    assert caught.value.field == field


@pytest.mark.parametrize("value", [CREDENTIAL, OAUTH2])
def test_no_repr_shows_a_secret(value: Credential) -> None:
    assert "sesame" not in repr(value)


@pytest.mark.parametrize("secret", [{"password": "sesame" * 100}, {"access_token": "sesame "}])
def test_a_refused_secret_is_not_repeated(secret: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        Credential("c", "u", **secret)

    assert "sesame" not in str(caught.value)
