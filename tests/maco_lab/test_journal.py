"""The journal numbers what all threads report, keeps it in memory within bounds, and writes the same to its file."""

from __future__ import annotations

import asyncio
import io
import json
import os
import stat
import threading
from pathlib import Path

import pytest

from maco_lab import journal as journal_module
from maco_lab.journal import Entry, Journal
from maco_wire.observation import Handshake, MailFetched, Observation, Party, Problem, TlsSession


def problem(text: str) -> Problem:
    return Problem(Party.MACO, text)


def texts(journal: Journal) -> list[str]:
    return [each.text for each in journal.of(Problem)]


def record_in_threads(journal: Journal, *, threads: int, each: int) -> None:
    barrier = threading.Barrier(threads)

    def report(name: int) -> None:
        barrier.wait(5)
        for i in range(each):
            journal.record(problem(f"{name}/{i}"))

    running = [threading.Thread(target=report, args=(name,)) for name in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(10)


def test_numbers_have_no_gaps_whichever_thread_reports() -> None:
    journal = Journal()

    record_in_threads(journal, threads=8, each=200)

    assert [entry.number for entry in journal] == list(range(1, 1601))
    assert journal.last == 1600


def test_each_threads_own_order_is_kept() -> None:
    journal = Journal()

    record_in_threads(journal, threads=8, each=50)

    for name in range(8):
        assert [text for text in texts(journal) if text.startswith(f"{name}/")] == [f"{name}/{i}" for i in range(50)]


def test_the_file_holds_json_lines_that_equal_what_is_in_memory(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")

    record_in_threads(journal, threads=4, each=50)
    journal.close()

    lines = (tmp_path / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines == [entry.as_json() for entry in journal]
    assert [json.loads(line)["n"] for line in lines] == list(range(1, 201))


def test_a_line_has_the_documented_fields() -> None:
    """docs/journal.md: v, n, t, kind and party; what is empty is left out."""
    journal = Journal(clock=lambda: 1700000000.1234567)

    journal.record(MailFetched(Party.MACO, "way-a", "INBOX", 1, 2, 345, "Grüße", local=("127.0.0.1", 5)))

    assert json.loads(journal.entries()[0].as_json()) == {
        "v": 1, "n": 1, "t": 1700000000.123457, "kind": "mail_fetched", "party": "MaCo", "local": ["127.0.0.1", 5],
        "connection": "way-a", "folder": "INBOX", "uid_validity": 1, "uid": 2, "size": 345, "subject": "Grüße",
        "already_known": False,
    }  # fmt: skip


def test_the_file_is_private_and_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("of an older run\n")
    path.chmod(0o600)

    journal = Journal(path)
    journal.record(problem("first"))
    journal.close()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()] == ["first"]


def test_a_new_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Journal(tmp_path / "journal.jsonl").close()
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "journal.jsonl").stat().st_mode) == 0o600


def test_a_line_is_in_the_file_as_soon_as_it_is_recorded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")

    journal.record(problem("now"))

    assert "now" in (tmp_path / "journal.jsonl").read_text()
    journal.close()


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_ends_the_file_and_neither_the_party_nor_the_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    assert journal._file is not None
    journal._file.close()
    journal._file = FullDisk()

    journal.record(problem("first"))
    journal.record(problem("second"))
    journal.close()

    assert texts(journal) == ["first", "second"]
    assert len(caplog.messages) == 1, "said once"
    assert "No space left on device" in caplog.messages[0]


def test_what_cannot_be_written_as_utf_8_is_written_escaped(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")

    journal.record(problem("\udcff"))
    journal.close()

    assert "\\udcff" in (tmp_path / "journal.jsonl").read_text()


def test_memory_is_bounded_and_keeps_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_ENTRIES", 100)
    journal = Journal()

    for i in range(1, 1001):
        journal.record(problem(str(i)))

    kept = [entry.number for entry in journal]
    assert 90 <= len(kept) <= 100
    assert kept == list(range(1001 - len(kept), 1001))


def test_entries_after_a_number_are_those_behind_it() -> None:
    journal = Journal()
    for text in "abc":
        journal.record(problem(text))

    assert [entry.number for entry in journal.entries(after=1)] == [2, 3]
    assert journal.entries(after=3) == []


def test_a_closed_journal_still_takes_observations_in_memory(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.close()

    journal.record(problem("late"))

    assert texts(journal) == ["late"]


def test_a_listener_hears_each_entry_until_it_stops() -> None:
    journal = Journal()
    heard: list[Entry] = []
    stop = journal.listen(heard.append)

    journal.record(problem("a"))
    stop()
    journal.record(problem("b"))

    assert [entry.number for entry in heard] == [1]


def is_problem(text: str, entry: Entry) -> bool:
    seen: Observation = entry.observation
    return isinstance(seen, Problem) and seen.text == text


async def test_wait_for_returns_what_is_there_already() -> None:
    journal = Journal()
    journal.record(problem("a"))

    entry = await journal.wait_for(lambda each: is_problem("a", each), timeout_s=1)

    assert entry.number == 1


async def test_wait_for_returns_what_another_thread_records_later() -> None:
    journal = Journal()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(journal.wait_for(lambda each: is_problem("b", each), timeout_s=5))
        await asyncio.to_thread(journal.record, problem("a"))
        await asyncio.to_thread(journal.record, problem("b"))

    assert waiting.result().number == 2


async def test_wait_for_ignores_what_was_before() -> None:
    journal = Journal()
    journal.record(problem("a"))

    with pytest.raises(TimeoutError):
        await journal.wait_for(lambda each: is_problem("a", each), after=1, timeout_s=0.01)


async def test_wait_for_stops_listening_when_it_gives_up() -> None:
    journal = Journal()
    with pytest.raises(TimeoutError):
        await journal.wait_for(lambda _: False, timeout_s=0.01)

    assert journal._listeners == []


def test_the_handshake_of_a_tunnel_outlives_the_bound_in_what_a_poll_is_seen_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal_module, "MAX_ENTRIES", 100)
    journal = Journal()
    journal.record(Handshake(Party.CLOUD_CONNECTOR, TlsSession.TUNNEL, "client", succeeded=True))
    for number in range(500):
        journal.record(Problem(Party.MACO, str(number)))

    seen = journal.view(after=498)

    assert [entry.number for entry in seen] == [1, 499, 500, 501]
    assert 1 not in [entry.number for entry in journal.entries()]


def test_entries_behind_a_number_that_is_no_longer_kept_are_all_that_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_ENTRIES", 100)
    journal = Journal()
    for number in range(500):
        journal.record(Problem(Party.MACO, str(number)))

    assert journal.entries(after=3) == journal.entries()
    assert journal.entries(after=500) == []
    assert [entry.number for entry in journal.entries(after=499)] == [500]


def test_a_cleared_journal_counts_from_one_in_memory_and_in_its_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.record(problem("before"))
    journal.record(Handshake(Party.CONNECTIVITY, TlsSession.TUNNEL, "server", succeeded=True))

    journal.clear()
    journal.record(problem("after"))

    assert [entry.number for entry in journal.view(after=0)] == [1]
    assert [json.loads(line)["text"] for line in (tmp_path / "journal.jsonl").read_text().splitlines()] == ["after"]
    journal.close()


def test_a_text_that_a_peer_made_long_is_cut() -> None:
    journal = Journal()

    journal.record(Problem(Party.MACO, "x" * 70_000))

    assert journal.of(Problem)[0].text == "x" * 1_000 + "…"


def test_a_file_that_has_grown_large_is_put_aside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(journal_module, "MAX_FILE_BYTES", 1_000)
    journal = Journal(tmp_path / "journal.jsonl")

    for number in range(30):
        journal.record(Problem(Party.MACO, str(number)))
    journal.close()

    aside = (tmp_path / "journal.jsonl.1").read_text(encoding="utf-8").splitlines()
    current = (tmp_path / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert aside
    assert current
    assert json.loads(current[0])["n"] == json.loads(aside[-1])["n"] + 1
    assert json.loads(current[-1])["n"] == 30


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched", encoding="utf-8")
    (tmp_path / "journal.jsonl").symlink_to(victim)

    with pytest.raises(OSError, match="symbolic links"):
        Journal(tmp_path / "journal.jsonl")

    assert victim.read_text(encoding="utf-8") == "untouched"
