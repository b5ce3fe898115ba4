"""The page in Debian's chromium: polls by click, shows both ways with the lock where it is, works by keyboard.

With ``MACO_LAB_SCREENSHOTS=1`` the pictures of docs/page.md are written anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from maco_lab.testing.lab import Lab
from tests.maco_lab.page.client import DEADLINE_S, PageClient
from tests.programs import require_program

pytestmark = pytest.mark.real

IMAGES = Path(__file__).parents[3] / "docs/images"
MAX_IMAGE_BYTES = 300_000
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_program("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def seen(chromium: Browser, page: PageClient) -> Iterator[Page]:
    """Open the page at 1280 pixels; what it complains of fails the test."""
    with chromium.new_context(viewport={"width": 1280, "height": 1250}) as context:
        context.set_default_timeout(DEADLINE_S * 1000)
        complaints: list[str] = []
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(page.url)
        expect(tab.get_by_text("live", exact=True)).to_be_visible(timeout=DEADLINE_S * 1000)
        yield tab
        assert complaints == []


def poll(seen: Page) -> None:
    seen.get_by_role("button", name="Poll now").click()
    expect(seen.get_by_role("status")).to_contain_text("Polled.", timeout=DEADLINE_S * 1000)
    expect(seen.locator(".path")).to_have_count(2, timeout=DEADLINE_S * 1000)


@pytest.mark.usefixtures("mail_waits")
def test_a_click_polls_and_both_ways_are_shown_with_the_lock_where_it_is(seen: Page) -> None:
    expect(seen.locator("#sights")).to_contain_text("No poll has ended yet.")
    poll(seen)

    way_a, way_b = (seen.get_by_role("article", name=name).locator(".path") for name in ("way-a", "way-b"))
    expect(seen.get_by_role("status")).to_have_text("Polled. way-a: 1 fetched, way-b: 1 fetched")
    expect(way_a).to_contain_text("TLS 1.3 from end to end: MaCo with Mail server")
    expect(way_a).not_to_contain_text("in clear")
    expect(way_a.get_by_text("password not seen")).to_have_count(2)
    expect(way_b).to_contain_text("in clear; across the internet only the tunnel protects it")
    expect(way_b.get_by_text("password seen")).to_have_count(4)


def box_of(tab: Page, selector: str) -> Any:
    box = tab.locator(selector).bounding_box()
    assert box
    return box


@pytest.mark.usefixtures("mail_waits")
def test_the_bar_of_a_session_reaches_from_one_end_to_the_other(seen: Page) -> None:
    poll(seen)
    card = "article[aria-labelledby='sight-way-b']"
    systems = [seen.locator(f"{card} .path .box").nth(i).bounding_box() for i in range(4)]
    middles = [box["x"] + box["width"] / 2 for box in systems if box]
    clear = box_of(seen, f"{card} .bar.clear")
    (session,) = [
        box
        for bar in seen.locator(f"{card} .bar.enc").all()
        if (box := bar.bounding_box()) and box["x"] + box["width"] > middles[2] + 20
    ]

    assert clear["x"] == pytest.approx(middles[0], abs=3)
    assert clear["x"] + clear["width"] == pytest.approx(middles[2], abs=3)
    assert session["x"] == pytest.approx(middles[2], abs=3)
    assert session["x"] + session["width"] == pytest.approx(middles[3], abs=3)


def test_what_happens_in_the_lab_is_shown_without_a_click(maco_lab: Lab, seen: Page) -> None:
    maco_lab.maco.poll("way-b")

    expect(seen.get_by_role("article", name="way-b")).to_be_visible(timeout=DEADLINE_S * 1000)
    expect(seen.locator("#journal")).to_contain_text("poll of way-b done")


def test_a_connection_is_chosen_and_tells_its_certificates_and_who_vouched(seen: Page) -> None:
    poll(seen)
    seen.locator("#connections").get_by_role("button", name="way-a").click()
    seen.locator("#timeline").get_by_text("certificates, vouched by MaCo key store: mail-root").click()

    expect(seen.locator("#timeline")).to_contain_text("way-a to mail.stadtwerke.example:143")
    expect(seen.locator("#timeline .certificate").first).to_contain_text("CN=maco-lab Mail Intermediate CA")


def test_a_sent_mail_is_told_and_fetched(seen: Page) -> None:
    seen.get_by_role("combobox").select_option("gas@stadtwerke.example")
    seen.get_by_role("button", name="Send a mail").click()
    expect(seen.get_by_role("status")).to_contain_text("gas@stadtwerke.example", timeout=DEADLINE_S * 1000)
    poll(seen)

    expect(seen.get_by_role("status")).to_contain_text("way-b: 1 fetched")


def test_a_poll_that_failed_is_told_with_what_to_look_at(maco_lab: Lab, seen: Page) -> None:
    maco_lab.cloud_connector.withdraw("mail.stadtwerke.example:143")
    poll(seen)

    card = seen.get_by_role("article", name="way-a")
    expect(card).to_contain_text("failed at step 'socks'")
    expect(card).to_contain_text("Look at:")


def focused(seen: Page) -> str:
    name: str = seen.evaluate("() => document.activeElement.textContent.trim() || document.activeElement.id")
    return name


def test_the_keyboard_goes_through_the_page_in_its_order(maco_lab: Lab, seen: Page) -> None:
    for name in ("way-a", "way-b"):
        maco_lab.maco.poll(name)
    expect(seen.locator(".path")).to_have_count(2, timeout=DEADLINE_S * 1000)
    expect(seen.locator("#connections button")).to_have_count(2)
    order = []
    for _ in range(7):
        seen.keyboard.press("Tab")
        order.append(focused(seen).splitlines()[0][:24])

    assert order[:2] == ["Skip to where TLS ended", "Poll now"]
    assert order[2].startswith("strom@")
    assert order[3:6] == ["Send a mail", "TLS sessions, and who vo", "TLS sessions, and who vo"]
    assert order[6].startswith("way-")


def test_enter_polls_and_the_button_keeps_the_focus(seen: Page) -> None:
    seen.get_by_role("button", name="Poll now").focus()
    seen.keyboard.press("Enter")
    expect(seen.get_by_role("status")).to_contain_text("Polled.", timeout=DEADLINE_S * 1000)

    assert focused(seen) == "Poll now"


@pytest.mark.parametrize("width", [390, 768, 1110, 1280])
def test_nothing_is_wider_than_the_window(seen: Page, width: int) -> None:
    poll(seen)
    seen.set_viewport_size({"width": width, "height": 844})
    for summary in seen.locator("summary").all():
        summary.click()

    assert seen.evaluate("() => document.documentElement.scrollWidth") == width


@pytest.mark.usefixtures("mail_waits")
def test_the_pictures_of_the_documentation(seen: Page, tmp_path: Path) -> None:
    poll(seen)
    folder = IMAGES if os.environ.get("MACO_LAB_SCREENSHOTS") else tmp_path
    for name, scheme, width, height in (
        ("page-light", "light", 1280, 1290),
        ("page-dark", "dark", 1280, 1290),
        ("page-narrow", "light", 390, 1150),
    ):
        seen.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        seen.set_viewport_size({"width": width, "height": height})
        seen.screenshot(path=folder / f"{name}.png")
        assert (folder / f"{name}.png").stat().st_size < MAX_IMAGE_BYTES
