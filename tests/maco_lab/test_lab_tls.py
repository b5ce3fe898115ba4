"""TLS of single ports in the lab file: what cannot be is told by its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from maco_lab import lab_checks
from maco_lab.lab_file import LabFileError, default_text, parse_lab

AT = "mail_server:\n"


def error(tls: str, *changes: tuple[str, str]) -> str:
    text = default_text().replace(AT, f"{AT}  tls:\n    {tls}\n")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(LabFileError) as caught:
        parse_lab(text, name="lab.yaml", folder=Path())
    return str(caught.value)


def place(tls: str, at: str) -> str:
    line = default_text()[: default_text().index(AT)].count("\n") + 3
    return f"lab.yaml:{line}:{f'    {tls}'.index(at) + 1}: mail_server.tls."


@pytest.mark.parametrize(
    ("tls", "at", "told"),
    [
        ("gopher: {}", "{}", "gopher: found 'gopher', allowed: 'imap', 'imaps', "),
        (
            "imaps: {minimum_version: 1.3, maximum_version: 1.2}",
            "1.3",
            "imaps.minimum_version: found '1.3', which is above the maximum_version '1.2'",
        ),
        ("imaps: {minimum_version: 1.4}", "1.4", "imaps.minimum_version: found 1.4, allowed: "),
        ("imaps: {ciphers: ROT13}", "ROT13", "imaps.ciphers: found 'ROT13', in which OpenSSL knows no cipher"),
        (
            "imaps: {minimum_version: 1.3, ciphers: AES128-SHA}",
            "AES128",
            "imaps.ciphers: TLS 1.3 has its own: allow TLS 1.2, or leave them out",
        ),
        (
            "imaps: {client_certificate: required}",
            "required",
            "imaps.client_certificate: say whom to trust in client_authorities, as in [connector_ca]",
        ),
        (
            "imaps: {client_authorities: [root]}",
            "[root]",
            "imaps.client_authorities: nobody is asked for a certificate: set client_certificate",
        ),
        (
            "imaps: {client_certificate: wanted, client_authorities: [rot]}",
            "rot",
            "imaps.client_authorities[0]: found 'rot', allowed: ",
        ),
        ("imaps: {certificate: root}", "root", "imaps.certificate: found 'root', allowed: 'administration', "),
    ],
)
def test_tls_that_cannot_be_is_told_by_its_place(tls: str, at: str, told: str) -> None:
    assert error(tls).startswith(place(tls, at) + told)


def test_a_port_that_is_not_served_has_no_tls() -> None:
    assert "imaps is not served: give it a port" in error("imaps: {}", ("imaps: 3993, ", ""))


def test_a_port_without_starttls_has_no_tls() -> None:
    told = error("imap: {}", ("offer_starttls: true", "offer_starttls: false"))
    assert "there is no TLS on imap while offer_starttls is false" in told


def test_an_old_version_that_openssl_lacks_is_told_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_checks, "speaks", lambda version: version != "1.0")
    tls = "smtps: {minimum_version: 1.0}"

    told = "smtps.minimum_version: the OpenSSL of this machine no longer speaks TLS 1.0"
    assert error(tls) == place(tls, "1.0") + told
