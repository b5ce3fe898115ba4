"""What the lab file says of the mail server arrives in its settings, and what cannot work is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from maco_lab.lab_file import LabFile, LabFileError, default_text, parse_lab
from maco_lab.parties import mail_server_settings
from mailserver_sim.settings import MailServerSettings

PASSWORD = "password: Strom4711Postfach\n"
ACCOUNT = "mail_server.accounts[0]"


def parse(account: str = "", server: str = "") -> LabFile:
    text = default_text()
    assert PASSWORD in text
    assert "mail_server:\n" in text
    text = text.replace(PASSWORD, f"{PASSWORD}      {account}\n", 1).replace(
        "mail_server:\n", f"mail_server:\n{server}"
    )
    return parse_lab(text, name="lab.yaml", folder=Path())


def settings(file: LabFile) -> MailServerSettings:
    return mail_server_settings(file.model.mail_server, Path(), Path("mail.sqlite"), free_ports=True)[0]


def test_tokens_quota_and_mechanisms_reach_the_mail_server() -> None:
    account = "tokens: [abc, def==]\n      quota_bytes: 1000\n      quota_messages: 0"
    built = settings(parse(account, "  auth_mechanisms: [CRAM-MD5, XOAUTH2, XOAUTH2]\n  literal_plus: true\n"))

    assert built.accounts[0].tokens == ("abc", "def==")
    assert (built.accounts[0].quota_bytes, built.accounts[0].quota_messages) == (1000, 0)
    assert (built.auth_mechanisms, built.literal_plus) == (("CRAM-MD5", "XOAUTH2"), True)


def test_a_lab_file_that_says_nothing_gives_the_defaults() -> None:
    built = settings(parse())
    other = MailServerSettings("x", (), (), Path())

    assert (built.auth_mechanisms, built.literal_plus) == (other.auth_mechanisms, other.literal_plus)
    assert {(each.tokens, each.quota_bytes, each.quota_messages) for each in built.accounts} == {((), None, None)}


@pytest.mark.parametrize(
    ("account", "server", "told"),
    [
        ("tokens: [is none]", "", f"{ACCOUNT}.tokens: one of user 'strom@stadtwerke.example' has characters that"),
        ("", "  auth_mechanisms: [NTLM]\n", "mail_server.auth_mechanisms[0]: found 'NTLM', allowed: "),
        ("quota_bytes: -1", "", f"{ACCOUNT}.quota_bytes: "),
        ("", "  auth_mechanisms: []\n", "mail_server.auth_mechanisms: "),
    ],
)
def test_what_the_mail_server_cannot_take_is_told(account: str, server: str, told: str) -> None:
    with pytest.raises(LabFileError) as caught:
        parse(account, server)
    (line,) = str(caught.value).splitlines()
    assert told in line
