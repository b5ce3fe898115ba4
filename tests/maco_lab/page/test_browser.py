"""The page in Debian's chromium: polls by click, shows both ways with the lock where it is, works by keyboard.

With ``MACO_LAB_SCREENSHOTS=1`` the pictures of docs/page.md are written anew.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from maco_lab.background import background_loop
from maco_lab.page.serving import PageSocket
from maco_lab.testing.lab import Lab
from maco_lab.topology import RunningLab
from tests.browser import AA, DEADLINE_S, IMAGES, contrasts, focused, shoot, uncomplaining
from tests.maco_lab.page.client import PageClient
from tests.maco_lab.taps.tapped_labs import tapped_lab

pytestmark = pytest.mark.real


@pytest.fixture
def seen(chromium: Browser, page: PageClient) -> Iterator[Page]:
    """Open the page of a lab without taps."""
    with opened(chromium, page.url) as tab:
        yield tab


@pytest.fixture(scope="module")
def tapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with tapped_lab(tmp_path_factory.mktemp("tapped")) as lab:
        yield dataclasses.replace(lab, file=dataclasses.replace(lab.file, name="lab.yaml"))


@pytest.fixture
def seen_tapped(chromium: Browser, tapped: RunningLab) -> Iterator[Page]:
    """Open the page of a lab with taps; every connection has been polled."""
    background_loop().run(tapped.seed_mail())
    taken = PageSocket(0)
    with background_loop().enter(taken.served_now(tapped)):
        url = f"http://{taken.address[0]}:{taken.address[1]}"
        with opened(chromium, url) as tab:
            poll(tab)
            yield tab


@contextlib.contextmanager
def opened(chromium: Browser, url: str) -> Iterator[Page]:
    """Open a page that follows the lab; what it complains of fails the test."""
    with uncomplaining(chromium, url) as tab:
        expect(tab.get_by_text("follows the lab", exact=True)).to_be_visible(timeout=DEADLINE_S * 1000)
        yield tab


def poll(seen: Page) -> None:
    seen.get_by_role("button", name="Poll now", exact=True).click()
    expect(seen.locator("#told")).to_contain_text("Polled.", timeout=DEADLINE_S * 1000)
    expect(seen.locator(".path")).to_have_count(2, timeout=DEADLINE_S * 1000)


@pytest.mark.usefixtures("mail_waits")
def test_a_click_polls_and_both_ways_are_shown_with_the_lock_where_it_is(seen: Page) -> None:
    expect(seen.locator("#sights")).to_contain_text("No poll has ended yet.")
    poll(seen)

    way_a, way_b = (seen.locator(f"article[aria-labelledby='sight-{name}'] .path") for name in ("way-a", "way-b"))
    expect(seen.get_by_role("status")).to_have_text("Polled. way-a: 1 fetched, way-b: 1 fetched")
    expect(way_a).to_contain_text("TLS 1.3 from end to end: MaCo with Mail server")
    expect(way_a).not_to_contain_text("in clear")
    expect(way_a.get_by_text("could not read it")).to_have_count(2)
    expect(way_a.locator("text.tap")).to_have_text(["only the token", "nothing secret", "nothing secret"])
    expect(way_b).to_contain_text("in clear; across the internet only the tunnel protects it")
    expect(way_b.get_by_text("could read password")).to_have_count(4)
    expect(way_b.locator("text.tap").first).to_have_text("password, mail and token")


OVERLAPS = """() => [...document.querySelectorAll(".path")].flatMap((path) => {
  const of = (each) => each.getBoundingClientRect();
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const texts = [...path.querySelectorAll("text")];
  const zones = [...path.querySelectorAll(".zone")];
  const edges = zones.flatMap((zone) => [of(zone).left, of(zone).right]);
  const crossing = texts.filter((each) => each.textContent.startsWith("could ") &&
    edges.some((edge) => of(each).left < edge && edge < of(each).right));
  const outside = texts.filter((each) => of(each).left < of(path).left || of(each).right > of(path).right);
  const meeting = texts.filter((each, i) => texts.slice(i + 1).some((other) => meet(of(each), of(other))));
  return [...crossing, ...outside, ...meeting].map((each) => each.textContent);
})"""
"""The words on a path that cross the edge of the cloud or of the premises, leave the picture, or lie on other words."""


@pytest.mark.usefixtures("mail_waits")
@pytest.mark.parametrize("width", [1280, 390])
def test_no_words_on_a_path_lie_on_others_or_cross_the_edge_of_the_cloud(seen: Page, width: int) -> None:
    seen.set_viewport_size({"width": width, "height": 844})
    poll(seen)

    expect(seen.locator("text.tap")).to_have_count(6)
    assert seen.evaluate(OVERLAPS) == []


# In one call: the card is drawn anew while the lab moves on, and a box that is gone by then has no place.
EDGES = """(card) => {
  const edges = (selector) => [...card.querySelectorAll(selector)].map((each) => {
    const { left, right } = each.getBoundingClientRect();
    return [left, right];
  });
  return { systems: edges(".path .box"), clear: edges(".bar.clear"), encrypted: edges(".bar.enc") };
}"""


@pytest.mark.usefixtures("mail_waits")
def test_the_bar_of_a_session_reaches_from_one_end_to_the_other(seen: Page) -> None:
    poll(seen)
    edges = seen.locator("article[aria-labelledby='sight-way-b']").evaluate(EDGES)
    maco, _, connector, mail_server = [(left + right) / 2 for left, right in edges["systems"][:4]]

    (clear,) = edges["clear"]
    (session,) = [bar for bar in edges["encrypted"] if bar[1] > connector + 20]
    assert clear == pytest.approx([maco, connector], abs=3)
    assert session == pytest.approx([connector, mail_server], abs=3)


def test_what_happens_in_the_lab_is_shown_without_a_click(maco_lab: Lab, seen: Page) -> None:
    maco_lab.maco.poll("way-b")

    expect(card(seen, "way-b")).to_be_visible(timeout=DEADLINE_S * 1000)
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

    expect(card(seen, "way-a")).to_contain_text("failed at step 'socks'")
    expect(card(seen, "way-a")).to_contain_text("Look at")


def card(tab: Page, name: str) -> Locator:
    return tab.locator(f"article[aria-labelledby='sight-{name}']")


def answer(tab: Page, name: str, question: str) -> Locator:
    """Return what stands below a question in the plain words of an e-mail connection."""
    return tab.locator(f"article[aria-labelledby='plain-{name}'] dl > div").filter(has_text=question).locator("dd")


@pytest.mark.usefixtures("mail_waits")
def test_a_newcomer_reads_who_could_read_the_password_and_where_the_root_certificate_goes(seen: Page) -> None:
    poll(seen)

    reads, root = "Who could read the password?", "Where does the root certificate go?"
    expect(answer(seen, "way-a", reads).locator(".item")).to_have_text(["MaCo", "Mail server"])
    expect(answer(seen, "way-a", "Who could not?").locator(".item")).to_have_text(
        ["Connectivity service", "Cloud Connector", "whoever taps a network"]
    )
    expect(answer(seen, "way-a", "What could somebody read").locator(".item")).to_have_text(
        ["cloud network: only the token", "tunnel: nothing secret", "customer LAN: nothing secret"]
    )
    expect(answer(seen, "way-a", root)).to_contain_text("Into MaCo's key store.")
    expect(answer(seen, "way-b", reads).locator(".item")).to_have_text(
        ["MaCo", "Connectivity service", "Cloud Connector", "Mail server", "whoever taps the cloud network"]
    )
    expect(answer(seen, "way-b", "What could somebody read")).to_contain_text("cloud network: password, mail and token")
    expect(answer(seen, "way-b", "Who could not?")).to_have_text("whoever taps the tunnel or the customer LAN")
    expect(answer(seen, "way-b", root)).to_contain_text("Into the Cloud Connector's back-end trust store.")


def test_a_tap_that_no_mail_passed_is_not_said_to_read_one(seen: Page) -> None:
    poll(seen)

    expect(answer(seen, "way-b", "What could somebody read")).to_contain_text("cloud network: password and token")


def hop(tab: Page, name: str, number: int) -> Locator:
    return tab.locator(f"[data-hop='{name} {number}']")


def test_a_click_on_a_hop_shows_its_bytes_beside_those_of_the_next_one_without_a_secret(
    tapped: RunningLab, seen_tapped: Page
) -> None:
    background_loop().run(tapped.maco.poll("way-b"))  # alone: nothing else is in the tunnel
    hop(seen_tapped, "way-b", 1).click()
    wires = card(seen_tapped, "way-b").get_by_role("region", name="Bytes on the way of way-b")

    expect(wires).to_contain_text("AUTHENTICATE PLAIN")
    expect(wires).to_contain_text("application data, TLS of Cloud Connector with Connectivity service")
    markup = seen_tapped.content()
    lines = [account.mail_line.value for account in tapped.canaries]
    sent = base64.b64encode(b"\0gas@stadtwerke.example\0Gas0815Postfach").decode()[
        -20:
    ]  # RFC 4616; the password's part
    for secret in ("Strom4711Postfach", "Gas0815Postfach", sent, "lab-secret-of-maco", "eyJ", *lines):
        assert secret not in markup


def test_enter_opens_a_hop_and_escape_goes_back_to_it(seen_tapped: Page) -> None:
    hop(seen_tapped, "way-a", 3).focus()
    seen_tapped.keyboard.press("Enter")
    wires = card(seen_tapped, "way-a").get_by_role("region", name="Bytes on the way of way-a")
    expect(wires).to_be_focused()
    expect(wires).to_contain_text("handshake: ClientHello, TLS of MaCo with Mail server")
    seen_tapped.keyboard.press("Escape")

    expect(wires).to_have_count(0)
    expect(hop(seen_tapped, "way-a", 3)).to_be_focused()


def test_without_taps_a_hop_says_how_to_turn_them_on(seen: Page) -> None:
    poll(seen)
    hop(seen, "way-a", 2).click()

    expect(card(seen, "way-a")).to_contain_text("Start the lab with `maco-lab up --tap`")


def test_a_scenario_is_switched_by_keyboard_and_both_ends_tell_what_they_saw(seen: Page) -> None:
    switch = seen.get_by_role("switch", name="It has expired")
    switch.focus()
    seen.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "true", timeout=DEADLINE_S * 1000)
    expect(switch).to_be_focused()
    seen.get_by_role("button", name="Poll now to see it").click()

    expect(card(seen, "way-a")).to_contain_text("sent the alert certificate_expired", timeout=DEADLINE_S * 1000)
    expect(card(seen, "way-a")).to_contain_text("received the alert certificate_expired", timeout=DEADLINE_S * 1000)
    expect(answer(seen, "way-a", "Who could read the password?")).to_have_text(
        "Nobody: the poll ended before it was sent."
    )
    seen.get_by_role("button", name="Switch it off").click()
    expect(seen.get_by_role("region", name="The scenario that is on")).to_be_hidden(timeout=DEADLINE_S * 1000)
    poll(seen)
    expect(card(seen, "way-a")).to_contain_text("TLS from MaCo to the mail server, end to end")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.usefixtures("mail_waits")
def test_an_impostor_is_drawn_in_the_mail_servers_place_with_what_it_read(seen: Page, width: int) -> None:
    seen.set_viewport_size({"width": width, "height": 844})
    seen.get_by_role("switch", name="Trust all back ends").click()
    expect(seen.locator("#scenarios .on")).to_be_visible(timeout=DEADLINE_S * 1000)
    poll(seen)
    way_b = card(seen, "way-b")

    expect(way_b.locator(".path .name").last).to_contain_text("Impostor")
    expect(way_b.locator(".path")).to_contain_text(
        {1280: "in the mail server's place", 390: "as the mail server"}[width]
    )
    expect(way_b.locator(".path")).not_to_contain_text("Mail server")
    expect(way_b.locator(".verdict")).to_contain_text("to an impostor in the mail server's place")
    expect(answer(seen, "way-b", "What did the impostor read?").locator(".item")).to_have_text(
        ["the password", "the mail"]
    )
    expect(answer(seen, "way-a", "What did the impostor read?")).to_have_text("Neither password nor mail.")
    expect(seen.locator("#systems")).to_contain_text("Impostor")
    assert seen.evaluate(OVERLAPS) == []
    seen.get_by_role("button", name="Switch it off").click()
    expect(seen.locator("#systems")).not_to_contain_text("Impostor", timeout=DEADLINE_S * 1000)


def test_every_text_that_is_shown_has_the_contrast_of_aa(seen_tapped: Page) -> None:
    hop(seen_tapped, "way-b", 1).click()
    expect(seen_tapped.locator(".moments").first).to_be_visible()
    seen_tapped.get_by_role("switch", name="The mapping is missing").click()
    expect(seen_tapped.locator("#scenarios .on")).to_be_visible(timeout=DEADLINE_S * 1000)
    found = contrasts(seen_tapped)

    assert len(found) > 200
    assert len([each for each in found if each[2].startswith("svg ")]) > 100
    assert [each for each in found if each[1] < AA] == []


@pytest.mark.parametrize("width", [1280, 390])
def test_every_text_of_a_path_has_the_contrast_of_aa_whatever_the_poll_showed(seen: Page, width: int) -> None:
    seen.set_viewport_size({"width": width, "height": 844})
    kinds = set()
    for scenario in ("STARTTLS Optional", "Trust all back ends", "It has expired"):
        seen.get_by_role("switch", name=scenario).click()
        expect(seen.locator("#scenarios .on")).to_contain_text(scenario, timeout=DEADLINE_S * 1000)
        poll(seen)
        drawn = [each for each in contrasts(seen) if each[2].startswith("svg ")]
        kinds |= {word for each in drawn for word in each[2].split()}
        assert [each for each in drawn if each[1] < AA] == []

    assert kinds >= {"enc", "clear", "failed", "name", "hop-name", "tap"}


def test_a_text_of_a_drawing_is_held_against_the_shape_behind_it(seen: Page) -> None:
    # At the end of the body, where no answer that is still on its way redraws over it.
    seen.locator("body").evaluate(
        """(body) => body.insertAdjacentHTML("beforeend", `<svg width="200" height="40">
          <rect width="200" height="40" fill="#ffffff"/><rect x="150" width="50" height="40" fill="#222222"/>
          <text x="2" y="20" fill="#222222" font-size="12">on white, and its end in the dark</text></svg>`)"""
    )
    found = [each for each in contrasts(seen) if each[3].startswith("on white")]

    assert [round(each[1], 1) for each in found[:3]] == [15.9, 15.9, 1.0]


def test_the_keyboard_goes_through_the_page_in_its_order(maco_lab: Lab, seen: Page) -> None:
    for name in ("way-a", "way-b"):
        maco_lab.maco.poll(name)
    expect(seen.locator(".path")).to_have_count(2, timeout=DEADLINE_S * 1000)
    expect(seen.locator("#connections button")).to_have_count(2)
    order = []
    for _ in range(13):
        seen.keyboard.press("Tab")
        order.append(focused(seen).splitlines()[0][:25])

    assert order[:2] == ["Skip to who could read th", "Poll now"]
    assert order[2].startswith("strom@")
    of_a_path = [
        "cloud network: show the b",
        "tunnel: show the bytes as",
        "customer LAN: show the by",
        "TLS sessions, and who vou",
    ]
    assert order[3:12] == ["Send a mail", *of_a_path, *of_a_path]
    assert order[12] == "STARTTLS Optional, and ST"


def test_enter_polls_and_the_button_keeps_the_focus(seen: Page) -> None:
    seen.get_by_role("button", name="Poll now").focus()
    seen.keyboard.press("Enter")
    expect(seen.get_by_role("status")).to_contain_text("Polled.", timeout=DEADLINE_S * 1000)

    assert focused(seen) == "Poll now"


def test_nothing_is_wider_than_the_window(seen_tapped: Page) -> None:
    hop(seen_tapped, "way-b", 1).click()
    expect(seen_tapped.locator(".moments").first).to_be_visible()
    for summary in seen_tapped.locator("summary").all():
        summary.click()
    widths = [390, 768, 1110, 1280]
    found = []
    for width in widths:
        seen_tapped.set_viewport_size({"width": width, "height": 844})
        found.append(seen_tapped.evaluate("() => document.documentElement.scrollWidth"))

    assert found == widths


def test_who_reads_the_bytes_stays_where_he_is_until_there_is_a_newer_poll(
    tapped: RunningLab, seen_tapped: Page
) -> None:
    hop(seen_tapped, "way-b", 1).click()
    place = seen_tapped.locator(".wires").get_by_role("status")
    seen_tapped.locator(".wires").get_by_role("button", name="Later").click()
    expect(place).to_contain_text("13 to")
    with seen_tapped.expect_response("**/api/sights/way-b/hop*") as read_anew:
        background_loop().run(tapped.maco.poll("way-a"))

    assert "offset=12&" in read_anew.value.url
    expect(place).to_contain_text("13 to")
    background_loop().run(tapped.maco.poll("way-b"))
    expect(place).to_contain_text("1 to", timeout=DEADLINE_S * 1000)


def test_the_pictures_of_the_documentation(tapped: RunningLab, seen_tapped: Page, tmp_path: Path) -> None:
    folder = IMAGES if os.environ.get("MACO_LAB_SCREENSHOTS") else tmp_path
    for scheme in ("light", "dark"):
        shoot(seen_tapped, folder / f"page-{scheme}.png", scheme, 1280, height=1400)
        shoot(seen_tapped, folder / f"page-narrow-{scheme}.png", scheme, 390)
    background_loop().run(tapped.maco.poll("way-b"))  # alone: nothing else is in the tunnel
    hop(seen_tapped, "way-b", 1).click()
    seen_tapped.locator(".wires").get_by_role("button", name="Later").click()
    expect(seen_tapped.locator(".wires").get_by_role("status")).to_contain_text("13 to")
    seen_tapped.locator(".wires").get_by_role("button", name="Earlier").click()
    expect(seen_tapped.locator(".wires").get_by_role("status")).to_contain_text("1 to")
    shoot(seen_tapped, folder / "bytes-light.png", "light", 1280, "[aria-labelledby='sight-way-b'] .wires", height=1750)
    shoot(seen_tapped, folder / "bytes-narrow-dark.png", "dark", 390, ".moments > li:has-text('CAPABILITY')")
    seen_tapped.get_by_role("switch", name="It has expired").click()
    expect(seen_tapped.locator("#banner")).to_be_visible(timeout=DEADLINE_S * 1000)
    poll(seen_tapped)
    expect(card(seen_tapped, "way-b")).to_contain_text("received the alert", timeout=DEADLINE_S * 1000)
    shoot(seen_tapped, folder / "scenario-dark.png", "dark", 1280)
    shoot(seen_tapped, folder / "scenarios-light.png", "light", 1280, "[aria-labelledby='scenarios-title']")
    seen_tapped.get_by_role("switch", name="Trust all back ends").click()
    expect(seen_tapped.locator("#banner")).to_contain_text("impostor", timeout=DEADLINE_S * 1000)
    poll(seen_tapped)
    expect(card(seen_tapped, "way-b")).to_contain_text("Impostor", timeout=DEADLINE_S * 1000)
    shoot(seen_tapped, folder / "impostor-light.png", "light", 1280, "[aria-labelledby='sight-way-b']", height=520)
