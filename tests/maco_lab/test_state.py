"""The state folder is private, held by one lab at a time, and never anybody else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from maco_lab import state as state_module
from maco_lab.state import RunNote, StateError, StateFolder

NOTE = RunNote(os.getpid(), "lab.yaml", "/tmp/x/control", {"imap": ("127.0.0.1", 3143)}, ("strom@stadtwerke.example",))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    StateFolder(tmp_path / "a" / "state")

    assert mode(tmp_path / "a" / "state") == 0o700


def test_an_empty_folder_is_made_private(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)

    StateFolder(tmp_path / "state")

    assert mode(tmp_path / "state") == 0o700


def test_an_open_folder_with_other_files_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """`--state /tmp` must not close /tmp for everybody else."""
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "of-somebody-else").touch()
    folder.chmod(0o1777)

    with pytest.raises(StateError, match="is open to other users and holds files that are not of a lab"):
        StateFolder(folder)

    assert mode(folder) == 0o1777


def test_a_lab_s_own_folder_that_was_opened_is_made_private_again(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with state.locked():
        pass
    state.folder.chmod(0o755)

    StateFolder(tmp_path / "state")

    assert mode(state.folder) == 0o700


def test_a_folder_that_cannot_be_made_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StateError, match="file/state: Not a directory"):
        StateFolder(tmp_path / "file" / "state")


def test_looking_at_a_folder_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "none", create=False)

    assert (state.read_note(), state.is_locked) == (None, False)
    assert not (tmp_path / "none").exists()


def test_the_note_of_a_lab_that_holds_the_folder_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with state.locked():
        state.write_note(NOTE)

        assert StateFolder(tmp_path / "state").read_note() == NOTE
        assert mode(tmp_path / "state" / "run.json") == 0o600


def test_the_note_goes_with_the_lab(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    with state.locked():
        state.write_note(NOTE)

    assert [path.name for path in state.folder.iterdir()] == ["lock"]


def test_the_note_goes_with_a_lab_that_fails(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")

    def fail() -> None:
        with state.locked():
            state.write_note(NOTE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not (state.folder / "run.json").exists()


def test_a_note_without_a_lock_is_stale_even_if_its_process_number_is_alive(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    state.write_note(NOTE)

    assert state.read_note() is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "null", "{}", '{"pid": "x"}', "\xff", "[" * 100_000, '{"addresses": 1}', '{"addresses": {"a": 1}}'],
)
def test_a_broken_note_counts_as_none(tmp_path: Path, content: str) -> None:
    state = StateFolder(tmp_path / "state")
    with state.locked():
        (state.folder / "run.json").write_text(content, encoding="latin-1")

        assert state.read_note() is None


def test_a_second_lab_is_refused_with_the_number_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "LOCK_S", 0.0)
    first, second = StateFolder(tmp_path / "state"), StateFolder(tmp_path / "state")
    with first.locked():
        first.write_note(NOTE)

        with pytest.raises(StateError, match=rf"a lab is running in .*state already \(pid {os.getpid()}\)"):
            second.locked().__enter__()

        assert first.read_note() == NOTE, "the one that was refused changes nothing"


def test_looking_does_not_take_the_lock(tmp_path: Path) -> None:
    state = StateFolder(tmp_path / "state")
    held = []
    with state.locked():
        held.append(state.is_locked)
    held.append(state.is_locked)

    assert held == [True, False]
    with state.locked():
        assert state.is_locked


def test_what_a_killed_lab_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / "maco-lab-abc"
    left.mkdir()
    (left / "control").touch()
    state = StateFolder(tmp_path / "state")
    state.write_note(RunNote(1, "lab.yaml", str(left / "control"), {}, ()))

    with state.locked():
        assert not left.exists()
        assert not (state.folder / "run.json").exists()


@pytest.mark.parametrize("name", ["maco-lab-abc/other", "home/control"])
def test_a_note_cannot_make_a_lab_remove_anything_else(tmp_path: Path, name: str) -> None:
    foreign = tmp_path / name
    foreign.parent.mkdir()
    foreign.touch()
    state = StateFolder(tmp_path / "state")
    state.write_note(RunNote(1, "lab.yaml", str(foreign), {}, ()))

    with state.locked():
        assert foreign.exists()
