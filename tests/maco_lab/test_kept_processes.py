"""`maco-lab up --state` as a user runs it: killed at any moment, started again, twice at once, and exported."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from maco_lab.lab_file import default_text
from maco_lab.state import StateFolder
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.settings import MAPPINGS, OWN
from tests.faults.seeds import SOAK
from tests.maco_lab.isolation import processes
from tests.maco_lab.page.client import PageClient
from tests.maco_lab.processes import Process, command, run, running, wait_until
from tests.maco_lab.test_keeping import HTTP, MAIL, done

pytestmark = pytest.mark.slow

STATE = ".maco-lab"
WRITERS = 8
KILLS = 4 if SOAK else 1


@contextlib.contextmanager
def lab_up(folder: Path, *more: str) -> Iterator[tuple[Process, AdminClient]]:
    """Run a lab that keeps its state in ``folder``, with a client of its administration."""
    temporary = folder / "t"
    temporary.mkdir(exist_ok=True)
    arguments = ("up", "--ports", "auto", "--state", STATE, *more)
    with running(*arguments, folder=folder, environment={"TMPDIR": str(temporary)}) as lab:
        lab.wait_for("ends the lab.")
        yield lab, AdminClient(f"https://{administered_at(lab)}")


def administered_at(lab: Process) -> str:
    return next(line.split()[0] for line in lab.text.splitlines() if "REST API, HTTPS" in line)


class Writer:
    """Adds, changes and removes mappings of its own until the lab is gone; knows what was answered with 2xx."""

    def __init__(self, admin: AdminClient, name: str, seed: int) -> None:
        self._admin = admin
        self._name = name
        self._random = random.Random(seed)
        self.acknowledged: dict[str, dict[str, Any]] = {}
        """What must be there."""
        self.under_way: dict[str, dict[str, Any] | None] = {}
        """What may be so instead, or gone (None): the request was not answered."""
        self.answers = 0

    def write(self, count: threading.Semaphore) -> None:
        number = 0
        try:
            while True:
                number += 1
                self._one(number)
                count.release()
        except OSError:  # HTTPException too, of a connection that is cut: see _call
            pass

    def _one(self, number: int) -> None:
        action = self._random.choice(["POST", "POST", "PUT", "DELETE"]) if self.acknowledged else "POST"
        if action == "POST":
            host = f"{self._name}-{number}.virtual"
            wanted: dict[str, Any] | None = {**MAIL, "virtualHost": host, "description": f"of {host}"}
            self._call("POST", MAPPINGS, host, wanted)
            return
        host = self._random.choice(sorted(self.acknowledged))
        changed = {**self.acknowledged[host], "description": f"change {number}", "localPort": "993"}
        self._call(action, f"{MAPPINGS}/{host}:143", host, changed if action == "PUT" else None)

    def _call(self, method: str, path: str, host: str, wanted: dict[str, Any] | None) -> None:
        self.under_way = {host: wanted}
        try:
            answer = self._admin.call(method, path, wanted)
        except Exception as error:
            raise ConnectionError from error  # whatever a cut connection looks like in http.client
        assert answer.status in {201, 204}, answer.text
        self.under_way = {}
        self.answers += 1
        if wanted is None:
            del self.acknowledged[host]
        else:
            self.acknowledged[host] = wanted


def maco_at(folder: Path) -> PageClient:
    note = StateFolder(folder / STATE, create=False).read_note()
    assert note is not None
    return PageClient(note.addresses["maco"])


@dataclass
class Killed:
    """A lab that was killed while its administration and its MaCo were written to, and what another one found."""

    folder: Path
    writers: Sequence[Writer]
    acknowledged: Sequence[str]
    """The credentials that MaCo has answered for."""
    mappings: Mapping[str, dict[str, Any]]
    credentials: set[str]


@pytest.fixture(scope="module", params=range(KILLS), ids=lambda seed: f"seed {seed}")
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Killed:
    seed: int = request.param
    folder, chance = tmp_path_factory.mktemp("killed"), random.Random(seed)
    acknowledged: list[str] = []
    with lab_up(folder, "--no-seed") as (lab, admin):
        api, enough = maco_at(folder), threading.Event()
        count = threading.Semaphore(0)
        writers = [Writer(admin, f"w{each}", seed * 100 + each) for each in range(WRITERS)]

        def write_to_maco() -> None:
            with contextlib.suppress(OSError, HTTPException):  # the lab is gone
                for number in itertools.count():
                    wanted = {"name": f"C{number}", "user": "u", "password": f"secret {number}"}
                    assert api.post("/api/credentials", wanted).status == 200
                    acknowledged.append(f"C{number}")
                    if number == 20:
                        enough.set()

        with ThreadPoolExecutor(WRITERS + 1) as pool:
            writing = [pool.submit(write_to_maco), *(pool.submit(each.write, count) for each in writers)]
            for _ in range(chance.randrange(20, 200)):
                assert count.acquire(timeout=20)
            assert enough.wait(timeout=30)
            os.kill(lab.pid, signal.SIGKILL)
            for each in writing:
                each.result(timeout=30)

    with contextlib.closing(sqlite3.connect(folder / STATE / "configuration.sqlite")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with lab_up(folder, "--no-seed") as (_, admin):
        mappings = {each["virtualHost"]: each for each in admin.get(MAPPINGS).json}
        held = {each["name"] for each in maco_at(folder).get("/api/credentials").data["credentials"]}
    return Killed(folder, writers, acknowledged, mappings, held)


def test_what_was_answered_survives_kill_9_and_nothing_is_half(killed: Killed) -> None:
    writers, found = killed.writers, killed.mappings
    assert sum(each.answers for each in writers) >= 20
    names = {host for each in writers for host in {*each.acknowledged, *each.under_way}}
    assert {host for host in found if host.startswith("w")} <= names
    for writer in writers:
        for host in {*writer.acknowledged, *writer.under_way}:
            allowed = [writer.acknowledged.get(host)]
            allowed += [writer.under_way[host]] if host in writer.under_way else []
            assert _fields(found.get(host)) in [_fields(each) for each in allowed], host


def _fields(mapping: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if mapping is None else {name: mapping[name] for name in MAIL}


def test_what_maco_answered_survives_kill_9(killed: Killed) -> None:
    acknowledged, held = killed.acknowledged, killed.credentials
    assert len(acknowledged) > 20
    assert {*acknowledged} <= held
    assert len(held - {*acknowledged, "STROM", "GAS"}) <= 1, "only the one that was on its way may be there too"


@dataclass
class Kept:
    """What was seen of a lab that kept what it was configured with, and its folder, in which nothing runs any more."""

    folder: Path
    modes: Mapping[str, int]
    """Of what is in its state folder, and of that itself (".")."""
    printed: subprocess.CompletedProcess[str]
    """By `maco-lab export`."""
    root: bytes


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    folder = tmp_path_factory.mktemp("kept")
    with lab_up(folder) as (_, admin):
        done(admin, ("POST", MAPPINGS, MAIL), ("PUT", OWN, {"description": "exported"}))
        assert maco_at(folder).post("/api/credentials", {"name": "OLD", "user": "u", "password": "x"}).status == 200
        state = folder / STATE
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in state.glob("*.sqlite*")}
        modes["."] = stat.S_IMODE(state.stat().st_mode)
        printed = run("export", "--state", STATE, folder=folder)
        return Kept(folder, modes, printed, (state / "certificates" / "root.pem").read_bytes())


def copied(kept: Kept, folder: Path) -> Path:
    """Return a folder in which a lab goes on with what was kept."""
    shutil.copytree(kept.folder / STATE, folder / STATE)
    return folder


def test_everything_in_the_folder_is_private(kept: Kept) -> None:
    modes = dict(kept.modes)
    assert modes.pop(".") == 0o700
    assert set(modes.values()) == {0o600}
    assert {"configuration.sqlite", "maco.sqlite"} <= set(modes)


def test_export_prints_a_lab_file_that_validates(tmp_path: Path, kept: Kept) -> None:
    is_exported(kept.printed, "exported", tmp_path)


def is_exported(printed: subprocess.CompletedProcess[str], description: str, folder: Path) -> None:
    assert printed.returncode == 0, printed.stderr
    assert printed.stdout.startswith("# Written by maco-lab export. It may hold passwords and private keys")
    assert f"        description: {description}\n" in printed.stdout
    (folder / "exported.yaml").write_text(printed.stdout)
    checked = command("validate", "exported.yaml", folder=folder)
    assert (checked.returncode, checked.stdout[:24]) == (0, "exported.yaml: no error.")


@dataclass
class Again:
    """What was seen of a lab that was started with what was kept, and a lab file that has changed since."""

    text: str
    location_id: str
    root: bytes
    files: set[str]


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory, kept: Kept) -> Again:
    folder = copied(kept, tmp_path_factory.mktemp("again"))
    (folder / "lab.yaml").write_text(default_text().replace("WERK1", "WERK2"))
    with lab_up(folder, "--no-seed") as (lab, admin):
        files = {each.name for each in (folder / STATE).iterdir()}
        root = (folder / STATE / "certificates" / "root.pem").read_bytes()
        return Again(lab.text, admin.get(OWN).json["locationID"], root, files)


def test_certificates_and_mail_are_kept_too(kept: Kept, again: Again) -> None:
    assert again.root == kept.root
    assert {"mail.sqlite", "inbox.sqlite"} <= again.files


def test_a_changed_lab_file_is_told_on_the_terminal(again: Again) -> None:
    assert "its part of the lab file has changed, but what is kept in" in " ".join(again.text.split())
    assert again.location_id == "WERK1"


def test_without_state_every_start_begins_with_the_lab_file(tmp_path: Path) -> None:
    for _ in range(2):
        with running("up", "--ports", "auto", folder=tmp_path, environment={"TMPDIR": str(tmp_path)}) as lab:
            lab.wait_for("ends the lab.")
            admin = AdminClient(f"https://{administered_at(lab)}")
            assert "description" not in admin.get(OWN).json
            done(admin, ("PUT", OWN, {"description": "changed"}))

    assert not (tmp_path / ".maco-lab" / "configuration.sqlite").exists()


def test_parties_with_a_process_of_their_own_find_what_was_kept_and_keep_it_when_they_are_killed(
    tmp_path: Path, kept: Kept
) -> None:
    name = "Cloud Connector scc"
    with lab_up(copied(kept, tmp_path), "--isolate") as (_, admin):
        api = maco_at(tmp_path)
        assert admin.get(f"{MAPPINGS}/added.virtual:143").status == 200
        assert (_description(admin), "OLD" in _credentials(api)) == ("exported", True)

        done(admin, ("POST", MAPPINGS, HTTP), ("PUT", OWN, {"description": "kept"}))
        assert api.post("/api/credentials", {"name": "NEW", "user": "u", "password": "x"}).status == 200
        killed = processes(tmp_path)
        os.kill(killed[name], signal.SIGKILL)
        os.kill(killed["MaCo"], signal.SIGKILL)
        wait_until(lambda: _description(admin) == "kept", "the connector is started again with what was kept")
        wait_until(lambda: "NEW" in _credentials(api), "MaCo is started again with what was kept")

        assert admin.get(f"{MAPPINGS}/web.virtual:80").status == 200
        printed = command("export", "--state", STATE, folder=tmp_path)
    is_exported(printed, "kept", tmp_path)
    assert "  - name: NEW\n" in printed.stdout, "the parent does not know what MaCo has"


def _credentials(api: PageClient) -> set[str]:
    try:
        return {each["name"] for each in api.get("/api/credentials").data["credentials"]}
    except (OSError, HTTPException):
        return set()


def _description(admin: AdminClient) -> str:
    try:
        return str(admin.get(OWN).json.get("description"))
    except OSError:
        return ""


def test_export_without_a_lab_says_so(tmp_path: Path) -> None:
    printed = command("export", folder=tmp_path)

    assert printed.returncode == 2
    assert printed.stderr == "no lab is running in .maco-lab: start one by `maco-lab up`\n"
