"""``maco-lab env`` of a lab that runs, as a program reads what it prints."""

from __future__ import annotations

import json
import stat
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from maco_lab.env_command import Format, write_privately
from tests.maco_lab.processes import child_environment, command, run, running

pytestmark = pytest.mark.slow


def token_of(credentials: dict[str, str]) -> str:
    """Fetch a token as an application does."""
    form = {
        "grant_type": "client_credentials",
        "client_id": credentials["clientid"],
        "client_secret": credentials["clientsecret"],
    }
    url = f"{credentials['token_service_url']}/oauth/token"
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=10) as answer:
        return str(json.load(answer)["access_token"])


def printed(folder: Path, *arguments: str) -> str:
    done = command("env", *arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_format_holds_the_credentials_of_the_lab_that_runs(tmp_path: Path) -> None:
    with running("up", "--ports", "auto", "--no-seed", folder=tmp_path) as lab:
        lab.wait_for("MaCo polls every")

        credentials = json.loads(printed(tmp_path, "--format", "json"))
        assert token_of(credentials).count(".") == 2  # RFC 7515, section 3.1
        assert all(isinstance(value, str) for value in credentials.values())
        vcap = json.loads(printed(tmp_path))
        assert vcap["connectivity"][0]["credentials"] == credentials
        assert json.loads(printed(tmp_path, "--format", "default-env")) == {"VCAP_SERVICES": vcap}
        exported = printed(tmp_path, "--format", "shell")
        shell = subprocess.run(
            ["/bin/sh", "-c", f'{exported}\nprintf %s "$VCAP_SERVICES"'],
            env=child_environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert json.loads(shell.stdout) == vcap

        found = json.loads(printed(tmp_path, "--destinations"))
        assert [each["Type"] for each in found] == ["MAIL", "MAIL", "TCP", "TCP", "TCP", "TCP"]
        assert json.loads(printed(tmp_path, "--destinations", "--format", "default-env")) == {"destinations": found}

        assert printed(tmp_path, "--format", "default-env", "--out", "default-env.json") == ""
        written = tmp_path / "default-env.json"
        assert json.loads(written.read_text()) == {"VCAP_SERVICES": vcap}
        assert stat.S_IMODE(written.stat().st_mode) == 0o600

        refused = run("env", "--client", "nobody", folder=tmp_path)
        assert (refused.returncode, refused.stderr) == (2, "--client: found 'nobody', allowed: 'maco'\n")


def test_an_unknown_format_and_a_lab_that_does_not_run_are_told(tmp_path: Path) -> None:
    wrong, nothing = command("env", "--format", "yaml", folder=tmp_path), command("env", folder=tmp_path)

    assert (wrong.returncode, wrong.stderr) == (
        2,
        f"--format: found 'yaml', allowed: {', '.join(Format)}\n",
    )
    assert (nothing.returncode, "no lab is running" in nothing.stderr) == (2, True)


def test_a_file_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "default-env.json"
    path.write_text("longer than what comes now")
    path.chmod(0o644)

    write_privately(path, "{}")

    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("{}", 0o600)
