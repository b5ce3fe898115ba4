"""The OpenAPI 3.1 document of the lab page's API. Pure."""

from __future__ import annotations

from typing import Any

from maco_http import openapi
from maco_lab.page.operations import OPERATIONS

_DESCRIPTION = (
    "What a running lab is made of and what it shows. It answers this machine only, under the names 127.0.0.1 and "
    "localhost, and refuses requests that the page of another web site makes. No answer holds a password, a client "
    "secret, a token or a private key."
)


def document() -> dict[str, Any]:
    """Return the document."""
    return openapi.document("maco-lab", _DESCRIPTION, OPERATIONS)
