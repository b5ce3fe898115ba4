from __future__ import annotations

import pytest

from maco_lab import tls_abilities
from maco_lab.tls_abilities import SSL_VERSIONS, speaks, unknown_ciphers
from mailserver_sim.tls_settings import TLS_VERSIONS, TlsVersion


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_openssl_speaks_the_versions_of_today(version: TlsVersion) -> None:
    assert speaks(version)


def test_an_openssl_that_refuses_a_version_does_not_speak_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_abilities, "_WITHOUT_CERTIFICATES", "aNULL:@SECLEVEL=5")

    assert not speaks.__wrapped__("1.0")


def test_every_version_of_the_settings_has_its_number() -> None:
    assert list(SSL_VERSIONS) == list(TLS_VERSIONS)


@pytest.mark.parametrize(("ciphers", "unknown"), [("ROT13", True), ("ECDHE-RSA-AES128-GCM-SHA256", False)])
def test_a_cipher_list_is_known_to_openssl_or_not(ciphers: str, unknown: bool) -> None:
    assert unknown_ciphers(ciphers) is unknown
