"""Every recipe in examples/ does what it says, run as a reader would run it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maco_lab.testing.lab import Lab
from maco_wire.observation import Handshake, Party, TlsSession
from tests.plugin.test_plugin_runs import LIGHT
from tests.programs import require_program

EXAMPLES = Path(__file__).parents[2] / "examples"
RUN_S = 50.0
SUBJECT = "Subject: MSCONS_4711\n\nUNA:+.? '"


def run(command: list[str], folder: Path, **settings: str) -> str:
    """Run a program to its end and return what it printed; it must succeed."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | settings, capture_output=True, text=True, timeout=RUN_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_recipe_for_pytest_and_what_the_page_shows_run(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "pytest", tmp_path / "pytest")
    (folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    page = (EXAMPLES.parent / "docs" / "testing.md").read_text()
    shown = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def test_" in block]
    for number, block in enumerate(shown):
        (folder / f"test_shown_{number}.py").write_text("import pytest\n" + block)

    printed = run([sys.executable, "-m", "pytest", "-v", "--strict-markers", *LIGHT, "-p", "no:cacheprovider"], folder)

    assert len(shown) == 5
    assert len(re.findall(r"^test_shown_\S+ PASSED", printed, re.MULTILINE)) == 7
    assert len(re.findall(r"^test_(?!shown)\S+ PASSED", printed, re.MULTILINE)) == 5
    assert "12 passed" in printed


@pytest.mark.slow
def test_the_recipe_for_unittest_runs(tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "unittest", tmp_path / "unittest")

    printed = run([sys.executable, "-m", "unittest"], folder)

    assert "Ran 2 tests" in printed
    assert printed.rstrip().endswith("OK")


@pytest.mark.real
@pytest.mark.slow
def test_a_node_program_reads_mail_with_tls_from_end_to_end(maco_lab: Lab, tmp_path: Path) -> None:
    node, npm = require_program("node"), require_program("npm")
    folder = shutil.copytree(EXAMPLES / "node", tmp_path / "node")
    run([npm, "install", "--no-audit", "--no-fund", "--silent"], folder)
    (tmp_path / "root.pem").write_bytes(maco_lab.root_pem)
    maco_lab.mail_server.deliver("strom@stadtwerke.example", SUBJECT)

    command = [node, "fetch-mail.mjs", "../root.pem"]
    bound = run(command, folder, VCAP_SERVICES=json.dumps(maco_lab.vcap_services))
    (folder / "default-env.json").write_text(json.dumps({"VCAP_SERVICES": maco_lab.vcap_services}))
    developed = run(command, folder)

    for printed in (bound, developed):
        assert "MSCONS_4711" in printed
        assert "verified: true" in printed
    handshake = maco_lab.journal.wait_for(Handshake, Party.MAIL_SERVER, succeeded=True)
    assert handshake.session is TlsSession.IMAP_STARTTLS


@pytest.mark.real
@pytest.mark.slow
def test_a_java_program_reads_mail_and_the_connector_does_tls(maco_lab: Lab) -> None:
    java = require_program("java")
    maco_lab.mail_server.deliver("gas@stadtwerke.example", SUBJECT)
    binding = maco_lab.service_binding

    printed = run(
        [java, "FetchMail.java"],
        EXAMPLES / "java",
        TOKEN_SERVICE_URL=binding["token_service_url"],
        CLIENT_ID=binding["clientid"],
        CLIENT_SECRET=binding["clientsecret"],
        PROXY_HOST=binding["onpremise_proxy_host"],
        PROXY_PORT=binding["onpremise_socks5_proxy_port"],
    )

    assert "MSCONS_4711" in printed
    handshake = maco_lab.journal.wait_for(Handshake, Party.CLOUD_CONNECTOR, session=TlsSession.BACK_END)
    assert handshake.succeeded


def test_readme_and_page_show_the_recipe_that_is_run() -> None:
    recipe = (EXAMPLES / "pytest" / "test_both_ways.py").read_text()
    code = recipe[recipe.index("def ") :]

    assert len(code.splitlines()) <= 10
    for page in ("README.md", "docs/testing.md"):
        assert f"```python\n{code}```" in (EXAMPLES.parent / page).read_text()
