from __future__ import annotations

from typing import Any

import pytest

from maco_client.failures import SettingsError
from maco_client.settings import EmailServer, ProxyType


def test_an_address_without_port_means_143() -> None:
    server = EmailServer("s", "mail.example")

    assert (server.host, server.port) == ("mail.example", 143)


def test_the_documented_timeout_holds() -> None:
    assert EmailServer("s", "mail").timeout_ms == 30_000


@pytest.mark.parametrize(
    "address",
    ["", ":143", "mail:", "mail:x", "mail:0", "mail:65536", "imap://mail", "a b:1", "u@mail:1", "m\u00e4il:1", "::1"],
)
def test_an_address_that_is_no_host_and_port_is_refused(address: str) -> None:
    with pytest.raises(SettingsError) as caught:
        EmailServer("s", address)

    assert caught.value.field == "address"


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
        ("name", lambda: EmailServer("a/b", "mail")),
        ("name", lambda: EmailServer("x" * 121, "mail")),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(field: str, make: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        make()

    assert caught.value.field == field
