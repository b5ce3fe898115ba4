"""The OpenAPI 3.1 document of the mail server's API. Pure."""

from __future__ import annotations

from typing import Any

from maco_http import openapi
from mailserver_sim.api.operations import OPERATIONS

_DESCRIPTION = (
    "The accounts, mailboxes and messages of a mail server, for programs that test with it. It answers this machine "
    "only, under the names 127.0.0.1 and localhost, and refuses requests that the page of another web site makes. "
    "No answer holds a password."
)


def document() -> dict[str, Any]:
    """Return the document."""
    return openapi.document("maco-lab mail server", _DESCRIPTION, OPERATIONS)
