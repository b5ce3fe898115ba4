"""What the lab file says about the mail server becomes the mail server's settings."""

from __future__ import annotations

from pathlib import Path

from maco_lab.lab_file import default_text, parse_lab
from maco_lab.parties import mail_server_settings
from mailserver_sim.settings import MailServerSettings, Preload
from mailserver_sim.store.values import MEMORY

FOLDER = Path("/somewhere")


def settings(added: str = "") -> MailServerSettings:
    text = default_text().replace("mail_server:\n", f"mail_server:\n{added}")
    file = parse_lab(text, name="lab.yaml", folder=FOLDER)
    return mail_server_settings(file.model.mail_server, file.folder, Path("/state/mail.sqlite"), free_ports=False)[0]


def test_mail_is_kept_in_the_state_folder_unless_the_file_says_otherwise() -> None:
    assert settings().store == Path("/state/mail.sqlite")
    assert settings("  store: memory\n").store == MEMORY


def test_an_archive_to_preload_is_relative_to_the_lab_file() -> None:
    user = settings().accounts[0].user
    added = f"  preload: {{{user}: mail/old.mbox}}\n"
    assert settings(added).preload == (Preload(user, FOLDER / "mail" / "old.mbox"),)


def test_pop3_is_served_where_the_file_gives_it_ports() -> None:
    assert "pop3" not in {listener.protocol for listener in settings().listeners}
    text = default_text().replace("smtps: 3465}", "smtps: 3465, pop3: 3110, pop3s: 3995}")
    model = parse_lab(text, name="lab.yaml", folder=FOLDER).model
    built, addresses = mail_server_settings(model.mail_server, FOLDER, MEMORY, free_ports=False)
    assert {"pop3", "pop3s"} <= {listener.protocol for listener in built.listeners}
    assert (addresses["pop3"], addresses["pop3s"]) == (("127.0.0.1", 3110), ("127.0.0.1", 3995))
