"""MaCo's configuration and the section of the lab file: each made from the other, and nothing is lost."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Authority
from maco_client.settings import Schedule
from maco_lab.lab_section import CertificateFile, CertificateText
from maco_lab.maco_model import MaCo
from maco_lab.maco_section import as_data, configuration_of, section_of
from maco_lab.pki import LabPki
from maco_lab.testing.settings import lab_text

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)


@pytest.fixture
def pki(tmp_path: Path) -> LabPki:
    return LabPki.in_memory(tmp_path, mail_host="mail.stadtwerke.example", tunnel_host="tunnel.lab.example")


def everything(data: dict[str, Any]) -> None:
    """Give every setting another value than its default."""
    maco = data["maco"]
    maco["credentials"].append({"name": "TOKEN", "user": "u", "access_token": "sesame"})
    maco["email_servers"].append({"name": "internet", "address": "mail.example:993", "proxy_type": "Internet"})
    maco["email_connections"].append(
        {
            "name": "all", "server": "internet", "protection": "IMAPS", "credential": "TOKEN",
            "authentication": "OAuth2 Authorization Code", "folder": "Marktnachrichten", "selection": "All Mails",
            "max_messages_per_poll": 7, "lock_timeout_min": 3, "post_processing": "Archive",
            "archive_folder": "Archiv", "remove_attachments": True, "include_original_mail": True,
            "decode_mime_headers": False, "automatically_disconnect": False, "partial_fetch": True,
            "skip_failed_message": False,
            "scheduler": {"at": "07:30", "on_date": "2026-12-01", "time_zone": "Europe/Berlin"},
        }
    )  # fmt: skip
    maco["sending_connections"].append(
        {
            "name": "all", "address": "mail.example", "protection": "SMTPS", "sender": "maco@example.com",
            "proxy_type": "Internet", "timeout_ms": 7000, "authentication": "OAuth2 Authorization Code",
            "credential": "TOKEN", "to": "a@x.example, b@x.example", "cc": "c@x.example", "bcc": "d@x.example",
            "subject": "MSCONS", "mail_body": "see the attachments", "body_mime_type": "Text/HTML",
            "body_encoding": "windows-1252", "content_transfer_encoding": "Base64",
            "attachments": [
                {"name": "m.txt", "mime_type": "Text/Plain"},
                {"name": "a.zip", "mime_type": "Application/ZIP", "source": "File", "file": "mails/a.zip"},
            ],
        }
    )  # fmt: skip
    maco["sending_connections"].append(
        {
            "name": "encrypted", "address": "mail.example:587", "protection": "Off", "sender": "maco@example.com",
            "authentication": "Encrypted User/Password", "credential": "STROM", "plain_fallback": True,
            "location_id": "WERK1",
        }
    )  # fmt: skip
    maco["email_connections"][0]["scheduler"] = {"every_s": 90, "weekdays": ["Mon"], "not_before": "06:00"}
    maco["email_connections"][1]["scheduler"] = {"every_s": 90, "days_of_month": [1, 31]}
    maco["api"] = {"serve": False}


@pytest.mark.parametrize("change", [lambda _: None, everything], ids=["default", "everything"])
def test_a_section_comes_back_as_it_was_written(pki: LabPki, change: Any) -> None:
    written = lab_text(change).parsed().model.maco

    section = section_of(configuration_of(written, pki), written, pki)

    assert section == written
    assert MaCo.model_validate(as_data(section)) == written


def test_what_is_data_of_a_lab_file_has_the_secrets_and_no_defaults(pki: LabPki) -> None:
    data = as_data(lab_text(everything).parsed().model.maco)

    assert data["credentials"][0]["password"] == "Strom4711Postfach"
    assert data["email_connections"][2]["scheduler"]["on_date"] == "2026-12-01"
    assert "poll_every_s" not in data


def test_a_file_that_is_attached_is_found_from_the_lab_files_folder(pki: LabPki, tmp_path: Path) -> None:
    written = lab_text(everything).parsed().model.maco

    _, by_file = configuration_of(written, pki).sending["all"].attachments

    assert by_file.file == str(tmp_path / "mails/a.zip")


def test_a_certificate_is_written_by_its_name_its_file_or_as_it_is(pki: LabPki, tmp_path: Path) -> None:
    foreign = Authority.root("Foreign Root", now=NOW).certificate
    (tmp_path / "mine.pem").write_bytes(pki.cast.by_name("expired").certificate.public_bytes(Encoding.PEM))
    by_file = CertificateFile(file="mine.pem")
    written = lab_text(None).parsed().model.maco.model_copy(update={"key_store": {"by-file": by_file}})
    uploads = {"own": pki.anchor("intermediate"), "foreign": foreign.public_bytes(Encoding.DER)}

    store = section_of(configuration_of(written, pki).with_certificates(uploads), written, pki).key_store

    assert (store["by-file"], store["own"]) == (by_file, "intermediate")
    assert isinstance(store["foreign"], CertificateText)
    assert x509.load_pem_x509_certificate(store["foreign"].pem.encode()) == foreign


def test_a_file_that_is_gone_leaves_the_certificate(pki: LabPki, tmp_path: Path) -> None:
    foreign = Authority.root("Foreign Root", now=NOW).certificate
    (tmp_path / "mine.pem").write_bytes(foreign.public_bytes(Encoding.PEM))
    by_file = CertificateFile(file="mine.pem")
    written = lab_text(None).parsed().model.maco.model_copy(update={"key_store": {"by-file": by_file}})
    configuration = configuration_of(written, pki)
    (tmp_path / "mine.pem").unlink()

    assert isinstance(section_of(configuration, written, pki).key_store["by-file"], CertificateText)


def test_a_schedule_as_the_common_one_is_left_out(pki: LabPki) -> None:
    written = lab_text(None).parsed().model.maco
    changed = configuration_of(written, pki).with_changed_connection("way-a", scheduler=Schedule(every_s=60))

    assert section_of(changed, written, pki).email_connections[0].scheduler is None
