"""What is told in colour can be read on white and on black, and no name of a colour is left to the terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.color import Color, ColorType
from rich.style import Style

import maco_lab
from maco_lab import styles

STYLES = {name: value for name, value in vars(styles).items() if name.isupper()}
LEAST = 4.0
"""The least ratio to both grounds; no colour has more than 4.58 to both, the root of the 21 between them."""

TERMINALS_OWN = re.compile(r"[\"' ](yellow|green|red|magenta|blue|cyan|white|black)[\"']")


def luminance(color: Color) -> float:
    """Return the relative luminance of WCAG 2.2."""

    def linear(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = color.get_truecolor()
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


@pytest.mark.parametrize("name", STYLES)
def test_a_style_is_readable_on_a_light_and_on_a_dark_ground(name: str) -> None:
    color = Style.parse(STYLES[name]).color
    assert color is not None
    assert color.type is ColorType.EIGHT_BIT, "the first sixteen are the terminal's to choose"
    assert color.number is not None
    assert color.number > 15
    light = luminance(color)

    assert min(1.05 / (light + 0.05), (light + 0.05) / 0.05) >= LEAST


def test_what_is_in_clear_is_bold_too() -> None:
    assert Style.parse(styles.CLEAR).bold


def test_no_module_names_a_colour_of_its_own() -> None:
    texts = {each.name: each.read_text(encoding="utf-8") for each in Path(maco_lab.__file__).parent.rglob("*.py")}
    found = {name: TERMINALS_OWN.findall(text) for name, text in texts.items() if "from rich." in text}

    assert len(found) > 5
    assert {name: colours for name, colours in found.items() if colours} == {}
