"""What every page shares: contrast that everybody can read, in light and in dark (WCAG 2.2, criterion 1.4.3)."""

from __future__ import annotations

import re
from importlib import resources

import pytest

AA = 4.5
STYLE = (resources.files("maco_http") / "assets" / "base.css").read_text(encoding="utf-8")
PAIRS = [
    *((text, ground) for text in ("ink", "muted", "accent") for ground in ("bg", "card")),
    *((text, ground) for text in ("enc", "clear", "failed") for ground in ("bg", "card", "sunk")),
    *(("ink", "sunk"), ("muted", "sunk"), ("on-accent", "accent"), ("ink", "failed-fill"), ("accent", "enc-fill")),
    *((kind, f"{kind}-fill") for kind in ("enc", "clear", "failed")),
]


def colours(scheme: str) -> dict[str, str]:
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", light))
    assert len(found) > 12
    return found if scheme == "light" else found | dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark))


def luminance(colour: str) -> float:
    """Return the relative luminance, by the formula of WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(scheme: str, text: str, ground: str) -> None:
    found = colours(scheme)
    dark, light = sorted(luminance(found[name]) for name in (text, ground))

    assert (light + 0.05) / (dark + 0.05) >= AA


def test_black_on_white_has_the_ratio_of_the_standard() -> None:
    assert (luminance("#ffffff") + 0.05) / (luminance("#000000") + 0.05) == pytest.approx(21)
