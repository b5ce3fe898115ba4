"""The table of ``docs/rest-api.md``: each endpoint of the catalogue with what our code does about it.

Write it anew by ``python -m tests.connector_sim.admin.coverage``.
"""

from __future__ import annotations

from pathlib import Path

from connector_sim.admin.dropped import is_dropped
from connector_sim.admin.endpoints import ENDPOINTS
from tests.connector_sim.admin.catalogue import ALL, Fact, facts, ours

PAGE = Path(__file__).parents[3] / "docs" / "rest-api.md"
BEGIN, END = "<!-- endpoints: begin -->\n", "<!-- endpoints: end -->\n"

SERVED = {(each.method, each.path): each for each in ENDPOINTS}
STATES = {
    "acts": "acts",
    "as it is": "takes only what is so",
    "empty": "always empty",
    "stored": "stored",
    "dropped": "410",
    None: "not offered",
}
_SHORT = {
    "sccadmin": "A", "sccassocadmin": "AA", "sccsubadmin": "SA", "sccsupport": "S", "sccdisplay": "D",
    "sccmonitoring": "M", "token": "a token",
}  # fmt: skip


def state(fact: Fact) -> str:
    """Return what our code does about an endpoint."""
    served = SERVED.get((fact.method, fact.path.partition("?")[0]))
    if served is None:
        return STATES["dropped" if is_dropped(fact.path) else None]
    return STATES[served.state]


def _roles(fact: Fact) -> str:
    if not fact.roles:
        return "no login"
    return "all" if fact.roles == ALL else " ".join(_SHORT[role] for role in fact.roles)


def table() -> str:
    """Return the counts and the table."""
    listed = [*facts(), *ours()]
    lines = [f"| mark | {' | '.join(STATES.values())} |", f"|---|{'---|' * len(STATES)}"]
    for mark in ("MUST", "SHOULD", "OUT"):
        states = [state(each) for each in listed if each.mark == mark]
        lines.append(f"| {mark} | " + " | ".join(str(states.count(each)) for each in STATES.values()) + " |")
    lines += ["", "| mark | endpoint | roles | state |", "|---|---|---|---|"]
    for each in listed:
        lines.append(f"| {each.mark} | {each.method} `{each.path}` | {_roles(each)} | {state(each)} |")
    return "\n".join(lines) + "\n"


def page(current: str) -> str:
    """Return the page with the table as it is now."""
    head, _, rest = current.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
