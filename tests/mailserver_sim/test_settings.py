from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mailserver_sim.settings import Account, Listener, MailServerSettings, SettingsError

ACCOUNT = Account("edifact", "secret", ("edifact@stadtwerke.example",))


def settings(**changes: Any) -> MailServerSettings:
    values: dict[str, Any] = {
        "host_name": "mail.example",
        "accounts": (ACCOUNT,),
        "listeners": (Listener("imap"),),
        "store": Path("mail.sqlite"),
    }
    return MailServerSettings(**{**values, **changes})


def test_an_account_does_not_show_its_password() -> None:
    assert "secret" not in repr(settings())


def test_importing_the_settings_loads_neither_twisted_nor_aiosmtpd() -> None:
    code = "import sys, mailserver_sim.settings; print([m for m in ('twisted', 'aiosmtpd') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("host_name", {"host_name": ""}),
        ("accounts", {"accounts": (ACCOUNT, Account("edifact", "other"))}),
        ("addresses", {"accounts": (ACCOUNT, Account("b", "x", ("EDIFACT@stadtwerke.example",)))}),
        ("listeners", {"listeners": (Listener("imap"), Listener("imap"))}),
        ("login_timeout_s", {"login_timeout_s": 0}),
        ("auth_mechanisms", {"auth_mechanisms": ()}),
        ("auth_mechanisms", {"auth_mechanisms": ("PLAIN", "NTLM")}),
        ("auth_mechanisms", {"auth_mechanisms": ("PLAIN", "PLAIN")}),
        ("max_message_bytes", {"max_message_bytes": -1}),
        ("special_folders", {"special_folders": {"Sent": "\\Gesendet"}}),
    ],
)
def test_a_setting_that_cannot_work_is_named(name: str, changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(**changes)
    assert caught.value.setting == name


def test_an_address_without_domain_is_refused() -> None:
    with pytest.raises(SettingsError, match="name@domain"):
        Account("a", "b", ("edifact",))


def test_an_unknown_protocol_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="imap, imaps, smtp, submission, smtps, pop3, pop3s"):
        Listener("nntp")  # type: ignore[arg-type]


def test_a_port_beyond_65535_is_refused() -> None:
    with pytest.raises(SettingsError, match="65536"):
        Listener("imap", port=65536)


def test_an_account_does_not_show_its_tokens() -> None:
    assert "t0ken" not in repr(Account("a", "b", tokens=("t0ken",)))


@pytest.mark.parametrize("token", ["", "with space", "a=b", "ü"])
def test_what_is_no_bearer_token_is_refused(token: str) -> None:
    with pytest.raises(SettingsError, match="bearer token"):
        Account("a", "b", tokens=(token,))


@pytest.mark.parametrize("setting", ["quota_bytes", "quota_messages"])
def test_a_negative_quota_is_refused(setting: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Account("a", "b", **{setting: -1})  # type: ignore[arg-type]
    assert caught.value.setting == setting
