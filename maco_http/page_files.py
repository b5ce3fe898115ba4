"""The files of a page, read from packages once: no path of a request ever reaches the disk. Pure but for that.

What every page of this project shares (makers of elements, colours and type) is in ``maco_http`` itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources

SHARED = "maco_http"
"""The package whose files every page has."""

TYPES: Mapping[str, str] = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""What binds the browser that gets a page: only the page's own files, no script inside the markup, no frame."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file; ``content_type`` has the charset, since all of them are text."""

    name: str
    content: bytes = field(repr=False)
    content_type: str


def page_files(*packages: str) -> list[PageFile]:
    """Return the files in the folder ``assets`` of these packages, and the shared ones."""
    return [each for package in (SHARED, *packages) for each in _of(package)]


def _of(package: str) -> Iterator[PageFile]:
    for each in (resources.files(package) / "assets").iterdir():
        kind = TYPES.get(each.name[each.name.rfind(".") :])
        if kind:
            yield PageFile(each.name, each.read_bytes(), f"{kind}; charset=utf-8")
