"""Name and password of a Basic header (RFC 7617)."""

from __future__ import annotations

import base64

from connector_sim.http_server import HttpRequest


def basic_pair(request: HttpRequest) -> tuple[str, str]:
    """Return name and password; two empty texts where there are none."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # no Base64, or no UTF-8 in it
        return "", ""
    return name, password
