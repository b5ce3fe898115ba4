"""The folders that the lab file calls special reach the mail server."""

from __future__ import annotations

from pathlib import Path

import pytest

from maco_lab.lab_file import LabFileError, default_text, parse_lab
from maco_lab.parties import mail_server_settings
from mailserver_sim.settings import SPECIAL_FOLDERS, MailServerSettings


def settings(folders: str) -> MailServerSettings:
    text = default_text().replace("mail_server:\n", f"mail_server:\n{folders}", 1)
    model = parse_lab(text, name="lab.yaml", folder=Path()).model
    return mail_server_settings(model.mail_server, Path(), Path("mail.sqlite"), free_ports=True)[0]


def test_the_special_folders_of_the_lab_file_reach_the_mail_server() -> None:
    assert settings("  special_folders: {Gesendet: \\Sent}\n").special_folders == {"Gesendet": "\\Sent"}


def test_without_the_key_they_are_the_usual_ones() -> None:
    assert settings("").special_folders == SPECIAL_FOLDERS


def test_an_unknown_use_is_told_with_the_known_ones() -> None:
    with pytest.raises(LabFileError, match=r"special_folders.*'Sent'.*allowed"):
        settings("  special_folders: {Gesendet: Sent}\n")
