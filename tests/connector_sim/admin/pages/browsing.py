"""Somebody who clicks through the administration's pages."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.connector_sim.admin.settings import CONFIGURED, REGION

OF_CONNECTOR = ["connector", "configuration/on-premises", "configuration/user-interface", "alerting",
                "high-availability", "users"]  # fmt: skip
OF_SUBACCOUNT = ["", "/access-control", "/monitor", "/audits", "/logs"]
VIEWS = [f"#/{each}" for each in OF_CONNECTOR] + [f"#/subaccount/{REGION}/{CONFIGURED}{each}" for each in OF_SUBACCOUNT]
ACCESS_CONTROL = f"#/subaccount/{REGION}/{CONFIGURED}/access-control"


def sign_in(tab: Page, user: str = "Administrator", password: str = "manage") -> None:
    tab.get_by_label("User Name").fill(user)
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Sign in").click()


def signed_in(tab: Page, user: str = "Administrator", password: str = "manage") -> None:
    """Sign in and wait for the first view."""
    sign_in(tab, user, password)
    expect(tab.get_by_role("heading", name="Connector", level=2, exact=True)).to_be_visible()


def go(tab: Page, view: str) -> None:
    """Show a view and wait until it is drawn."""
    if tab.evaluate("(hash) => location.hash === hash", view):
        return
    heading = tab.locator("main h2")
    heading.evaluate("(element) => { element.dataset.old = 'yes'; }")
    tab.evaluate("(hash) => { location.hash = hash; }", view)
    expect(tab.locator("main h2:not([data-old])")).to_have_count(1)


def dialog(tab: Page, title: str) -> Locator:
    return tab.get_by_role("dialog", name=title)


def told(tab: Page, words: str) -> None:
    """Wait for what the page says of the last act."""
    expect(tab.locator("#told")).to_contain_text(words)


def row(tab: Page, words: str) -> Locator:
    return tab.locator("main tbody tr").filter(has_text=words)


def add_mapping(
    tab: Page,
    *,
    protocol: str,
    internal: tuple[str, str],
    virtual: tuple[str, str] | None = None,
    description: str = "",
) -> Locator:
    """Go through the steps of the wizard; return the dialog, which shows what the check found."""
    tab.get_by_role("button", name="Add system mapping").click()
    shown = dialog(tab, "Add System Mapping")
    next_step = shown.get_by_role("button", name="Next")
    shown.get_by_label("Back-End Type").select_option(label="Non-SAP System")
    next_step.click()
    shown.get_by_role("radio", name=protocol, exact=False).and_(
        shown.locator(f"[value={protocol_value(protocol)}]")
    ).check()
    next_step.click()
    shown.get_by_label("Internal Host").fill(internal[0])
    shown.get_by_label("Internal Port").fill(internal[1])
    next_step.click()
    expect(shown.get_by_label("Virtual Host")).to_have_value(internal[0])
    if virtual:
        shown.get_by_label("Virtual Host").fill(virtual[0])
        shown.get_by_label("Virtual Port").fill(virtual[1])
    next_step.click()
    shown.get_by_label("Description").fill(description)
    next_step.click()
    expect(shown.get_by_role("heading", name="Summary")).to_be_visible()
    shown.get_by_role("button", name="Finish").click()
    return shown


def protocol_value(word: str) -> str:
    return {"TCP": "TCP", "TCP TLS": "TCPS"}[word]
