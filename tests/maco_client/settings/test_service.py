from __future__ import annotations

from typing import Any

import pytest

from maco_client.failures import SettingsError
from maco_client.settings import SocksProxy, TokenService


@pytest.mark.parametrize(
    ("field", "make"),
    [
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


def test_no_repr_shows_a_secret() -> None:
    assert "sesame" not in repr(TokenService("http://127.0.0.1", "c", "sesame"))
