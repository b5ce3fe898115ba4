"""The journal's file is read while it is written: each entry once, whatever happens to the file meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from maco_lab import journal as journal_module
from maco_lab.journal import Journal, put_aside
from maco_lab.journal_file import JournalFile, Line, Missing
from maco_wire.observation import Party, Problem


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with closing(Journal(path)) as opened:
        yield opened


@pytest.fixture
def puts_aside_every_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_FILE_BYTES", 1)


def record(journal: Journal, count: int = 1) -> None:
    for _ in range(count):
        journal.record(Problem(Party.MACO, "x" * 10))


def numbers(file: JournalFile) -> list[int | tuple[int, int]]:
    """Return the numbers of what is read; of missing entries the first and the last one."""
    return [(each.first, each.last) if isinstance(each, Missing) else each.data["n"] for each in file.read()]


def test_each_entry_is_read_once(journal: Journal, path: Path) -> None:
    with closing(JournalFile(path)) as file:
        record(journal, 2)
        assert numbers(file) == [1, 2]
        record(journal, 3)
        assert numbers(file) == [3, 4, 5]
        assert numbers(file) == []


def test_a_line_is_passed_on_as_it_stands(journal: Journal, path: Path) -> None:
    record(journal)

    with closing(JournalFile(path)) as file:
        assert [each.text for each in file.read() if isinstance(each, Line)] == path.read_text().splitlines()


def test_reading_begins_with_the_entry_that_was_asked_for(journal: Journal, path: Path) -> None:
    record(journal, 5)

    with closing(JournalFile(path, since=4)) as file:
        assert numbers(file) == [4, 5]


def test_an_entry_that_is_half_written_is_read_when_it_is_whole(journal: Journal, path: Path) -> None:
    record(journal, 2)
    whole = path.read_bytes()

    for cut in range(1, len(whole)):
        path.write_bytes(whole[:cut])
        with closing(JournalFile(path)) as file:
            early = numbers(file)
            with path.open("ab") as written:
                written.write(whole[cut:])
            assert early + numbers(file) == [1, 2]


def test_a_line_that_a_full_disk_has_cut_off_is_passed_over(path: Path) -> None:
    path.write_text('{"n": 1}\n{"n": 2, "te\n[1]\n{"n": "3"}\n')

    with closing(JournalFile(path)) as file:
        assert numbers(file) == [1]


@pytest.mark.usefixtures("puts_aside_every_entry")
def test_nothing_is_lost_when_the_file_is_put_aside_meanwhile(journal: Journal, path: Path) -> None:
    record(journal)
    with closing(JournalFile(path)) as file:
        assert numbers(file) == [1]
        record(journal)
        assert numbers(file) == [2]
        record(journal)
        assert numbers(file) == [3]


@pytest.mark.usefixtures("puts_aside_every_entry")
def test_what_was_put_aside_before_is_read_first(journal: Journal, path: Path) -> None:
    record(journal, 2)
    assert put_aside(path).exists()

    with closing(JournalFile(path)) as file:
        assert numbers(file) == [1, 2]


@pytest.mark.usefixtures("puts_aside_every_entry")
def test_a_reader_that_slept_is_told_what_it_can_read_no_more(journal: Journal, path: Path) -> None:
    record(journal)
    with closing(JournalFile(path)) as file:
        assert numbers(file) == [1]
        record(journal, 6)
        assert numbers(file) == [(2, 5), 6, 7]


@pytest.mark.usefixtures("puts_aside_every_entry")
def test_a_reader_that_comes_late_is_told_what_is_gone(journal: Journal, path: Path) -> None:
    record(journal, 5)

    with closing(JournalFile(path, since=2)) as file:
        assert numbers(file) == [(2, 3), 4, 5]


def test_what_an_earlier_run_has_put_aside_is_not_read(path: Path) -> None:
    put_aside(path).write_text('{"n": 7}\n')
    path.write_text('{"n": 1}\n')

    with closing(JournalFile(path)) as file:
        assert numbers(file) == [1]


def test_a_run_that_begins_anew_is_read_from_its_start(journal: Journal, path: Path) -> None:
    record(journal, 3)
    with closing(JournalFile(path)) as file:
        assert numbers(file) == [1, 2, 3]
        journal.clear()
        record(journal)
        assert numbers(file) == [1]


def test_there_is_nothing_to_read_before_the_first_entry(path: Path) -> None:
    with closing(JournalFile(path)) as file:
        assert numbers(file) == []
        path.touch()
        assert numbers(file) == []
        path.write_text('{"n": 1}\n')
        assert numbers(file) == [1]
