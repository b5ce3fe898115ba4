"""The plugin in other people's suites: pytest in a process of its own, where this project's conftest is unknown.

A process costs more than what is tested in it, so tests that do not disturb each other share one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

RUN_S = 50.0
LIGHT = ("-p", "no:schemathesis", "-p", "no:hypothesispytest")
"""Without plugins that only this project's own tests need: they take longer to load than pytest itself."""
DEVELOPMENT = ("-X", "dev")
"""With all that Python and asyncio check on request, at twice the cost."""
NO_FIXTURE = """
import sys

def test_no_fixture():
    assert not {'twisted', 'maco_lab.topology'} & set(sys.modules)
"""
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


def run_pytest(
    folder: Path, tests: Mapping[str, str], *options: str, mode: str = "strict", python: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run modules of tests in this order, with every warning an error; other plugins are those that are installed."""
    for number, (name, text) in enumerate(tests.items()):
        (folder / f"test_{number}_{name}.py").write_text(text)
    (folder / "pytest.ini").write_text(
        f"[pytest]\nasyncio_mode = {mode}\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    command = [sys.executable, *python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        command, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=RUN_S, check=False
    )


def assert_passed(done: subprocess.CompletedProcess[str], count: int) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{count} passed" in done.stdout
    assert "Warning" not in done.stdout + done.stderr, done.stdout + done.stderr


RULES = re.MULTILINE | re.DOTALL


def told_of(done: subprocess.CompletedProcess[str], test: str) -> str:
    """Return what was printed of one test that did not pass."""
    found = re.search(rf"^_+ (?:ERROR at setup of )?{re.escape(test)} _+$(.*?)(?=^[_=]+ .* [_=]+$)", done.stdout, RULES)
    assert found, f"nothing is told of {test}:\n{done.stdout}{done.stderr}"
    return found[1]


def test_it_is_there_without_being_asked_for_also_beside_pytest_asyncio(tmp_path: Path) -> None:
    marked = ASYNC.format(marker="@pytest.mark.asyncio", fixture="")
    assert_passed(run_pytest(tmp_path, {"both_ways": BOTH_WAYS, "async": marked}, *LIGHT, python=DEVELOPMENT), 4 + 2)


def test_it_works_beside_pytest_asyncio_in_its_other_mode(tmp_path: Path) -> None:
    tests = {"async": ASYNC.format(marker="", fixture="awaited, ")}
    assert_passed(run_pytest(tmp_path, tests, *LIGHT, mode="auto"), 2)


def test_each_worker_of_xdist_has_a_lab_of_its_own(tmp_path: Path) -> None:
    assert_passed(run_pytest(tmp_path, {"both_ways": BOTH_WAYS}, *LIGHT, "-n", "2"), 4)


def test_without_pytest_asyncio_it_works_and_below_a_failure_stands_the_journal(tmp_path: Path) -> None:
    failing = """
def test_theirs(maco, cloud_connector):
    cloud_connector.disconnect()
    assert maco.poll('way-a').succeeded
"""
    options = ("-p", "no:asyncio", "-o", "asyncio_mode=", "-W", "default::pytest.PytestConfigWarning")
    done = run_pytest(tmp_path, {"both_ways": BOTH_WAYS, "failing": failing}, *LIGHT, *options)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 4 passed" in done.stdout
    told = told_of(done, "test_theirs")
    assert "maco-lab journal" in told
    assert "MaCo: poll_finished connection=way-a, succeeded=False, stage=socks" in told
    assert "Strom4711Postfach" not in done.stdout


def test_another_reactor_is_a_clear_error(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, {"theirs": "from twisted.internet import reactor\n" + BOTH_WAYS}, *LIGHT)

    assert done.returncode == 1
    assert re.search(r"maco_lab cannot run in this process. Twisted's \w+Reactor is already installed", done.stdout)
    assert "run those tests in a pytest of their own" in done.stdout
    assert "Traceback" not in done.stdout


WRONG_SETTINGS = """
import pytest

@pytest.fixture
def maco_lab_settings():
    return {settings}

def test_{name}(maco):
    pass
"""
WRONG_MARKERS = """
import pytest

@pytest.mark.maco_lab(change='expired')
def test_no_function(maco):
    pass

@pytest.mark.maco_lab({})
def test_no_name(maco):
    pass

@pytest.mark.maco_lab()
def test_nothing(maco):
    pass
"""


def test_what_cannot_work_is_told_without_a_traceback_and_starts_no_lab(tmp_path: Path) -> None:
    tests = {
        "no_fixture": NO_FIXTURE,
        "settings": WRONG_SETTINGS.format(
            name="settings", settings="lambda lab: lab['mail_server'].update(certificate='exspired')"
        ),
        "file": WRONG_SETTINGS.format(name="file", settings="'no-such-lab.yaml'"),
        "markers": WRONG_MARKERS,
    }
    done = run_pytest(tmp_path, tests, *LIGHT, "--strict-markers")

    assert done.returncode == 1
    assert "1 passed, 5 errors" in done.stdout, "the test that uses no fixture, and those that cannot work"
    assert "Traceback" not in done.stdout
    assert "Warning" not in done.stdout + done.stderr
    assert "maco_lab_settings is no lab that can run" in told_of(done, "test_settings")
    assert "mail_server.certificate: found 'exspired'" in told_of(done, "test_settings")
    assert "no-such-lab.yaml: No such file or directory" in told_of(done, "test_file")
    for wrong in ("test_no_function", "test_no_name", "test_nothing"):
        assert "allowed: maco_lab(change=function)" in told_of(done, wrong)


def test_loading_it_imports_nothing_heavy() -> None:
    code = """
import json, sys, pytest
before = set(sys.modules)
import maco_lab.pytest_plugin
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=RUN_S, check=True)

    assert json.loads(done.stdout) == ["maco_lab", "maco_lab.pytest_plugin"]
