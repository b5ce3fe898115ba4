"""`maco-lab maco` against a running lab, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maco_lab.cli import app
from maco_lab.state import RunNote, StateFolder
from maco_lab.testing.lab import Lab
from tests.maco_lab.maco_command.command import Command, Outcome


@pytest.fixture
def command(maco_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Return what runs `maco-lab maco`; its lab is told by a note, as `up` writes one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MACO_LAB_PASSWORD", raising=False)
    address = maco_lab.running.maco_api
    assert address is not None
    state = StateFolder(tmp_path / ".maco-lab")

    def run(*arguments: str, text: str | bytes = "", code: int = 0) -> Outcome:
        result = CliRunner().invoke(app, ["maco", *arguments], input=text)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code, result.output
        return Outcome(result.stdout, result.stderr)

    with state.locked():
        state.write_note(RunNote(1, "lab.yaml", "", {"maco": address}, ()))
        yield run
