"""Results of reachability checks for a person: a table, and below it what helps where something is wrong.

Only prints; ``connector_sim.admin.check_shape`` has the shape of a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from maco_lab.story import printable
from maco_lab.styles import CLEAR, ENCRYPTED

_STYLES = {"Reachable": ENCRYPTED, "Warning": CLEAR}


def print_checks(console: Console, checks: Sequence[Mapping[str, Any]], *, with_details: bool = False) -> None:
    """Print a table of all, and a paragraph for each one that is not reachable; ``with_details`` for every one."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Cloud Connector, virtual", "Internal", "Protocol", "Result"):
        table.add_column(heading, overflow="fold")
    shown = ""
    for each in checks:
        connector, result = f"{each['connector']} ({each['subaccount']})", str(each["result"])
        if connector != shown:
            table.add_row(_text(connector), style="bold")
            shown = connector
        cells = [f"  {each['virtual']}", each["internal"], _protocol(each)]
        table.add_row(*map(_text, cells), Text(result, _STYLES.get(result, "")))
    console.print(table)
    for each in checks:
        if with_details or each["result"] != "Reachable":
            _print_details(console, each)


def _print_details(console: Console, check: Mapping[str, Any]) -> None:
    console.print()
    console.print(_text(check["virtual"]), style="bold")
    for line in _details(check):
        console.print(Padding(_text(line), (0, 0, 0, 2)))


def _details(check: Mapping[str, Any]) -> Iterator[str]:
    if not check["ports"]:
        yield check["message"]
    for port in check["ports"]:
        yield port["message"]
        if port["tls"] is not None:
            yield from _certificates(port["tls"])
    if check["portsNotTried"]:
        yield f"{check['portsNotTried']} other ports of the range were not tried."


def _certificates(tls: Mapping[str, Any]) -> Iterator[str]:
    for each in tls["chain"]:
        kept = ", in the trust store" if each["inStore"] else ""
        yield f"sent by the server: {each['role']} {each['subjectDN']}{kept}"
    for each in tls["missing"]:
        sent = "" if each["wasSent"] else ", not sent by the server"
        yield f"would do in the trust store: {each['role']} {each['subjectDN']}{sent}"


def _protocol(check: Mapping[str, Any]) -> str:
    return "TCP TLS" if check["protocol"] == "TCPS" else str(check["protocol"])


def _text(text: str) -> Text:
    """Return a text without mark-up or control characters: some of it was said by a peer."""
    return Text(printable(text))
