"""Plain tables for a terminal: columns of text, as wide as they need to be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GAP = "  "


def table(heading: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> str:
    """Return the rows below their heading; ``empty`` if there is none. Some of the text may be a peer's."""
    shown = [[printable(str(cell)) for cell in row] for row in rows]
    if not shown:
        return empty
    lines = [list(heading), *shown]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def fields(pairs: Iterable[tuple[str, object]]) -> str:
    """Return one thing as lines of name and value."""
    named = [(name, printable(str(value))) for name, value in pairs]
    width = max((len(name) for name, _ in named), default=0)
    return "\n".join(f"{name.ljust(width)}{GAP}{value}".rstrip() for name, value in named)


def printable(text: str) -> str:
    """Return ``text`` without control characters: terminals obey them."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
