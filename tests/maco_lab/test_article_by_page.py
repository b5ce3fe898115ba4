"""The article by clicks alone: an empty Cloud Connector and an empty MaCo, both configured in a browser, two mails."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from certs.cast import Cast
from maco_lab.testing.lab import Lab
from tests.browser import uncomplaining
from tests.connector_sim.admin.pages.browsing import add_mapping, dialog, go, row, told
from tests.maco_client.api.empty import CREDENTIALS, unconfigured

pytestmark = pytest.mark.real

MAIL_HOST = "mail.stadtwerke.example"
LOCATION_ID = "WERK1"


def just_installed(data: dict[str, Any]) -> None:
    """Leave the Cloud Connector and MaCo with nothing."""
    unconfigured(data)
    connector = data["cloud_connectors"][0]
    connector["subaccounts"] = []
    connector["back_end_trust_store"]["certificates"] = []
    data["cloud_connectors"][0]["administration"]["must_change_password"] = True


def upload(dialog_shown: Any, label: str, *pems: bytes) -> None:
    files = [{"name": f"{i}.pem", "mimeType": "", "buffer": pem} for i, pem in enumerate(pems)]
    dialog_shown.get_by_label(label).set_input_files(files)


def administer_the_connector(tab: Page, authority: Cast) -> None:
    """Follow the article's first half."""
    tab.get_by_label("User Name").fill("Administrator")
    tab.get_by_label("Password").fill("manage")
    tab.get_by_role("button", name="Sign in").click()
    tab.get_by_label("Current Password").fill("manage")
    tab.get_by_label("New Password", exact=True).fill("Ein-neues-Kennwort")
    tab.get_by_label("Repeat New Password").fill("Ein-neues-Kennwort")
    tab.get_by_role("button", name="Change password").click()

    tab.get_by_role("button", name="Add Subaccount").click()
    shown = dialog(tab, "Add Subaccount")
    shown.get_by_label("Subaccount", exact=True).fill("stadtwerke")
    shown.get_by_label("Subaccount User").fill("admin@stadtwerke.example")
    shown.get_by_label("Password").fill("Cloud4711Admin")
    shown.get_by_label("Location ID").fill(LOCATION_ID)
    shown.get_by_role("button", name="Add").click()
    expect(tab.locator("main")).to_contain_text("Connectedsince")

    tab.get_by_role("link", name="Cloud To On-Premises").click()
    way_a = add_mapping(tab, protocol="TCP", internal=(MAIL_HOST, "143"), description="way A")
    expect(way_a).to_contain_text("Reachable")
    way_a.get_by_role("button", name="Close").click()
    way_b = add_mapping(tab, protocol="TCP TLS", internal=(MAIL_HOST, "993"), virtual=("mailbox.virtual", "993"))
    expect(way_b).to_contain_text("Warning")
    expect(way_b).to_contain_text("Missing in the Backend Trust Store")
    way_b.get_by_role("button", name="Close").click()

    go(tab, "#/configuration/on-premises")
    tab.get_by_role("button", name="Upload certificates").click()
    shown = dialog(tab, "Upload certificates")
    upload(
        shown,
        "X.509 Certificates",
        *(each.identity.certificate_pem() for each in (authority.root, authority.intermediate)),
    )
    shown.get_by_role("button", name="Upload").click()
    told(tab, "Trusted from the next handshake on.")
    tab.get_by_role("link", name="Cloud To On-Premises").click()
    tab.get_by_role("button", name="Check Availability mailbox.virtual:993").click()
    expect(row(tab, "mailbox.virtual:993")).to_contain_text("Reachable")


def configure_maco(tab: Page, root: bytes) -> None:
    """Follow the article's second half."""
    tab.get_by_role("button", name="Import certificate").click()
    shown = dialog(tab, "Import certificate")
    shown.get_by_label("Alias").fill("mail-root")
    upload(shown, "Certificate file", root)
    shown.get_by_role("button", name="Import").click()
    told(tab, "Trusted from the next poll on.")

    go(tab, "#/credentials")
    for name, (user, password) in CREDENTIALS.items():
        tab.get_by_role("button", name="Add credential").click()
        shown = dialog(tab, "Add User Credentials")
        shown.get_by_label("Credential Name").fill(name)
        shown.get_by_label("User", exact=True).fill(user)
        shown.get_by_label("Password or Token").fill(password)
        shown.get_by_role("button", name="Add").click()
        expect(row(tab, user)).to_be_visible()

    go(tab, "#/servers")
    for name, address in (("mail-starttls", f"{MAIL_HOST}:143"), ("mail-tcp-tls", "mailbox.virtual:993")):
        tab.get_by_role("button", name="Add email server").click()
        shown = dialog(tab, "Configure Email Server")
        shown.get_by_label("Name", exact=True).fill(name)
        shown.get_by_label("Address").fill(address)
        shown.get_by_label("Proxy Type").select_option("On-Premise")
        shown.get_by_label("Location ID").fill(LOCATION_ID)
        shown.get_by_role("button", name="Add").click()
        expect(row(tab, address)).to_be_visible()
    tab.get_by_role("button", name="Test mail-starttls").click()
    expect(dialog(tab, "Test of mail-starttls")).to_contain_text("is connected")
    tab.keyboard.press("Escape")

    go(tab, "#/connections")
    for name, server, protection, credential in (
        ("way-a", "mail-starttls", "STARTTLS Mandatory", "STROM"),
        ("way-b", "mail-tcp-tls", "Off", "GAS"),
    ):
        tab.get_by_role("button", name="Add email connection").click()
        shown = dialog(tab, "Configure Email Connection")
        shown.get_by_label("Name", exact=True).fill(name)
        shown.get_by_label("Email Server").select_option(server)
        shown.locator(f"[value='{protection}']").check()
        shown.get_by_label("Credential Name").select_option(credential)
        for _ in range(2):
            shown.get_by_role("button", name="Next").click()
        shown.get_by_role("button", name="Add").click()
        expect(row(tab, name)).to_be_visible()
    tab.get_by_role("button", name="Test way-a").click()
    expect(dialog(tab, "Test of way-a")).to_contain_text("Vouched bymail-root")
    tab.keyboard.press("Escape")


@pytest.mark.slow
@pytest.mark.maco_lab(change=just_installed)
def test_the_article_by_clicks_alone_ends_with_two_fetched_mails(chromium: Browser, maco_lab: Lab) -> None:
    for user, _ in CREDENTIALS.values():
        maco_lab.mail_server.deliver(user)
    refused = "the server responded with a status of"
    with uncomplaining(chromium, maco_lab.cloud_connector.administration_url, expected=refused) as tab:
        administer_the_connector(tab, maco_lab.authority)
    maco = maco_lab.running.maco_api
    assert maco
    with uncomplaining(chromium, f"http://{maco[0]}:{maco[1]}") as tab:
        configure_maco(tab, maco_lab.root_pem)
        tab.get_by_role("button", name="Poll now", exact=True).click()
        told(tab, "way-a: 1 mail fetched · way-b: 1 mail fetched")
        go(tab, "#/inbox")
        expect(tab.locator("main tbody tr")).to_have_count(2)
        markup = tab.content()

    assert [len(maco_lab.maco.mails(name)) for name in ("way-a", "way-b")] == [1, 1]
    assert not any(password in markup for _, password in CREDENTIALS.values())
