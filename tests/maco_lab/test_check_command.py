"""`maco-lab check` asks a lab that runs, whatever its parties run in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maco_lab.lab_file import default_text
from tests.maco_lab.processes import command, run, running


def without_trust(folder: Path) -> None:
    (folder / "lab.yaml").write_text(default_text().replace("certificates: [root]", "certificates: []"))


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--isolate", "--tap"]], ids=["one process", "isolated and tapped"])
def test_a_running_lab_is_checked_and_tells_what_its_trust_store_lacks(tmp_path: Path, options: list[str]) -> None:
    without_trust(tmp_path)
    with running("up", "--ports=auto", *options, folder=tmp_path) as lab:
        lab.wait_for("MaCo polls every")

        everything = run("check", folder=tmp_path)
        one = command("check", "scc/mail.stadtwerke.example:143", "--json", folder=tmp_path)
        unknown = command("check", "scc/nowhere:1", folder=tmp_path)

    assert everything.returncode == 1
    assert "  mail.stadtwerke.example:143  mail.stadtwerke.example:143  TCP       Reachable" in everything.stdout
    assert "would do in the trust store: issuer CN=maco-lab Mail Root CA" in everything.stdout
    assert one.returncode == 0
    assert [(each["virtual"], each["result"]) for each in json.loads(one.stdout)] == [
        ("mail.stadtwerke.example:143", "Reachable")
    ]
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert unknown.stderr == "found 'scc/nowhere:1', allowed: a mapping of a Cloud Connector of lab.yaml\n"


def test_without_a_lab_there_is_nothing_to_check(tmp_path: Path) -> None:
    found = command("check", folder=tmp_path)

    assert (found.returncode, found.stdout) == (2, "")
    assert "no lab is running in .maco-lab" in found.stderr
