"""`maco-lab audit verify`: exit codes, and what it says of logs that are whole and of others."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from connector_sim.logs.audit_entry import AuditEntry
from connector_sim.logs.audit_file import AuditFile
from maco_lab.cli import app
from maco_lab.state import StateFolder
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.settings import MAPPINGS, NEW_MAPPING
from tests.maco_lab.processes import command, run, wait_until

AT = 1_790_000_000.0


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state folder with the logs of one connector."""
    for scope in ("_crossaccount", "stadtwerke"):
        log = AuditFile(tmp_path / "log" / "scc", scope, keep_days=lambda: 0)
        log.write([AuditEntry(AT, "add-BackendMapping", "Administrator", f"host:{each}") for each in range(3)], 0)
        log.sync()
    return tmp_path


def verify(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["audit", "verify", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def file_of(state: Path) -> Path:
    (path,) = (state / "log/scc/audit/stadtwerke").iterdir()
    return path


@pytest.mark.parametrize("below", ["", "log/scc"])
def test_whole_logs_are_told_with_their_newest_entries(state: Path, below: str) -> None:
    code, out, _ = verify(str(state / below))

    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"{state}/log/scc: audit log _crossaccount is whole, 3 entries"
    assert lines[1].startswith("  newest entry: _crossaccount:3:")
    assert [lines[2].partition(": ")[2], len(lines)] == ["audit log stadtwerke is whole, 3 entries", 4]


def test_what_was_done_to_a_log_is_told_and_exits_1(state: Path) -> None:
    path = file_of(state)
    path.write_text(path.read_text().replace("host:1", "host:9"))

    code, out, _ = verify(str(state))

    assert code == 1
    assert "audit log stadtwerke has been tampered with or damaged, 3 entries" in out
    assert "  entry 2 was changed, or entry 1 before it\n" in out


def test_the_same_as_data(state: Path) -> None:
    file_of(state).unlink()

    code, out, _ = verify(str(state), "--json")

    assert code == 1
    whole, broken = json.loads(out)
    assert (whole["folder"], whole["scope"], whole["isWhole"]) == (f"{state}/log/scc", "_crossaccount", True)
    assert (broken["isWhole"], broken["findings"]) == (False, ["entries 1 to 3 are missing at the end"])


def test_an_entry_that_was_noted_is_looked_for(state: Path) -> None:
    _, out, _ = verify(str(state))
    noted = out.rpartition("newest entry: ")[2].strip()

    assert verify(str(state), f"--known={noted}")[0] == 0
    other = noted[:-1] + ("0" if noted[-1] != "0" else "1")
    code, out, _ = verify(str(state), f"--known={other}")
    assert (code, "entry 3 is not the one that was noted" in out) == (1, True)


@pytest.mark.parametrize("known", ["x", "a:b:c", "a:1:ff"])
def test_what_cannot_have_been_noted_is_refused(state: Path, known: str) -> None:
    assert verify(str(state), f"--known={known}") == (
        2,
        "",
        f"found --known {known!r}, allowed: LOG:NUMBER:HASH, as it was printed\n",
    )


def test_where_there_is_no_log_that_is_told(tmp_path: Path) -> None:
    assert verify(str(tmp_path)) == (2, "", f"{tmp_path}: there is no audit log\n")


def administered_at(folder: Path) -> str:
    found = re.search(r"(127\.0\.0\.1:\d+) +REST API", (folder / ".maco-lab/lab.log").read_text())
    assert found
    return f"https://{found[1]}"


@pytest.mark.slow
def test_what_was_answered_is_in_the_log_of_a_lab_that_was_killed_and_the_next_one_goes_on(tmp_path: Path) -> None:
    for number in (1, 2):
        assert run("up", "--ports=auto", "--detach", folder=tmp_path).returncode == 0
        admin = AdminClient(administered_at(tmp_path))
        assert admin.call("POST", MAPPINGS, NEW_MAPPING).status == 201
        note = json.loads((tmp_path / ".maco-lab/run.json").read_text())
        os.kill(note["pid"], signal.SIGKILL)
        wait_until(lambda: not StateFolder(tmp_path / ".maco-lab", create=False).is_locked, "the lab's end")

        verified = command("audit", "verify", folder=tmp_path)

        assert verified.returncode == 0, verified.stdout
        written = (tmp_path / ".maco-lab/log/scc/audit/stadtwerke").iterdir()
        assert sum(path.read_text().count("add-BackendMapping,Administrator") for path in written) == number
