"""From a path to the endpoints that it leads to. Pure.

``onPremise`` in a path is the older word for ``onPremises``, and still taken (since 2.18). Segments are compared as
text and decoded only where they are values.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable

from connector_sim.admin.endpoint import Endpoint, Found

METHODS = ("DELETE", "POST", "GET", "OPTIONS", "PATCH", "PUT")
"""In the order of the one ``Allow`` that was recorded, which is that of a Java hash set."""

_ALSO = {"onPremise": "onPremises"}


class Router:
    """Knows every endpoint."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        """Take every endpoint. Raises ValueError for one that is there twice."""
        by_template: dict[tuple[str, ...], dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            methods = by_template.setdefault(tuple(endpoint.path.split("/")), {})
            if endpoint.method in methods:
                raise ValueError(f"{endpoint.method} {endpoint.path} is there twice")
            methods[endpoint.method] = endpoint
        self._by_length: dict[int, list[tuple[tuple[str, ...], dict[str, Endpoint]]]] = {}
        for template in sorted(by_template, key=_names):  # one without names comes before those that have some
            self._by_length.setdefault(len(template), []).append((template, by_template[template]))

    def find(self, path: str) -> Found | None:
        """Return what a path leads to."""
        segments = path.split("/")
        for template, methods in self._by_length.get(len(segments), ()):
            if all(_fits(part, segment) for part, segment in zip(template, segments, strict=True)):
                named = zip(template, segments, strict=True)
                values = {part[1:-1]: urllib.parse.unquote(each) for part, each in named if part.startswith("{")}
                return Found(methods, values)
        return None


def _names(template: tuple[str, ...]) -> int:
    return sum(part.startswith("{") for part in template)


def _fits(part: str, segment: str) -> bool:
    return bool(segment) if part.startswith("{") else part == _ALSO.get(segment, segment)


def allowed(found: Found) -> str:
    """Return the value of ``Allow``; OPTIONS is answered everywhere."""
    return ",".join(method for method in METHODS if method in found.methods or method == "OPTIONS")
