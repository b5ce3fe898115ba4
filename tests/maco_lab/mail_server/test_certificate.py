"""The certificate of a mail server by itself: thrown away, kept, or the user's own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509

from certs.cast import Cast
from certs.exceptions import CertificateError
from certs.files import write_cast
from maco_lab.mail_server.certificate import presented
from maco_lab.mail_server.options import MailServerOptions
from maco_lab.pki import CertificateFileError
from mailserver_sim.settings import SettingsError

USERS = ("maco:secret",)


def names(certificate: x509.Certificate) -> tuple[list[str], list[str]]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return found.get_values_for_type(x509.DNSName), [str(each) for each in found.get_values_for_type(x509.IPAddress)]


def test_a_throw_away_certificate_is_for_this_machine_and_its_root_is_written(tmp_path: Path) -> None:
    made = presented(MailServerOptions(USERS), tmp_path)

    assert (made.host_name, made.is_throw_away) == ("localhost", True)
    assert names(made.issued.certificate) == (["localhost"], ["127.0.0.1", "::1"])
    root = x509.load_pem_x509_certificate((tmp_path / "root.pem").read_bytes())
    made.issued.certificate.verify_directly_issued_by(root)


@pytest.mark.parametrize(
    ("host_name", "dns_names", "addresses"),
    [
        ("mail.example", ["localhost", "mail.example"], ["127.0.0.1", "::1"]),
        ("192.0.2.1", ["localhost"], ["127.0.0.1", "192.0.2.1", "::1"]),
    ],
)
def test_a_throw_away_certificate_has_the_name_that_was_asked_for_too(
    tmp_path: Path, host_name: str, dns_names: list[str], addresses: list[str]
) -> None:
    made = presented(MailServerOptions(USERS, host_name=host_name), tmp_path)

    assert made.host_name == host_name
    assert names(made.issued.certificate) == (dns_names, addresses)


def test_the_root_is_written_where_it_was_asked_for_and_no_key_with_it(tmp_path: Path) -> None:
    wanted = tmp_path / "trust.pem"
    made = presented(MailServerOptions(USERS, write_root=wanted), tmp_path)

    assert made.trusted == wanted
    assert [each.name for each in tmp_path.iterdir()] == ["trust.pem"]
    assert b"PRIVATE" not in wanted.read_bytes()


def test_a_root_that_cannot_be_written_is_told_by_its_option(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^--write-root: "):
        presented(MailServerOptions(USERS, write_root=tmp_path / "none" / "root.pem"), tmp_path)


def test_a_host_name_that_no_certificate_can_have_is_told_by_its_option(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^--host-name: "):
        presented(MailServerOptions(USERS, host_name="müller"), tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certs") / "pki"
    write_cast(Cast(dt.datetime.now(dt.UTC), mail_host="mail.kept.example"), folder)
    return folder


@pytest.mark.slow
def test_kept_certificates_give_the_name_and_the_root(kept: Path, tmp_path: Path) -> None:
    made = presented(MailServerOptions(USERS, certificates=kept), tmp_path)

    assert (made.host_name, made.trusted) == ("mail.kept.example", kept / "root.pem")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_certificates_is_told(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="none"):
        presented(MailServerOptions(USERS, certificates=tmp_path / "none"), tmp_path)


def test_a_certificate_of_the_user_s_own_gives_the_name_and_is_what_clients_trust(kept: Path, tmp_path: Path) -> None:
    certificate = kept / "mail_server.pem"
    made = presented(MailServerOptions(USERS, certificate=certificate, key=kept / "mail_server.key"), tmp_path)

    assert (made.host_name, made.trusted) == ("mail.kept.example", certificate)


def test_a_key_of_another_certificate_is_told(kept: Path, tmp_path: Path) -> None:
    options = MailServerOptions(USERS, certificate=kept / "mail_server.pem", key=kept / "expired.key")
    with pytest.raises(CertificateFileError, match="is not the key of the certificate"):
        presented(options, tmp_path)
