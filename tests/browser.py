"""Debian's chromium for tests of pages: what a page complains of, how its texts can be read, and pictures of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.programs import require_program

DEADLINE_S = 20.0
AA = 4.5
"""The least ratio of a text to its ground (WCAG 2.2, success criterion 1.4.3)."""

IMAGES = Path(__file__).parents[1] / "docs/images"
MAX_IMAGE_BYTES = 300_000
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    """Run the browser while the block runs."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_program("chromium"), args=FLAGS)
        yield browser
        browser.close()


@contextlib.contextmanager
def uncomplaining(chromium: Browser, url: str, *, height: int = 1250, expected: str = "") -> Iterator[Page]:
    """Open a page at 1280 pixels; what it complains of fails the test, but for what has ``expected`` in it."""
    viewport = {"width": 1280, "height": height}
    with chromium.new_context(viewport=viewport, ignore_https_errors=True) as context:  # type: ignore[arg-type]
        context.set_default_timeout(DEADLINE_S * 1000)
        complaints: list[str] = []
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(url)
        yield tab
        unexpected = [each for each in complaints if not expected or expected not in each]
        assert unexpected == [], unexpected


def contrasts(tab: Page) -> list[tuple[str, float, str, str]]:
    """Return the ratio of every text that is shown to its ground, in light and in dark."""
    found: list[Any] = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        found += [(scheme, *each) for each in tab.evaluate(CONTRASTS)]
    return found


CONTRASTS = """() => {
  const parsed = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (rgb) => {
    const linear = (each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.map((each) => linear(each / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = parsed(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] === 1) return found.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const spoken = [...document.querySelectorAll("body *:not(svg *)")].filter(
    (each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) && each.checkVisibility(),
  );
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const filled = (shape) => {
    const fill = parsed(getComputedStyle(shape).fill);
    return fill.length === 3 || fill[3] === 1;
  };
  const behind = (text, x, y) => {
    const around = (shape) => {
      const { left, right, top, bottom } = shape.getBoundingClientRect();
      return left <= x && x <= right && top <= y && y <= bottom;
    };
    const earlier = (shape) => shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
    const svg = text.ownerSVGElement;
    const painted = (each) => earlier(each) && around(each) && filled(each);
    const shapes = [...svg.querySelectorAll("rect, circle")].filter(painted);
    return shapes.length ? parsed(getComputedStyle(shapes.at(-1)).fill).slice(0, 3) : ground(svg.parentElement);
  };
  const drawn = [...document.querySelectorAll("svg text")].filter((each) => each.checkVisibility());
  return [
    ...spoken.map((each) => [
      ratio(parsed(getComputedStyle(each).color), ground(each)),
      each.className || each.tagName,
      each.textContent.trim().slice(0, 30),
    ]),
    ...drawn.flatMap((each) => {
      const { left, right, top, bottom } = each.getBoundingClientRect();
      const fill = parsed(getComputedStyle(each).fill);
      return [left + 1, (left + right) / 2, right - 1].map((x) => [
        ratio(fill, behind(each, x, (top + bottom) / 2)),
        `svg ${each.getAttribute("class")}`,
        each.textContent.trim().slice(0, 30),
      ]);
    }),
  ];
}"""
"""The ratio of every text to what is behind it, by the formula of WCAG 2.2.

A text of a drawing has its ``fill``, and behind it, at both its ends and in its middle, is the last shape that was
drawn there before it.
"""


def focused(seen: Page) -> str:
    name: str = seen.evaluate(
        "() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim()"
    )
    return name


def shoot(tab: Page, file: Path, scheme: str, width: int, begin: str = "body", height: int = 1250) -> None:
    """Take a picture of what is to be seen from an element on."""
    tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    tab.set_viewport_size({"width": width, "height": height})
    tab.locator(begin).first.evaluate("(element) => element.scrollIntoView({ behavior: 'instant', block: 'start' })")
    tab.screenshot(path=file)
    assert file.stat().st_size < MAX_IMAGE_BYTES
