"""Who may call which endpoint, as the facts have it and for the paths of our own: the expectation that is compared."""

from __future__ import annotations

from collections.abc import Mapping

from tests.connector_sim.admin.catalogue import facts, ours
from tests.connector_sim.admin.settings import CONFIGURED, REGION

KNOWN: Mapping[str, str] = {
    "region_host": REGION,
    "subaccount": CONFIGURED,
    "virtual": "mailbox.virtual:993",
    "alias": "trustedbackend.1.1",
}
"""What names in paths stand for in the lab of these tests; any other name leads to nothing."""


def named(path: str, names: Mapping[str, str]) -> str:
    """Return a path with values for its names; those that are not there lead to nothing."""
    parts = (names.get(part[1:-1], "nothing") if part.startswith("{") else part for part in path.split("/"))
    return "/".join(parts)


def allowed() -> dict[tuple[str, str], frozenset[str]]:
    """Return the roles that may call each endpoint; none at all where nobody signs in."""
    return {(each.method, each.path.partition("?")[0]): frozenset(each.roles) for each in (*facts(), *ours())}
