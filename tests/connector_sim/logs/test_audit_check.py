"""What the check of an audit log finds, and what it cannot: with files that were really written and really changed."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector_sim.logs import audit_file
from connector_sim.logs.audit_check import check_log, check_logs
from connector_sim.logs.audit_entry import AuditEntry
from connector_sim.logs.audit_file import AuditFile, audit_files
from connector_sim.logs.audit_line import HEADER, Link, first_link, next_line, read_line

SCOPE = "stadtwerke"
AT = 1_790_000_000.0  # 2026-09-21
DAY_S = 86_400.0


def written(folder: Path, count: int, *, at: float = AT, keep_days: int = 0) -> AuditFile:
    """Write entries, and bring them to the disk."""
    log = AuditFile(folder, SCOPE, keep_days=lambda: keep_days, clock=lambda: at)
    log.write([AuditEntry(at, "add-BackendMapping", "Administrator", f"host:{each}") for each in range(count)], 0)
    log.sync()
    return log


def files(folder: Path) -> list[Path]:
    return audit_files(folder / "audit" / SCOPE)


def lines(folder: Path) -> list[str]:
    return files(folder)[0].read_text().splitlines()


def rewrite(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    path = files(folder)[0]
    path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines())))


def findings(folder: Path, known: Link | None = None) -> list[str]:
    return check_log(folder, SCOPE, known).findings


def rechained(changed: list[str]) -> Iterator[str]:
    """Yield lines whose hashes fit again, as somebody who knows how would make them."""
    yield changed[0]
    link = first_link(SCOPE)
    for line in map(read_line, changed[1:]):
        entry = AuditEntry(AT, line.type, line.user, line.subject, line.old, line.new, line.message)
        link, text = next_line(link, entry)
        yield text


def test_what_was_written_is_whole(tmp_path: Path) -> None:
    written(tmp_path, 3)
    found = check_log(tmp_path, SCOPE)

    assert (found.entries, found.findings, found.notes) == (3, [], [])
    assert found.last is not None
    assert found.last.number == 3


def test_the_header_names_the_columns_and_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    written(tmp_path, 1)
    (path,) = files(tmp_path)

    assert lines(tmp_path)[0] == HEADER
    assert path.name == f"audit-log_{SCOPE}_2026-09-21.csv"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("at", range(1, 6))
def test_a_line_that_was_changed_is_found(tmp_path: Path, at: int) -> None:
    written(tmp_path, 5)
    rewrite(tmp_path, lambda all_: [*all_[:at], all_[at].replace("host:", "cost:"), *all_[at + 1 :]])

    assert findings(tmp_path) == [f"entry {at} was changed, or entry {at - 1} before it"]


@pytest.mark.parametrize("at", range(1, 6))
def test_a_line_that_was_removed_is_found_wherever_it_stood(tmp_path: Path, at: int) -> None:
    written(tmp_path, 5)
    rewrite(tmp_path, lambda all_: [*all_[:at], *all_[at + 1 :]])

    where = " at the end" if at == 5 else ""
    missing = f"entries {at} to {at} are missing{where}"
    assert findings(tmp_path)[0] == missing


def test_every_pair_of_lines_that_were_swapped_is_found(tmp_path: Path) -> None:
    written(tmp_path, 5)
    whole = lines(tmp_path)
    for first, second in itertools.combinations(range(1, 6), 2):
        swapped = list(whole)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        files(tmp_path)[0].write_text("\n".join(swapped) + "\n")
        assert any("stands behind" in each for each in findings(tmp_path)), (first, second)


def test_a_line_that_was_put_in_is_found(tmp_path: Path) -> None:
    written(tmp_path, 3)
    rewrite(tmp_path, lambda all_: [*all_[:2], all_[1], *all_[2:]])
    assert findings(tmp_path) == ["entry 1 stands behind entry 1"]
    rewrite(tmp_path, lambda all_: [*all_, "what is this"])
    assert findings(tmp_path)[-1].endswith("is no line of an audit log")


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_an_end_that_was_cut_off_is_found_by_the_side_file(tmp_path: Path, kept: int) -> None:
    written(tmp_path, 5)
    rewrite(tmp_path, lambda all_: all_[: kept + 1])

    assert findings(tmp_path) == [f"entries {kept + 1} to 5 are missing at the end"]


def test_a_log_that_goes_on_behind_an_end_that_was_cut_off_still_shows_the_gap(tmp_path: Path) -> None:
    written(tmp_path, 5)
    rewrite(tmp_path, lambda all_: all_[:3])
    written(tmp_path, 2)

    assert findings(tmp_path) == ["entries 3 to 5 are missing"]


def test_a_log_that_was_removed_whole_is_found(tmp_path: Path) -> None:
    written(tmp_path, 2)
    shutil.rmtree(tmp_path / "audit" / SCOPE)

    (found,) = check_logs(tmp_path)
    assert found.findings == ["entries 1 to 2 are missing at the end"]


def test_a_side_file_that_is_gone_is_found(tmp_path: Path) -> None:
    written(tmp_path, 2)
    shutil.rmtree(tmp_path / "audit-heads")

    assert findings(tmp_path) == ["there is no side file: whether the end was cut off cannot be told"]


def test_a_chain_that_was_made_anew_is_found_by_the_side_file(tmp_path: Path) -> None:
    written(tmp_path, 3)
    rewrite(tmp_path, lambda all_: list(rechained([*all_[:2], all_[2].replace("host:", "cost:"), all_[3]])))

    assert findings(tmp_path) == ["entry 3 is not the one that the side file knows"]


def test_a_chain_and_side_file_that_were_both_made_anew_are_found_by_what_was_noted_alone(tmp_path: Path) -> None:
    written(tmp_path, 3)
    noted = check_log(tmp_path, SCOPE).last
    assert noted is not None
    shutil.rmtree(tmp_path)
    log = AuditFile(tmp_path, SCOPE, keep_days=lambda: 0)
    log.write([AuditEntry(AT, "add-BackendMapping", "somebody else")] * 3, 0)
    log.sync()

    assert findings(tmp_path) == []
    assert findings(tmp_path, noted) == ["entry 3 is not the one that was noted"]
    assert check_logs(tmp_path, {SCOPE: Link(9, noted.hash)})[0].findings == ["entry 9 is not the one that was noted"]


def test_a_log_under_another_name_is_found(tmp_path: Path) -> None:
    written(tmp_path, 2)
    (tmp_path / "audit" / SCOPE).rename(tmp_path / "audit" / "other")
    (tmp_path / "audit-heads" / f"{SCOPE}.json").unlink()

    assert "entry 1 was changed, or entry 0 before it" in check_log(tmp_path, "other").findings


def test_the_chain_goes_on_over_restarts_days_and_full_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_file, "MAX_FILE_BYTES", 500)
    written(tmp_path, 4)
    written(tmp_path, 2)
    written(tmp_path, 1, at=AT + DAY_S)

    assert [each.name.removeprefix(f"audit-log_{SCOPE}_") for each in files(tmp_path)] == [
        "2026-09-21.csv", "2026-09-21_2.csv", "2026-09-22.csv",
    ]  # fmt: skip
    found = check_log(tmp_path, SCOPE)
    assert (found.entries, found.findings) == (7, [])


def test_a_clock_that_goes_back_goes_on_in_the_newest_file(tmp_path: Path) -> None:
    written(tmp_path, 1, at=AT + DAY_S)
    written(tmp_path, 1, at=AT)

    assert len(files(tmp_path)) == 1
    assert findings(tmp_path) == []


def test_old_files_go_and_what_is_left_is_whole(tmp_path: Path) -> None:
    for day in range(20):
        written(tmp_path, 2, at=AT + day * DAY_S, keep_days=14)

    found = check_log(tmp_path, SCOPE)
    assert files(tmp_path)[0].name.endswith("_2026-09-26.csv")
    assert (found.entries, found.findings) == (30, [])


def test_no_more_files_are_kept_than_so_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_file, "MOST_FILES", 3)
    monkeypatch.setattr(audit_file, "MAX_FILE_BYTES", 200)
    written(tmp_path, 30)

    assert len(files(tmp_path)) == 3
    assert findings(tmp_path) == []


def test_the_oldest_file_that_was_removed_by_somebody_else_is_found(tmp_path: Path) -> None:
    written(tmp_path, 2)
    written(tmp_path, 2, at=AT + DAY_S)
    files(tmp_path)[0].unlink()

    assert findings(tmp_path) == ["entries 1 to 2 are missing"]


def test_the_begin_of_a_line_that_a_sudden_end_has_left_is_dropped(tmp_path: Path) -> None:
    written(tmp_path, 2)
    with files(tmp_path)[0].open("a") as file:
        file.write("3,2026-")
    assert check_log(tmp_path, SCOPE).notes == [f"{files(tmp_path)[0].name}: the last line is not whole"]

    written(tmp_path, 1)

    found = check_log(tmp_path, SCOPE)
    assert (found.entries, found.findings, found.notes) == (3, [], [])


def test_entries_that_are_newer_than_the_side_file_are_no_fault(tmp_path: Path) -> None:
    log = written(tmp_path, 1)
    log.write([AuditEntry(AT, "x")], 0)

    found = check_log(tmp_path, SCOPE)
    assert (found.findings, found.notes) == ([], ["1 entries are newer than the side file"])
    log.sync()


def test_entries_that_were_lost_are_told(tmp_path: Path) -> None:
    log = AuditFile(tmp_path, SCOPE, keep_days=lambda: 0, clock=lambda: AT)
    log.write([AuditEntry(AT, "x")], 7)
    log.sync()

    assert read_line(lines(tmp_path)[1]).message == "7 entries could not be written"


@pytest.mark.parametrize("scope", ["../evil", "..", "a/b", "", "x y"])
def test_a_scope_leads_to_no_other_folder(tmp_path: Path, scope: str) -> None:
    log = AuditFile(tmp_path / "log", scope, keep_days=lambda: 0)
    log.write([AuditEntry(AT, "x")], 0)
    log.sync()

    assert [each.name for each in tmp_path.iterdir()] == ["log"]
    (found,) = check_logs(tmp_path / "log")
    assert (found.entries, found.findings) == (1, [])
