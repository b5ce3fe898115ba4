"""`maco-lab journal`: what the running lab's parties have observed, and what they go on to observe."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from maco_lab import journal as journal_module
from maco_lab.journal import Journal
from maco_lab.state import RunNote, StateFolder
from maco_wire.observation import Party, Problem, TokenRefused
from tests.maco_lab.processes import command, run, running


@contextlib.contextmanager
def lab_in(folder: Path) -> Iterator[Journal]:
    """Hold the state folder as a running lab does."""
    state = StateFolder(folder / ".maco-lab")
    with state.locked(), closing(Journal(state.journal)) as journal:
        state.write_note(RunNote(1, "lab.yaml", "", {}, ()))
        yield journal


@pytest.mark.slow
def test_lines_are_those_of_the_file_where_no_person_reads(tmp_path: Path) -> None:
    with lab_in(tmp_path) as journal:
        journal.record(Problem(Party.MACO, "first"))
        journal.record(Problem(Party.MACO, "second"))

        shown = run("journal", folder=tmp_path)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == (tmp_path / ".maco-lab/journal.jsonl").read_text()


def test_text_is_for_a_person_and_holds_nothing_that_a_terminal_obeys(tmp_path: Path) -> None:
    with lab_in(tmp_path) as journal:
        journal.record(Problem(Party.MAIL_SERVER, "red \x1b[31m"))

        shown = command("journal", "--text", folder=tmp_path)

    assert shown.stdout.endswith(' Mail server: problem text="red \N{REPLACEMENT CHARACTER}[31m"\n')


def test_entries_are_chosen_by_number_and_kind(tmp_path: Path) -> None:
    with lab_in(tmp_path) as journal:
        for text in ("first", "second"):
            journal.record(Problem(Party.MACO, text))
            journal.record(TokenRefused(Party.CONNECTIVITY, text))

        shown = command("journal", "--since", "2", "--kind", "token_refused", folder=tmp_path)

    assert [json.loads(line)["n"] for line in shown.stdout.splitlines()] == [2, 4]


def test_a_kind_that_there_is_not_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    shown = command("journal", "--kind", "tls", folder=tmp_path)

    assert shown.returncode == 2
    assert shown.stderr.startswith("found --kind tls, allowed: canary_seen, client_hello_passed, ")


def test_without_a_running_lab_it_says_so(tmp_path: Path) -> None:
    with lab_in(tmp_path):
        pass

    shown = command("journal", "--follow", folder=tmp_path)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr == "no lab is running in .maco-lab: start one by `maco-lab up`\n"


def test_what_is_not_kept_any_more_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_FILE_BYTES", 1)
    with lab_in(tmp_path) as journal:
        for _ in range(5):
            journal.record(Problem(Party.MACO, "text"))

        shown = command("journal", folder=tmp_path)

    assert shown.stderr == "maco-lab journal: entries 1 to 3 are not kept any more\n"
    assert [json.loads(line)["n"] for line in shown.stdout.splitlines()] == [4, 5]


@pytest.mark.slow
def test_follow_shows_each_entry_as_it_comes_and_ends_with_the_lab_behind_its_last_words(tmp_path: Path) -> None:
    with contextlib.ExitStack() as lab:
        journal = lab.enter_context(lab_in(tmp_path))
        journal.record(Problem(Party.MACO, "before"))
        with running("journal", "--follow", folder=tmp_path) as following:
            following.wait_for('"before"')
            journal.record(Problem(Party.MACO, "meanwhile"))
            following.wait_for('"meanwhile"')
            journal.record(Problem(Party.MACO, "last words"))
            lab.close()

            assert following.wait() == 0
    assert [json.loads(line)["text"] for line in following.text.splitlines()] == ["before", "meanwhile", "last words"]


@pytest.mark.slow
def test_follow_ends_with_its_lab_even_if_another_one_runs_there_at_once(tmp_path: Path) -> None:
    with lab_in(tmp_path) as journal:
        journal.record(Problem(Party.MACO, "text"))
        with running("journal", "--follow", folder=tmp_path) as following:
            following.wait_for('"text"')
            StateFolder(tmp_path / ".maco-lab").write_note(RunNote(2, "lab.yaml", "", {}, ()))

            assert following.wait() == 0


@pytest.fixture
def _ctrl_c_is_heard() -> Iterator[None]:
    """Let children hear SIGINT, which they would ignore as this process does if it was started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.usefixtures("_ctrl_c_is_heard")
def test_ctrl_c_ends_it_without_a_word(tmp_path: Path) -> None:
    with lab_in(tmp_path) as journal:
        journal.record(Problem(Party.MACO, "text"))
        with running("journal", "--follow", folder=tmp_path) as following:
            following.wait_for('"text"')
            code, _ = following.stop(signal.SIGINT)

    assert (code, following.text.count("\n")) == (0, 1)


def test_the_schema_is_printed_without_a_lab(tmp_path: Path) -> None:
    shipped = Path(journal_module.__file__).with_name("journal.schema.json")

    assert command("journal", "--schema", folder=tmp_path).stdout == shipped.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_journal_of_a_lab_in_the_background_is_shown(tmp_path: Path) -> None:
    assert run("up", "--detach", "--ports=auto", folder=tmp_path).returncode == 0
    try:
        with running("journal", "--follow", "--kind", "poll_finished", folder=tmp_path) as following:
            following.wait_for('"way-a"')
            following.wait_for('"way-b"')
            assert run("down", folder=tmp_path).returncode == 0
            assert following.wait() == 0
    finally:
        run("down", folder=tmp_path)
