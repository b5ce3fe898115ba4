from __future__ import annotations

from typing import Any

import pytest

from mailserver_sim.setting_errors import SettingsError
from mailserver_sim.tls_settings import TlsSettings


def test_by_default_it_is_tls_1_2_and_1_3_and_no_client_certificate() -> None:
    usual = TlsSettings()

    assert (usual.versions, usual.old_versions, usual.client_certificate) == (("1.2", "1.3"), (), "none")


def test_old_versions_are_those_before_1_2() -> None:
    assert TlsSettings("1.0", "1.2").old_versions == ("1.0", "1.1")


@pytest.mark.parametrize(
    ("values", "setting", "text"),
    [
        (
            {"minimum_version": "1.3", "maximum_version": "1.2"},
            "minimum_version",
            "found '1.3', which is above the maximum_version '1.2'",
        ),
        ({"minimum_version": "1.3", "ciphers": "AES128-SHA"}, "ciphers", "TLS 1.3 has its own"),
    ],
)
def test_what_contradicts_itself_is_refused(values: dict[str, Any], setting: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        TlsSettings(**values)

    assert caught.value.setting == setting
    assert text in str(caught.value)
