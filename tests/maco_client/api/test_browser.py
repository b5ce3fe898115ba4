"""MaCo's pages in Debian's chromium: read by everybody, by keyboard, at every width; what others wrote stays text.

With ``MACO_LAB_SCREENSHOTS=1`` the picture of docs/administration.md is written anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from maco_lab.testing.lab import Lab
from tests.browser import AA, IMAGES, contrasts, focused, shoot, uncomplaining
from tests.connector_sim.admin.pages.browsing import dialog, go, row, told

pytestmark = pytest.mark.real

VIEWS = ["#/key-store", "#/credentials", "#/servers", "#/connections", "#/inbox"]
MARKUP = "<img src=x onerror=document.title='struck'>"
REFUSED = "the server responded with a status of"


@pytest.fixture
def tab(chromium: Browser, maco_lab: Lab) -> Iterator[Page]:
    """Open MaCo's pages."""
    address = maco_lab.running.maco_api
    assert address
    with uncomplaining(chromium, f"http://{address[0]}:{address[1]}", expected=REFUSED) as tab:
        expect(tab.get_by_role("heading", name="Key Store")).to_be_focused()
        yield tab


def deliver_markup(maco_lab: Lab) -> None:
    user = "strom@stadtwerke.example"
    maco_lab.mail_server.deliver(user, f"From: a@b.example\r\nSubject: {MARKUP}\r\n\r\n{MARKUP}\r\n".encode())


def test_a_mail_with_markup_stays_text(tab: Page, maco_lab: Lab) -> None:
    deliver_markup(maco_lab)
    tab.get_by_role("button", name="Poll now", exact=True).click()
    told(tab, "way-a: 1 mail fetched")
    go(tab, "#/inbox")
    expect(row(tab, MARKUP)).to_be_visible()
    row(tab, MARKUP).get_by_role("button", name="Show mail").click()
    expect(dialog(tab, MARKUP).locator("pre")).to_contain_text(MARKUP)

    assert tab.locator("img[src=x]").count() == 0
    assert tab.title() == "Market Communication: mail (simulation)"


def test_a_poll_that_failed_says_what_to_look_at(tab: Page, maco_lab: Lab) -> None:
    tab.get_by_role("button", name="Delete mail-root").click()
    dialog(tab, "Delete mail-root?").get_by_role("button", name="Delete").click()
    told(tab, "The certificate is deleted.")
    go(tab, "#/connections")
    tab.get_by_role("button", name="Poll now way-a").click()
    told(tab, "way-a: failed at step 'starttls'")

    expect(row(tab, "way-a")).to_contain_text("Look at:")
    tab.get_by_role("button", name="Test way-a").click()
    expect(dialog(tab, "Test of way-a")).to_contain_text("Failed at step 'starttls'")


def test_an_e_mail_connection_is_edited_and_keeps_what_was_not_asked_for(tab: Page, maco_lab: Lab) -> None:
    go(tab, "#/connections")
    tab.get_by_role("button", name="Edit way-b").click()
    shown = dialog(tab, "Configure Email Connection way-b")
    expect(shown.locator("[value='Off']")).to_be_checked()
    shown.get_by_role("button", name="Next").click()
    shown.get_by_label("Max. Messages per Poll").fill("7")
    shown.get_by_role("button", name="Next").click()
    shown.get_by_role("button", name="Save").click()
    told(tab, "The e-mail connection is saved.")
    tab.get_by_role("button", name="Edit way-b").click()
    shown.get_by_role("button", name="Next").click()

    expect(shown.get_by_label("Max. Messages per Poll")).to_have_value("7")


def test_what_is_refused_is_told_in_the_dialog(tab: Page) -> None:
    go(tab, "#/servers")
    tab.get_by_role("button", name="Delete mail-starttls").click()
    shown = dialog(tab, "Delete mail-starttls?")
    shown.get_by_role("button", name="Delete").click()
    expect(shown.get_by_role("alert")).to_contain_text("way-a")
    tab.keyboard.press("Escape")

    expect(tab.get_by_role("button", name="Delete mail-starttls")).to_be_focused()


def test_no_secret_is_in_the_markup(tab: Page) -> None:
    for view in VIEWS:
        go(tab, view)
        markup = tab.content()
        assert not any(secret in markup for secret in ("Strom4711Postfach", "Gas0815Postfach", "lab-secret-of-maco"))


def test_every_text_has_the_contrast_of_aa(tab: Page) -> None:
    found = []
    for view in VIEWS:
        go(tab, view)
        found += contrasts(tab)

    assert len(found) > 150
    assert [each for each in found if each[1] < AA] == []


def test_nothing_is_wider_than_the_window(tab: Page, maco_lab: Lab) -> None:
    deliver_markup(maco_lab)
    maco_lab.maco.poll("way-a")
    widths = [390, 768, 1110, 1280]
    for view in VIEWS:
        go(tab, view)
        found = []
        for width in widths:
            tab.set_viewport_size({"width": width, "height": 844})
            found.append(tab.evaluate("() => document.documentElement.scrollWidth"))
        assert (view, found) == (view, widths)


def test_a_server_is_added_by_keyboard_alone(tab: Page) -> None:
    tab.get_by_role("link", name="Email Servers").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="Email Servers", level=2)).to_be_focused()
    tab.keyboard.press("Tab")
    assert focused(tab) == "Add email server"
    tab.keyboard.press("Enter")
    expect(dialog(tab, "Configure Email Server").get_by_label("Name", exact=True)).to_be_focused()
    tab.keyboard.type("by-keys")
    tab.keyboard.press("Tab")
    tab.keyboard.type("keys.example:143")
    tab.keyboard.press("Enter")

    expect(row(tab, "by-keys")).to_contain_text("keys.example:143")
    expect(tab.get_by_role("button", name="Add email server")).to_be_focused()


def test_the_picture_of_the_documentation(tab: Page, maco_lab: Lab, tmp_path: Path) -> None:
    folder = IMAGES if os.environ.get("MACO_LAB_SCREENSHOTS") else tmp_path
    every = Path(found) if (found := os.environ.get("MACO_LAB_SCREENSHOTS_OF_ALL")) else tmp_path
    for user in maco_lab.mail_server.accounts:
        maco_lab.mail_server.deliver(user)
    tab.get_by_role("button", name="Poll now", exact=True).click()
    told(tab, "way-a: 1 mail fetched")
    for view in VIEWS:
        go(tab, view)
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
            shoot(tab, every / f"maco-{view[2:]}-{width}-{scheme}.png", scheme, width, height=900)
    go(tab, "#/connections")
    shoot(tab, folder / "administration-maco-light.png", "light", 1280, height=700)


def test_an_e_mail_connection_by_pop3_is_asked_for_what_pop3_has(tab: Page) -> None:
    go(tab, "#/connections")
    tab.get_by_role("button", name="Edit way-b").click()
    shown = dialog(tab, "Configure Email Connection way-b")
    shown.get_by_label("Transport Protocol", exact=True).select_option("POP3")
    shown.get_by_role("button", name="Next").click()
    expect(shown.get_by_label("Max. Messages per Poll")).to_be_visible()
    assert [shown.get_by_label(each, exact=True).count() for each in ("Folder", "Selection", "Archive Folder")] == [
        0,
        0,
        0,
    ]
    shown.get_by_label("Post-Processing").select_option("Leave on Server")
    shown.get_by_role("button", name="Next").click()
    shown.get_by_role("button", name="Save").click()
    told(tab, "The e-mail connection is saved.")

    expect(row(tab, "way-b")).to_contain_text("Leave on Server")
    expect(row(tab, "way-b")).to_contain_text("POP3 on port 993")
    assert tab.get_by_role("button", name="Test way-b").count() == 0
