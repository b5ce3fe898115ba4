"""The administration's pages in Debian's chromium: what is clicked acts on the connector, for whom it may.

With ``MACO_LAB_SCREENSHOTS=1`` the pictures of docs/administration.md are written anew.
"""

from __future__ import annotations

import datetime as dt
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, Page, expect

from maco_lab.testing.lab import Lab
from tests.browser import AA, IMAGES, contrasts, focused, shoot, uncomplaining
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.pages.browsing import (
    ACCESS_CONTROL,
    VIEWS,
    add_mapping,
    dialog,
    go,
    row,
    sign_in,
    signed_in,
    told,
)
from tests.connector_sim.admin.settings import CLOUD_PASSWORD, CLOUD_USER, LAB, MAPPINGS, OWN, SUBACCOUNTS, TO_ADD

pytestmark = [pytest.mark.real, LAB]

TRUST_STORE = "/api/v1/configuration/connector/onPremises/truststore"
MARKUP = "<img src=x onerror=document.title='struck'><script>document.title='struck'</script>"
REFUSED = "the server responded with a status of"
"""What chromium writes to its console of a refusal that the page shows."""


@pytest.fixture
def tab(chromium: Browser, maco_lab: Lab) -> Iterator[Page]:
    """Open the page; nobody is signed in."""
    with uncomplaining(chromium, maco_lab.cloud_connector.administration_url, expected=REFUSED) as tab:
        expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
        yield tab


@pytest.fixture
def admin_tab(tab: Page) -> Page:
    """Open the page and sign in as Administrator."""
    signed_in(tab)
    return tab


# Signing in


def test_a_wrong_password_is_told_and_a_right_one_opens_the_page(tab: Page) -> None:
    sign_in(tab, password="wrong")
    expect(tab.get_by_role("alert")).to_have_text("The user or the password is wrong")
    signed_in(tab)

    expect(tab.get_by_text("It is not SAP's Cloud Connector.")).to_be_visible()
    expect(tab.locator("#who")).to_have_text("Administrator sccadmin")


def initial(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["administration"]["must_change_password"] = True


@pytest.mark.maco_lab(change=initial)
def test_the_initial_password_must_be_changed_first(tab: Page) -> None:
    sign_in(tab)
    expect(tab.get_by_role("heading", name="Change the initial password")).to_be_visible()
    tab.get_by_label("Current Password").fill("manage")
    tab.get_by_label("New Password", exact=True).fill("another")
    tab.get_by_label("Repeat New Password").fill("different")
    tab.get_by_role("button", name="Change password").click()
    expect(tab.get_by_role("alert")).to_have_text("The two new passwords differ.")
    tab.get_by_label("Repeat New Password").fill("another")
    tab.get_by_role("button", name="Change password").click()

    expect(tab.get_by_role("heading", name="Connector", level=2, exact=True)).to_be_visible()
    tab.get_by_role("button", name="Sign out").click()
    signed_in(tab, password="another")


def test_a_session_that_is_over_leads_back_to_signing_in(admin_tab: Page, maco_lab: Lab) -> None:
    maco_lab.thread.loop.run(end_sessions(maco_lab))
    admin_tab.get_by_role("button", name="Refresh").click()

    expect(admin_tab.get_by_role("alert")).to_have_text("The session is over: sign in again.")
    signed_in(admin_tab)


async def end_sessions(lab: Lab) -> None:
    for administration in lab.running.administrations.values():
        administration.installation.sessions.end_all()


def test_a_page_that_is_loaded_again_stays_signed_in(admin_tab: Page) -> None:
    go(admin_tab, "#/users")
    admin_tab.reload()

    expect(admin_tab.get_by_role("heading", name="Users", level=2)).to_be_visible()


# Subaccounts


def test_a_subaccount_is_added_with_a_location_id_and_deleted(admin_tab: Page, admin: AdminClient) -> None:
    admin_tab.get_by_role("button", name="Add Subaccount").click()
    shown = dialog(admin_tab, "Add Subaccount")
    expect(shown.get_by_label("Region")).to_have_value("lab.example")
    shown.get_by_label("Subaccount optional").or_(shown.get_by_label("Subaccount", exact=True)).fill(TO_ADD)
    shown.get_by_label("Subaccount User").fill(CLOUD_USER)
    shown.get_by_label("Password").fill("wrong")
    shown.get_by_label("Location ID").fill("WERK7")
    shown.get_by_role("button", name="Add").click()
    expect(shown.get_by_role("alert")).to_have_text("SCC handshake failed: 401 — Unauthorized")
    shown.get_by_label("Password").fill(CLOUD_PASSWORD)
    shown.get_by_role("button", name="Add").click()

    expect(admin_tab.get_by_role("heading", name=f"Subaccount {TO_ADD}")).to_be_visible()
    expect(admin_tab.locator("main")).to_contain_text("WERK7")
    assert admin.get(f"{SUBACCOUNTS}/lab.example/{TO_ADD}").json["tunnel"]["state"] == "Connected"
    assert CLOUD_PASSWORD not in admin_tab.content()

    admin_tab.get_by_role("button", name="Delete").click()
    dialog(admin_tab, f"Delete Subaccount {TO_ADD}?").get_by_role("button", name="Delete").click()
    told(admin_tab, "The subaccount is deleted.")
    assert admin.get(f"{SUBACCOUNTS}/lab.example/{TO_ADD}").status == 404


def test_a_subaccount_is_added_and_its_certificate_renewed_by_authentication_data(
    maco_lab: Lab, admin_tab: Page, admin: AdminClient
) -> None:
    desk = maco_lab.running.cloud.desk
    first, second = (desk.issue(CLOUD_USER, each) for each in (TO_ADD, TO_ADD))
    admin_tab.get_by_role("button", name="Add by Authentication Data").click()
    shown = dialog(admin_tab, "Add by Authentication Data")
    shown.get_by_label("Authentication Data").fill("x")
    expect(shown.get_by_label("Authentication Data")).to_have_attribute("type", "password")
    shown.get_by_role("button", name="Add").click()
    expect(shown.get_by_role("alert")).to_contain_text("authenticationData: found none")
    shown.get_by_label("Authentication Data").fill(first)
    shown.get_by_role("button", name="Add").click()

    expect(admin_tab.get_by_role("heading", name=f"Subaccount {TO_ADD}")).to_be_visible()
    expect(admin_tab.locator("main")).to_contain_text(CLOUD_USER)
    path = f"{SUBACCOUNTS}/lab.example/{TO_ADD}"
    before = admin.get(path).json["tunnel"]["subaccountCertificate"]["serialNumber"]
    admin_tab.get_by_role("button", name="Renew by authentication data").click()
    shown = dialog(admin_tab, f"Renew the certificate of {TO_ADD}")
    shown.get_by_label("Authentication Data").fill(second)
    shown.get_by_role("button", name="Renew").click()
    told(admin_tab, "The certificate is renewed.")

    assert admin.get(path).json["tunnel"]["subaccountCertificate"]["serialNumber"] != before
    assert first not in admin_tab.content()
    assert second not in admin_tab.content()


def test_the_tunnel_is_disconnected_and_connected(admin_tab: Page, admin: AdminClient) -> None:
    admin_tab.get_by_role("button", name="Disconnect stadtwerke").click()
    told(admin_tab, "The tunnel is disconnected")
    assert admin.get(OWN).json["tunnel"]["state"] == "Disconnected"
    admin_tab.get_by_role("button", name="Connect stadtwerke").click()

    expect(row(admin_tab, "stadtwerke")).to_contain_text("since")
    assert admin.get(OWN).json["tunnel"]["state"] == "Connected"


def test_the_dashboard_shows_only_what_has_a_status(admin_tab: Page) -> None:
    admin_tab.get_by_role("button", name="Failed").click()
    expect(admin_tab.locator("main")).to_contain_text("None has this status.")
    expect(admin_tab.get_by_role("button", name="Failed")).to_be_focused()
    admin_tab.get_by_role("button", name="All", exact=True).click()
    expect(row(admin_tab, "stadtwerke")).to_be_visible()


def test_the_certificate_of_a_subaccount_is_renewed(admin_tab: Page, admin: AdminClient) -> None:
    before = admin.get(OWN).json["tunnel"]["subaccountCertificate"]["serialNumber"]
    admin_tab.get_by_role("link", name="Overview").click()
    admin_tab.get_by_role("button", name="Renew certificate").click()
    shown = dialog(admin_tab, "Renew the certificate of stadtwerke")
    shown.get_by_label("Subaccount User").fill(CLOUD_USER)
    shown.get_by_label("Password").fill(CLOUD_PASSWORD)
    shown.get_by_role("button", name="Renew").click()
    told(admin_tab, "The certificate is renewed.")

    after = admin.get(OWN).json["tunnel"]["subaccountCertificate"]["serialNumber"]
    assert after != before
    expect(admin_tab.locator("main")).to_contain_text(after)


# Mappings


def test_the_mapping_table_has_the_columns_of_the_product_in_their_order(admin_tab: Page) -> None:
    go(admin_tab, ACCESS_CONTROL)
    columns = ["Status", "Virtual Host", "Internal Host", "Check Result", "Protocol", "Back-End Type", "Actions"]

    expect(admin_tab.locator("main table").first.get_by_role("columnheader")).to_have_text(columns)  # facts, 6.2


def test_the_wizard_asks_in_the_order_of_the_product_and_warns_of_tcp(admin_tab: Page, admin: AdminClient) -> None:
    go(admin_tab, ACCESS_CONTROL)
    admin_tab.get_by_role("button", name="Add system mapping").click()
    shown = dialog(admin_tab, "Add System Mapping")
    steps = []
    for filled in ({}, {}, {"Internal Host": "files.example", "Internal Port": "7000-7010"}, {}, {}):
        steps.append(shown.locator("h3").inner_text())
        for label, value in filled.items():
            shown.get_by_label(label).fill(value)
        shown.get_by_role("button", name="Next").click()

    steps.append(shown.locator("h3").inner_text())
    assert steps == ["Back-End Type", "Protocol", "Internal System", "Virtual System", "Description", "Summary"]
    expect(shown).to_contain_text("cannot be looked into here")
    shown.get_by_role("button", name="Back").click()
    shown.get_by_label("Description").fill("after going back")
    shown.get_by_role("button", name="Next").click()
    shown.get_by_label("Check Internal Host").uncheck()
    shown.get_by_role("button", name="Finish").click()
    told(admin_tab, "The mapping is added.")
    made = admin.get(f"{MAPPINGS}/files.example:7000-7010").json
    assert (made["protocol"], made["backendType"], made["description"]) == ("TCP", "nonSAPsys", "after going back")
    assert (made["localHost"], made["localPort"]) == ("files.example", "7000-7010")


def test_http_is_asked_for_its_principal_type_and_tcp_is_not(admin_tab: Page, admin: AdminClient) -> None:
    go(admin_tab, ACCESS_CONTROL)
    admin_tab.get_by_role("button", name="Add system mapping").click()
    shown = dialog(admin_tab, "Add System Mapping")
    onwards = shown.get_by_role("button", name="Next")
    onwards.click()
    shown.locator("[value=HTTPS]").check()
    onwards.click()
    shown.get_by_label("Internal Host").fill("web.example")
    shown.get_by_label("Internal Port").fill("443")
    onwards.click()
    onwards.click()
    shown.get_by_label("Principal Type").select_option("X509_GENERAL")
    onwards.click()
    onwards.click()
    expect(shown).to_contain_text("Nothing passes through this mapping here")
    shown.get_by_role("button", name="Finish").click()

    expect(row(admin_tab, "web.example")).to_contain_text("kept only")
    assert admin.get(f"{MAPPINGS}/web.example:443").json["authenticationMode"] == "X509_GENERAL"


def test_what_the_connector_refuses_is_told_in_the_wizard(admin_tab: Page) -> None:
    go(admin_tab, ACCESS_CONTROL)
    shown = add_mapping(admin_tab, protocol="TCP", internal=("mail.stadtwerke.example", "143"))

    expect(shown.get_by_role("alert")).to_contain_text("a virtual port belongs to one mapping")
    admin_tab.keyboard.press("Escape")
    expect(shown).to_have_count(0)
    expect(admin_tab.get_by_role("button", name="Add system mapping")).to_be_focused()


def test_a_mapping_is_switched_to_tls_and_deleted(admin_tab: Page, admin: AdminClient) -> None:
    go(admin_tab, ACCESS_CONTROL)
    admin_tab.get_by_role("button", name="Edit mail.stadtwerke.example:587").click()
    shown = dialog(admin_tab, "Edit System Mapping mail.stadtwerke.example:587")
    shown.get_by_label("Use TLS").check()
    shown.get_by_role("button", name="Save").click()
    expect(row(admin_tab, "mail.stadtwerke.example:587")).to_contain_text("TCP TLS")
    assert admin.get(f"{MAPPINGS}/mail.stadtwerke.example:587").json["protocol"] == "TCPS"
    expect(admin_tab.get_by_role("button", name="Edit mail.stadtwerke.example:587")).to_be_focused()

    admin_tab.get_by_role("button", name="Delete mail.stadtwerke.example:587").click()
    dialog(admin_tab, "Delete mail.stadtwerke.example:587?").get_by_role("button", name="Delete").click()
    expect(row(admin_tab, "mail.stadtwerke.example:587")).to_have_count(0)
    assert admin.get(f"{MAPPINGS}/mail.stadtwerke.example:587").status == 404


def test_the_table_is_narrowed_to_a_protocol(admin_tab: Page) -> None:
    go(admin_tab, ACCESS_CONTROL)
    expect(admin_tab.locator("main tbody tr")).to_have_count(4)
    admin_tab.get_by_label("Protocol").select_option("TCP TLS")
    expect(admin_tab.locator("main tbody tr")).to_have_count(1)
    expect(admin_tab.get_by_role("heading", name="Mapping Virtual to Internal System (4)")).to_be_visible()


# Trust store and certificates


def certificate(common_name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    now = dt.datetime.now(dt.UTC)
    builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=9))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_certificates_are_uploaded_and_deleted(admin_tab: Page, admin: AdminClient) -> None:
    go(admin_tab, "#/configuration/on-premises")
    admin_tab.get_by_role("button", name="Upload certificates").click()
    shown = dialog(admin_tab, "Upload certificates")
    files = [{"name": f"{name}.pem", "mimeType": "", "buffer": certificate(name)} for name in ("one", "two")]
    shown.get_by_label("X.509 Certificates").set_input_files(files)  # type: ignore[arg-type]
    shown.get_by_role("button", name="Upload").click()
    told(admin_tab, "Trusted from the next handshake on.")
    expect(row(admin_tab, "CN=two")).to_contain_text("expires in 8 days")
    aliases = [each["alias"] for each in admin.get(TRUST_STORE).json["trustedBackends"]]
    assert len(aliases) == 3

    for alias in aliases:
        admin_tab.get_by_role("button", name=f"Delete {alias}").click()
        admin_tab.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(row(admin_tab, alias)).to_have_count(0)
    expect(admin_tab.locator(".notice")).to_contain_text("no back end is trusted")
    assert admin.get(TRUST_STORE).json["trustedBackends"] == []


def test_trusting_all_is_asked_twice_and_told_by_a_banner(admin_tab: Page, admin: AdminClient) -> None:
    go(admin_tab, "#/configuration/on-premises")
    switch = admin_tab.get_by_role("switch", name="Determining Trust Through Allowlist")
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.click()
    dialog(admin_tab, "Trust all back ends?").get_by_role("button", name="Cancel").click()
    assert admin.get(TRUST_STORE).json["trustAllBackends"] is False
    switch.click()
    dialog(admin_tab, "Trust all back ends?").get_by_role("button", name="Trust all").click()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(admin_tab.locator(".notice")).to_contain_text("All back ends are trusted")
    assert admin.get(TRUST_STORE).json["trustAllBackends"] is True
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")


def test_what_is_no_certificate_is_told_and_changes_nothing(admin_tab: Page, admin: AdminClient) -> None:
    before = admin.get(TRUST_STORE).json
    go(admin_tab, "#/configuration/on-premises")
    admin_tab.get_by_role("button", name="Upload certificates").click()
    shown = dialog(admin_tab, "Upload certificates")
    shown.get_by_label("X.509 Certificates").set_input_files({"name": "x.pem", "mimeType": "", "buffer": b"nothing"})
    shown.get_by_role("button", name="Upload").click()

    expect(shown.get_by_role("alert")).to_contain_text("certificates")
    assert admin.get(TRUST_STORE).json == before


def test_the_system_certificate_is_made_anew_and_requested(admin_tab: Page, admin: AdminClient) -> None:
    go(admin_tab, "#/configuration/on-premises")
    admin_tab.get_by_role("button", name="Create self-signed System Certificate").click()
    shown = dialog(admin_tab, "Create a self-signed certificate")
    shown.get_by_label("Subject DN").fill("CN=by-the-page,C=DE")
    shown.get_by_label("Key Size").select_option("2048")
    shown.get_by_role("button", name="Create").click()
    expect(admin_tab.locator("main")).to_contain_text("CN=by-the-page")
    path = "/api/v1/configuration/connector/onPremises/systemCertificate"
    assert "by-the-page" in admin.get(path).json["subjectDN"]

    admin_tab.get_by_role("button", name="Create signing request System Certificate").click()
    shown = dialog(admin_tab, "Create a certificate signing request")
    shown.get_by_label("Key Size").select_option("2048")
    shown.get_by_role("button", name="Create").click()
    pem = shown.get_by_label("Certificate signing request").input_value()
    assert x509.load_pem_x509_csr(pem.encode()).is_signature_valid


# Audit and logs


def test_the_audit_log_is_searched_and_checked(admin_tab: Page, admin: AdminClient) -> None:
    assert admin.call("DELETE", f"{MAPPINGS}/mail.stadtwerke.example:587").status == 204
    go(admin_tab, ACCESS_CONTROL.replace("access-control", "audits"))
    admin_tab.get_by_label("Search Pattern").fill("BackendMapping")
    admin_tab.get_by_role("button", name="Search").click()
    expect(row(admin_tab, "mail.stadtwerke.example:587")).to_contain_text("delete-BackendMapping")
    admin_tab.get_by_role("button", name="Check", exact=True).click()
    told(admin_tab, "The audit log is whole")
    with admin_tab.expect_download() as downloading:
        admin_tab.get_by_role("button", name="Download", exact=True).click()
    assert downloading.value.suggested_filename == "audit-log_subaccount.tar.gz"
    with tarfile.open(downloading.value.path(), mode="r:gz") as archive:
        assert archive.getnames() == ["manifest.json", "audit-log_stadtwerke.csv"]


def test_a_log_file_is_shown(admin_tab: Page) -> None:
    go(admin_tab, ACCESS_CONTROL.replace("access-control", "logs"))
    admin_tab.get_by_role("button", name="Show scc_core.trc").click()

    expect(dialog(admin_tab, "scc_core.trc").locator("pre")).to_contain_text("#INFO#")


def test_the_audit_level_is_set(admin_tab: Page, admin: AdminClient) -> None:
    go(admin_tab, ACCESS_CONTROL.replace("access-control", "audits"))
    admin_tab.get_by_role("button", name="Edit subaccount level").click()
    shown = dialog(admin_tab, "Subaccount Audit Level")
    shown.get_by_label("Audit Level").select_option("ALL")
    shown.get_by_role("button", name="Save").click()
    told(admin_tab, "The settings are saved.")

    path = f"/api/v1/configuration/connector/auditLog{OWN.removeprefix('/api/v1/configuration')}"
    assert admin.get(path).json["level"] == "ALL"


# Who may do what

NAMES = "(all) => all.map((each) => each.innerText.trim() || each.title)"


@pytest.mark.parametrize("role", ["sccdisplay", "sccsupport", "sccmonitoring"])
def test_who_may_only_read_sees_nothing_to_change(tab: Page, role: str) -> None:
    signed_in(tab, role, "secret")
    found = set()
    for view in VIEWS:
        if role != "sccmonitoring" and view.endswith(("alerting", "monitor")):
            continue
        go(tab, view)
        found |= set(tab.locator("main button").evaluate_all(NAMES))

    reading = {"All", "Connected", "Disconnected", "Failed", "Details", "Check Availability", "Download"}
    own = {"Edit levels", "Edit traffic trace", "Show", "Search", "Check"} if role == "sccsupport" else set()
    assert found - reading - {"Download all", "Determining Trust Through Allowlist"} == own
    assert "Details" in found


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", MAPPINGS), ("PUT", f"{OWN}/state"), ("PATCH", TRUST_STORE), ("GET", "/maco-lab/users")],
)
def test_what_is_forced_by_a_reader_is_refused(tab: Page, admin: AdminClient, method: str, path: str) -> None:
    signed_in(tab, "sccdisplay", "secret")
    before = admin.get(MAPPINGS).json
    status = tab.evaluate(
        """async ([method, path]) => {
          const { call } = await import("/maco-lab/page/api.js");
          try {
            return (await call(method, path, method === "GET" ? undefined : { connected: false })).status;
          } catch (error) {
            return error.status;
          }
        }""",
        [method, path],
    )

    assert status == 403
    assert admin.get(MAPPINGS).json == before


# Text of others is text


def test_markup_in_what_others_wrote_stays_text(admin_tab: Page, admin: AdminClient) -> None:
    mapping = {"virtualHost": "x", "virtualPort": "1", "localHost": "x", "localPort": "1", "protocol": "TCP",
               "backendType": "nonSAPsys", "description": MARKUP}  # fmt: skip
    assert admin.call("POST", MAPPINGS, mapping).status == 201
    assert admin.call("PUT", OWN, {"displayName": MARKUP, "description": MARKUP}).status == 200
    assert admin.call("PUT", "/api/v1/configuration/connector", {"description": MARKUP}).status == 204
    assert admin.upload("POST", f"{TRUST_STORE}/certificates", certificates=certificate(MARKUP[:60])).status == 201
    shown = 0
    for view in VIEWS:
        go(admin_tab, view)
        shown += "<img src=x" in admin_tab.locator("main").inner_text()
        assert admin_tab.locator("img[src=x], main script").count() == 0
    go(admin_tab, ACCESS_CONTROL)
    admin_tab.get_by_role("button", name="Details x:1").click()
    expect(dialog(admin_tab, "Back-End Connection Details")).to_contain_text(MARKUP)

    assert shown >= 3
    assert admin_tab.title() == "Cloud Connector Administration (simulation)"


# For everybody


def test_every_text_has_the_contrast_of_aa(admin_tab: Page) -> None:
    found = []
    for view in VIEWS:
        go(admin_tab, view)
        found += contrasts(admin_tab)
    admin_tab.get_by_role("button", name="Sign out").click()
    sign_in(admin_tab, password="wrong")
    expect(admin_tab.get_by_role("alert")).to_be_visible()
    found += contrasts(admin_tab)

    assert len(found) > 400
    assert [each for each in found if each[1] < AA] == []


def test_nothing_is_wider_than_the_window(admin_tab: Page) -> None:
    widths = [390, 768, 1110, 1280]
    for view in VIEWS:
        go(admin_tab, view)
        found = []
        for width in widths:
            admin_tab.set_viewport_size({"width": width, "height": 844})
            found.append(admin_tab.evaluate("() => document.documentElement.scrollWidth"))
        assert (view, found) == (view, widths)


def test_the_menu_of_a_narrow_window_is_opened_by_a_button(admin_tab: Page) -> None:
    admin_tab.set_viewport_size({"width": 390, "height": 844})
    menu = admin_tab.get_by_role("navigation", name="Pages")
    expect(menu).to_be_hidden()
    admin_tab.get_by_role("button", name="Menu").click()
    menu.get_by_role("link", name="Cloud To On-Premises").click()

    expect(admin_tab.get_by_role("heading", name="Cloud To On-Premises")).to_be_focused()
    expect(menu).to_be_hidden()


def test_a_mapping_is_added_by_keyboard_alone(tab: Page, admin: AdminClient) -> None:
    tab.keyboard.type("Administrator")
    tab.keyboard.press("Tab")
    tab.keyboard.type("manage")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="Connector", level=2, exact=True)).to_be_focused()
    tab.get_by_role("link", name="Cloud To On-Premises").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="Cloud To On-Premises")).to_be_focused()
    tab.keyboard.press("Tab")
    assert focused(tab) == "Add system mapping"
    tab.keyboard.press("Enter")
    shown = dialog(tab, "Add System Mapping")
    expect(shown.get_by_label("Back-End Type")).to_be_focused()
    for key in ("Tab", "Tab", "Enter"):
        tab.keyboard.press(key)
    expect(shown.locator("[value=TCP]")).to_be_focused()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(shown.get_by_label("Internal Host")).to_be_focused()
    tab.keyboard.type("keys.example")
    tab.keyboard.press("Tab")
    tab.keyboard.type("993")
    tab.keyboard.press("Enter")
    for heading in ("Virtual System", "Description", "Summary"):
        expect(shown.get_by_role("heading", name=heading)).to_be_visible()
        if heading == "Summary":
            expect(shown.get_by_label("Check Internal Host")).to_be_focused()
            tab.keyboard.press("Space")
        tab.keyboard.press("Enter")
    expect(shown).to_have_count(0)

    assert admin.get(f"{MAPPINGS}/keys.example:993").json["protocol"] == "TCPS"
    expect(tab.get_by_role("button", name="Add system mapping")).to_be_focused()


def test_the_skip_link_leads_to_the_content(admin_tab: Page) -> None:
    admin_tab.reload()
    expect(admin_tab.get_by_role("heading", name="Connector", level=2, exact=True)).to_be_visible()
    admin_tab.get_by_role("link", name="Skip to the content").focus()
    admin_tab.keyboard.press("Enter")

    assert admin_tab.evaluate("() => document.activeElement.id") == "main"
    assert admin_tab.evaluate("() => location.hash") == "#/connector"


def test_the_pictures_of_the_documentation(admin_tab: Page, maco_lab: Lab, tmp_path: Path) -> None:
    folder = IMAGES if os.environ.get("MACO_LAB_SCREENSHOTS") else tmp_path
    maco_lab.maco.poll("way-a")
    maco_lab.maco.poll("way-b")
    every = Path(found) if (found := os.environ.get("MACO_LAB_SCREENSHOTS_OF_ALL")) else tmp_path
    for view in VIEWS:
        go(admin_tab, view)
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
            name = view.removeprefix("#/").replace("/", "-")
            shoot(admin_tab, every / f"{name}-{width}-{scheme}.png", scheme, width, height=900)
    go(admin_tab, ACCESS_CONTROL)
    for name in ("mail.stadtwerke.example:143", "mailbox.virtual:993"):
        admin_tab.get_by_role("button", name=f"Check Availability {name}").click()
        told(admin_tab, f"{name}: Reachable")
    shoot(admin_tab, folder / "administration-mappings-light.png", "light", 1280, height=800)
    admin_tab.get_by_role("button", name="Details mailbox.virtual:993").click()
    expect(dialog(admin_tab, "Back-End Connection Details")).to_contain_text("Certificates that the server sent")
    shoot(admin_tab, folder / "administration-check-dark.png", "dark", 1280, height=1000)
    shoot(admin_tab, every / "check-390.png", "light", 390)
    admin_tab.keyboard.press("Escape")
    admin_tab.get_by_role("button", name="Add system mapping").click()
    dialog(admin_tab, "Add System Mapping").get_by_role("button", name="Next").click()
    shoot(admin_tab, every / "wizard-390.png", "light", 390)
    shoot(admin_tab, every / "wizard-1280.png", "light", 1280, height=1000)
