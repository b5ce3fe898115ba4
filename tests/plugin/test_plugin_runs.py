"""The plugin in other people's suites: pytest in a process of its own, where this project's conftest is unknown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

RUN_S = 50.0
BOTH_WAYS = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_both_ways(maco, mail_server, lab_journal, number):
    for connection, user in ("way-a", "strom@stadtwerke.example"), ("way-b", "gas@stadtwerke.example"):
        mail_server.deliver(user, f"Subject: {number}\\n\\nhello")
        assert maco.poll(connection).stored == 1
    assert [mail.subject for mail in maco.mails()] == [str(number)] * 2
"""
ASYNC = """
import asyncio, pytest

@pytest.fixture
async def awaited():
    await asyncio.sleep(0)
    return 1

{marker}
async def test_async({fixture}maco, mail_server):
    await mail_server.deliver_async("gas@stadtwerke.example")
    assert (await maco.poll_async("way-b")).stored == 1

def test_blocking(maco, mail_server):
    mail_server.deliver("strom@stadtwerke.example")
    assert maco.poll("way-a").stored == 1
"""

pytestmark = pytest.mark.slow


def run_pytest(folder: Path, tests: str, *options: str, mode: str = "strict") -> subprocess.CompletedProcess[str]:
    """Run a module of tests with every warning an error; other plugins are those that are installed."""
    (folder / "test_theirs.py").write_text(tests)
    (folder / "pytest.ini").write_text(
        f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    command = [sys.executable, "-X", "dev", "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=RUN_S, check=False
    )


def assert_passed(done: subprocess.CompletedProcess[str], count: int) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{count} passed" in done.stdout
    assert "Warning" not in done.stdout + done.stderr, done.stdout + done.stderr


def test_it_is_there_without_being_asked_for(tmp_path: Path) -> None:
    assert_passed(run_pytest(tmp_path, BOTH_WAYS), 4)


def test_each_worker_of_xdist_has_a_lab_of_its_own(tmp_path: Path) -> None:
    assert_passed(run_pytest(tmp_path, BOTH_WAYS, "-n", "2"), 4)


def test_it_works_without_pytest_asyncio(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path, BOTH_WAYS, "-p", "no:asyncio", "-o", "asyncio_mode=", "-W", "default::pytest.PytestConfigWarning"
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("mode", "marker", "fixture"), [("strict", "@pytest.mark.asyncio", ""), ("auto", "", "awaited, ")]
)
def test_it_works_beside_pytest_asyncio(tmp_path: Path, mode: str, marker: str, fixture: str) -> None:
    assert_passed(run_pytest(tmp_path, ASYNC.format(marker=marker, fixture=fixture), mode=mode), 2)


def test_another_reactor_is_a_clear_error(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, "from twisted.internet import reactor\n" + BOTH_WAYS)

    assert done.returncode == 1
    assert re.search(r"maco_lab cannot run in this process. Twisted's \w+Reactor is already installed", done.stdout)
    assert "run those tests in a pytest of their own" in done.stdout
    assert "Traceback" not in done.stdout


def test_settings_that_cannot_work_are_told_without_a_traceback(tmp_path: Path) -> None:
    settings = """
import pytest

@pytest.fixture
def maco_lab_settings():
    return lambda lab: lab["mail_server"].update(certificate="exspired")

def test_theirs(maco):
    pass
"""
    done = run_pytest(tmp_path, settings)

    assert "maco_lab_settings is no lab that can run" in done.stdout
    assert "mail_server.certificate: found 'exspired'" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("wrong", ["change='expired'", "{}", ""])
def test_a_marker_without_a_change_is_told_how_it_is_written(tmp_path: Path, wrong: str) -> None:
    tests = f"""
import pytest

@pytest.mark.maco_lab({wrong})
def test_theirs(maco):
    pass
"""
    done = run_pytest(tmp_path, tests, "--strict-markers")

    assert "allowed: maco_lab(change=function)" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = """
import pytest

@pytest.fixture
def maco_lab_settings():
    return "no-such-lab.yaml"

def test_theirs(maco):
    pass
"""
    done = run_pytest(tmp_path, settings)

    assert "no-such-lab.yaml: No such file or directory" in done.stdout


def test_below_a_failure_stands_the_journal(tmp_path: Path) -> None:
    tests = """
def test_theirs(maco, cloud_connector):
    cloud_connector.disconnect()
    assert maco.poll('way-a').succeeded
"""
    done = run_pytest(tmp_path, tests)

    assert done.returncode == 1
    assert "maco-lab journal" in done.stdout
    assert "MaCo: poll_finished connection=way-a, succeeded=False, stage=socks" in done.stdout
    assert "Strom4711Postfach" not in done.stdout


def test_loading_it_imports_nothing_heavy(tmp_path: Path) -> None:
    code = """
import json, sys, pytest
before = set(sys.modules)
import maco_lab.pytest_plugin
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=RUN_S, check=True)

    assert json.loads(done.stdout) == ["maco_lab", "maco_lab.pytest_plugin"]


def test_a_run_that_uses_no_fixture_of_it_starts_no_lab(tmp_path: Path) -> None:
    tests = "import sys\n\ndef test_theirs():\n    assert not {'twisted', 'maco_lab.topology'} & set(sys.modules)\n"

    assert_passed(run_pytest(tmp_path, tests), 1)
