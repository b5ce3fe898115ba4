"""What the product had once and answers with 410 since: the recovery of a subaccount, whatever is asked of it. Pure."""

from __future__ import annotations

import http
import re

from connector_sim.admin.errors import ErrorType, Refused

_RECOVERY = re.compile(r"/api/v1/configuration/subaccounts/[^/]+/[^/]+/recovery.*")
SINCE = "2.16"


def is_dropped(path: str) -> bool:
    """Tell whether a path is one of those."""
    return _RECOVERY.fullmatch(path) is not None


def nothing_at(path: str) -> Refused:
    """Return the refusal of a path that leads to no endpoint."""
    if is_dropped(path):
        return Refused(ErrorType.ERROR, f"{path} was dropped in version {SINCE}", status=http.HTTPStatus.GONE)
    return Refused(ErrorType.ERROR, f"There is no {path}", status=http.HTTPStatus.NOT_FOUND)
