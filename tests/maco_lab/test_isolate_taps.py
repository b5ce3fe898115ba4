"""`maco-lab up --isolate --tap`: the same taps as with one process, and they outlive every party."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from maco_lab.lab_file import default_text
from tests.maco_lab.processes import Process, run, running, wait_until
from tests.maco_lab.test_isolate import PARTIES, is_connected, journal, kill, poll_everything
from tests.maco_wire.capture_reader import SECRETS, captured, walk

pytestmark = pytest.mark.slow

READY = "ends the lab."


@contextlib.contextmanager
def tapped(folder: Path, *more: str) -> Iterator[Process]:
    (folder / "t").mkdir(exist_ok=True)
    environment = {"TMPDIR": str(folder / "t"), "COLUMNS": "80"}
    with running("up", "--tap", "--ports=auto", *more, folder=folder, environment=environment) as lab:
        lab.wait_for(READY)
        yield lab


def test_what_is_told_is_the_same_as_with_one_process_and_nothing_is_left(tmp_path: Path) -> None:
    def told(*more: str) -> str:
        with tapped(tmp_path, "--state", f"s{len(more)}", *more) as lab:
            code, _ = lab.stop(signal.SIGINT)
        assert code == 0
        assert list((tmp_path / "t").iterdir()) == []
        return re.sub(r"\d+ bytes", "bytes", lab.text.partition("way-a, as the taps saw it:")[2].partition("See it")[0])

    alone = told()
    assert alone.count("awake, both ends agree") == 3
    assert told("--isolate") == alone


def test_taps_outlive_every_party_that_is_killed(tmp_path: Path) -> None:
    with tapped(tmp_path, "--isolate") as lab:
        for name in PARTIES:
            last = journal(tmp_path)[-1]["n"]
            kill(tmp_path, name)
            if name in ("Connectivity service", "Cloud Connector scc"):
                wait_until(is_connected(tmp_path, after=last), "the tunnel is up again")
        polled = poll_everything(tmp_path)
        written = run("capture", "hops.pcapng", "--running", folder=tmp_path)
        lab.stop(signal.SIGINT)

    assert polled == [("way-a", True, 1), ("way-b", True, 1)]
    assert (written.returncode, written.stderr) == (0, "")
    file = (tmp_path / "hops.pcapng").read_bytes()
    assert {each.interface for each in captured(file)} == {0, 1, 2}
    assert SECRETS in [kind for kind, _ in walk(file)]
    ended = dict(re.findall(r"Tap on the (.+): (\d+) connections?, \d+ bytes\n", lab.text))
    assert {hop: int(count) for hop, count in ended.items()} == {"cloud network": 4, "tunnel": 3, "customer LAN": 4}


def test_a_back_end_that_is_not_there_is_met_as_without_taps(tmp_path: Path) -> None:
    down = default_text().replace("143: 127.0.0.1:3143", "143: 127.0.0.1:9")  # discard: nobody listens there
    (tmp_path / "lab.yaml").write_text(down)

    def refused(*more: str) -> list[tuple[str, str]]:
        with running("up", "--isolate", "--ports=auto", *more, folder=tmp_path) as lab:
            lab.wait_for(READY)
            lab.stop(signal.SIGINT)
        return [(line["party"], line["reason"]) for line in journal(tmp_path) if line["kind"] == "stream_refused"]

    without = refused()
    assert len(without) == 2
    assert refused("--tap") == without
