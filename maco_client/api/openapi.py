"""The OpenAPI 3.1 document of MaCo's API. Pure."""

from __future__ import annotations

from typing import Any

from maco_client.api.operations import OPERATIONS
from maco_http import openapi

_DESCRIPTION = (
    "MaCo's key store, security material, e-mail servers, e-mail connections, polls and inbox, while it runs. What is "
    "changed counts from the next poll on. It answers this machine only, under the names 127.0.0.1 and localhost, and "
    "refuses requests that the page of another web site makes. No answer holds a secret."
)


def document() -> dict[str, Any]:
    """Return the document."""
    return openapi.document("maco-lab MaCo", _DESCRIPTION, OPERATIONS)
