"""The secrets that a lab plants: numbered, named by mailbox, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from maco_lab.canaries import AccountCanaries, all_canaries, plant_canaries
from maco_lab.lab_file import default_text, parse_lab


def planted(text: str = default_text()) -> list[AccountCanaries]:
    return plant_canaries(parse_lab(text, name="lab.yaml", folder=Path()).model)


def test_every_mailbox_has_its_password_and_a_line_of_mail_numbered_from_1() -> None:
    assert [(each.number, each.name) for each in all_canaries(planted())] == [
        (1, "mailbox password of strom@stadtwerke.example"),
        (2, "line in a mail of strom@stadtwerke.example"),
        (3, "mailbox password of gas@stadtwerke.example"),
        (4, "line in a mail of gas@stadtwerke.example"),
    ]


def test_the_password_that_is_looked_for_is_that_of_the_lab_file() -> None:
    assert [each.password and each.password.value for each in planted()] == ["Strom4711Postfach", "Gas0815Postfach"]


@pytest.mark.parametrize("password", ["short", "with-a-sign", "x" * 41])
def test_a_password_that_cannot_be_looked_for_is_none_and_its_mailbox_has_the_line(password: str) -> None:
    text = default_text().replace("Strom4711Postfach", password)

    first, _ = planted(text)

    assert first.password is None
    assert [each.number for each in all_canaries(planted(text))] == [2, 3, 4]


def test_lines_of_mail_differ_between_mailboxes_and_runs() -> None:
    lines = [each.mail_line.value for _ in range(5) for each in planted()]

    assert len(set(lines)) == 10


def test_no_secret_is_in_a_repr() -> None:
    for each in planted():
        assert each.password is not None
        assert each.password.value not in repr(each)
        assert each.mail_line.value not in repr(each)
