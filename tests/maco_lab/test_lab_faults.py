"""Scripted misbehaviour of the mail server in the lab file: errors are told by their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from maco_lab.lab_file import LabFileError, default_text, parse_lab
from maco_lab.parties import mail_server_settings
from mailserver_sim.faults.plan import Fault

AT = "mail_server:\n"


def lab_with(faults: str) -> str:
    return default_text().replace(AT, f"{AT}  faults:\n{faults}")


def error(faults: str) -> str:
    with pytest.raises(LabFileError) as caught:
        parse_lab(lab_with(faults), name="lab.yaml", folder=Path())
    return str(caught.value)


def test_faults_reach_the_settings_of_the_mail_server() -> None:
    text = lab_with("  - {step: starttls.refused, count: 2, after: 1, protocol: imap, parameters: {answer: BAD}}\n")
    file = parse_lab(text, name="lab.yaml", folder=Path())

    settings, _ = mail_server_settings(file.model.mail_server, Path(), Path("store"), free_ports=True)

    assert settings.faults == (Fault("starttls.refused", 2, 1, "imap", {"answer": "BAD"}),)


@pytest.mark.parametrize(
    ("fault", "at", "told"),
    [
        ("step: login.lost", "login.lost", "step: found 'login.lost', allowed: greeting.bye, greeting.preauth, "),
        ("step: login.refused, protocol: pop", "pop", "protocol: found 'pop', allowed for login.refused: imap, imaps"),
        (
            "step: literal.cut, parameters: {size: 1}",
            "{size",
            "parameters: found 'size', allowed for literal.cut: bytes",
        ),
        (
            "step: literal.cut, parameters: {bytes: -1}",
            "{bytes",
            "parameters: bytes: found -1, allowed: a whole number",
        ),
        ("step: login.refused, count: -1", "-1", "count: found -1, allowed: "),
    ],
)
def test_a_fault_that_cannot_strike_is_told_by_its_place(fault: str, at: str, told: str) -> None:
    line = default_text()[: default_text().index(AT)].count("\n") + 3
    column = f"  - {{{fault}}}".index(at) + 1

    assert error(f"  - {{{fault}}}\n").startswith(f"lab.yaml:{line}:{column}: mail_server.faults[0].{told}")
