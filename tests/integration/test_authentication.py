"""MaCo's ways to log in, at the lab's own mail server."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.testing.settings import Change
from maco_wire.observation import Login, Party

TOKEN = "Strom0815Zugriffstoken"


def authentication(name: str, *mechanisms: str, token: bool = False, **connection: object) -> Change:
    """Let MaCo log in by ``name`` on way A, and the mail server offer ``mechanisms``."""

    def change(data: dict[str, Any]) -> None:
        data["mail_server"]["auth_mechanisms"] = list(mechanisms)
        data["maco"]["email_connections"][0].update(authentication=name, **connection)
        if token:
            credential = next(
                each
                for each in data["maco"]["credentials"]
                if each["name"] == data["maco"]["email_connections"][0]["credential"]
            )
            del credential["password"]
            credential["access_token"] = TOKEN
            account = next(each for each in data["mail_server"]["accounts"] if each["user"] == credential["user"])
            account["tokens"] = [TOKEN]
            data["maco"]["sending_connections"].clear()  # they log in by the password

    return change


def case(change: Change, detail: str) -> Any:
    return pytest.param(detail, marks=pytest.mark.maco_lab(change=change))


@pytest.mark.parametrize(
    "by_server",
    [
        case(authentication("Plain User Name/Password", "PLAIN"), ""),
        case(authentication("Plain User Name/Password", "LOGIN"), ""),
        case(authentication("Encrypted User/Password", "PLAIN", "CRAM-MD5"), "by CRAM-MD5, which sends no password"),
        case(authentication("OAuth2 Authorization Code", "PLAIN", "XOAUTH2", token=True), ""),
        case(authentication("OAuth2 Authorization Code", "PLAIN", "OAUTHBEARER", token=True), ""),
    ],
    ids=["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"],
)
def test_the_mail_server_logs_maco_in(maco_lab: Lab, lab_journal: LabJournal, by_server: str) -> None:
    assert maco_lab.maco.poll("way-a").succeeded
    for party in (Party.MACO, Party.MAIL_SERVER):
        (seen,) = lab_journal.of(Login, party)
        assert (seen.succeeded, seen.in_clear) == (True, False)
        assert seen.credentials_sent == (not by_server)
        assert by_server in seen.detail


@pytest.mark.maco_lab(change=authentication("Encrypted User/Password", "PLAIN", "LOGIN"))
def test_encrypted_ends_where_the_mail_server_offers_no_encrypted_way(maco_lab: Lab, lab_journal: LabJournal) -> None:
    result = maco_lab.maco.poll("way-a")
    assert (result.succeeded, result.stage, result.error) == (False, "login", "No login methods supported!")
    assert lab_journal.no_password_was_sent()
