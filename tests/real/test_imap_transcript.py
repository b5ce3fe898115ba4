"""Our IMAP beside Dovecot's: the same scripts at both, and every difference known with its reason."""

from __future__ import annotations

import pytest

from tests.real.transcript.page import PAGE, page
from tests.real.transcript.servers import Compared, compare

pytestmark = [pytest.mark.real, pytest.mark.slow]

FEWEST_COMMANDS = 150


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> list[Compared]:
    return compare(tmp_path_factory.mktemp("transcript"))


def test_there_is_something_to_compare(compared: list[Compared]) -> None:
    assert len(compared) > FEWEST_COMMANDS
    assert sum("OK" in each.ours and not each.differs for each in compared) > FEWEST_COMMANDS


def test_every_difference_has_its_reason_in_the_script(compared: list[Compared]) -> None:
    unexplained = [each for each in compared if each.differs and not each.step.reason]
    assert unexplained == []


def test_no_reason_is_left_where_the_two_agree(compared: list[Compared]) -> None:
    left_over = [f"{each.step.script}: {each.step.name}" for each in compared if each.step.reason and not each.differs]
    assert left_over == []


def test_the_page_tells_what_was_observed(compared: list[Compared]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(compared), "written by: python -m tests.real.transcript"
