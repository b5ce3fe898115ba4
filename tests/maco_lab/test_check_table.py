"""What `maco-lab check` prints, from results as the API shapes them."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from maco_lab.check_table import print_checks

REACHED: dict[str, Any] = {
    "connector": "scc",
    "subaccount": "stadtwerke",
    "virtual": "mail.virtual:143",
    "internal": "mail.example:143",
    "protocol": "TCP",
    "result": "Reachable",
    "message": "Connected with mail.example:143 in 1 ms.",
    "portsNotTried": 0,
    "ports": [{"message": "Connected with mail.example:143 in 1 ms.", "tls": None}],
}
TLS: dict[str, Any] = {
    "chain": [{"role": "server", "subjectDN": "CN=mail\x1b[31m", "inStore": False}],
    "missing": [
        {"role": "issuer", "subjectDN": "CN=Root", "wasSent": False},
        {"role": "server", "subjectDN": "CN=mail", "wasSent": True},
    ],
}
UNTRUSTED = REACHED | {
    "virtual": "mail.virtual:993",
    "protocol": "TCPS",
    "result": "Warning",
    "portsNotTried": 6,
    "ports": [{"message": "refused [bold]", "tls": TLS}],
}
UNCHECKED = REACHED | {"virtual": "late.virtual:1", "result": "Unchecked", "message": "Not checked.", "ports": []}


def printed(*checks: dict[str, Any], with_details: bool = False) -> list[str]:
    out = io.StringIO()
    print_checks(Console(file=out, width=120), checks, with_details=with_details)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_what_is_reachable_is_one_row() -> None:
    assert printed(REACHED, REACHED) == [
        "Cloud Connector, virtual  Internal          Protocol  Result",
        "scc (stadtwerke)",
        "  mail.virtual:143        mail.example:143  TCP       Reachable",
        "  mail.virtual:143        mail.example:143  TCP       Reachable",
    ]


def test_what_is_not_has_its_reasons_below_without_control_characters_or_mark_up() -> None:
    lines = printed(UNTRUSTED)

    assert lines[2].endswith("TCP TLS   Warning")
    assert lines[3:] == [
        "",
        "mail.virtual:993",
        "  refused [bold]",
        "  sent by the server: server CN=mail\N{REPLACEMENT CHARACTER}[31m",
        "  would do in the trust store: issuer CN=Root, not sent by the server",
        "  would do in the trust store: server CN=mail",
        "  6 other ports of the range were not tried.",
    ]


def test_what_was_not_checked_says_so() -> None:
    assert printed(UNCHECKED)[3:] == ["", "late.virtual:1", "  Not checked."]


def test_one_mapping_has_its_details_in_any_case() -> None:
    assert printed(REACHED, with_details=True)[3:] == [
        "",
        "mail.virtual:143",
        "  Connected with mail.example:143 in 1 ms.",
    ]
