"""`maco-lab up --isolate --tap`: the same taps as with one process, and they outlive every party."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from maco_lab.lab_file import default_text
from tests.maco_lab.isolation import FETCHED_BOTH_WAYS, PARTIES, READY, is_connected, journal, kill, poll_everything
from tests.maco_lab.processes import Process, command, running, wait_until
from tests.maco_wire.capture_reader import SECRETS, captured, walk

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def tapped(folder: Path, *more: str) -> Iterator[Process]:
    """Run a lab that polls on demand, once its first polls are told."""
    (folder / "t").mkdir()
    (folder / "lab.yaml").write_text(default_text().replace("poll_every_s: 60", "poll_every_s: 3600"))
    environment = {"TMPDIR": str(folder / "t"), "COLUMNS": "80"}
    with running("up", "--tap", "--ports=auto", *more, folder=folder, environment=environment) as lab:
        lab.wait_for(READY)
        yield lab


def told_by_taps(text: str) -> str:
    """Return what was printed of the first polls."""
    return re.sub(r"\d+ bytes", "bytes", text.partition("way-a, as the taps saw it:")[2].partition("See it")[0])


@pytest.fixture(scope="module")
def bereft(tmp_path_factory: pytest.TempPathFactory) -> tuple[Process, Path]:
    """A lab of which every party was killed in turn; it was polled, wrote a capture and got a SIGINT."""
    folder = tmp_path_factory.mktemp("bereft")
    with tapped(folder, "--isolate") as lab:
        for name in PARTIES:
            last = journal(folder)[-1]["n"]
            kill(folder, name)
            if name in ("Connectivity service", "Cloud Connector scc"):
                wait_until(is_connected(folder, after=last), "the tunnel is up again")
        assert poll_everything(folder) == FETCHED_BOTH_WAYS
        written = command("capture", "hops.pcapng", "--running", folder=folder)
        assert (written.returncode, written.stderr) == (0, "")
        code, _ = lab.stop(signal.SIGINT)
    assert code == 0
    return lab, folder


def test_what_is_told_is_the_same_as_with_one_process_and_nothing_is_left(
    tmp_path: Path, bereft: tuple[Process, Path]
) -> None:
    with tapped(tmp_path) as lab:
        code, _ = lab.stop(signal.SIGINT)
    assert code == 0
    alone = told_by_taps(lab.text)
    assert alone.count("awake, both ends agree") == 3

    isolated, folder = bereft
    assert told_by_taps(isolated.text) == alone
    assert [list((each / "t").iterdir()) for each in (tmp_path, folder)] == [[], []]


def test_taps_outlive_every_party_that_is_killed(bereft: tuple[Process, Path]) -> None:
    lab, folder = bereft

    file = (folder / "hops.pcapng").read_bytes()
    assert {each.interface for each in captured(file)} == {0, 1, 2}
    assert SECRETS in [kind for kind, _ in walk(file)]
    ended = dict(re.findall(r"Tap on the (.+): (\d+) connections?, \d+ bytes\n", lab.text))
    assert {hop: int(count) for hop, count in ended.items()} == {"cloud network": 4, "tunnel": 3, "customer LAN": 4}


def test_a_back_end_that_is_not_there_is_met_as_with_one_process_and_without_taps(tmp_path: Path) -> None:
    down = default_text().replace("143: 127.0.0.1:3143", "143: 127.0.0.1:9")  # discard: nobody listens there
    (tmp_path / "lab.yaml").write_text(down)

    def refused(*more: str) -> list[tuple[str, str]]:
        with running("up", "--ports=auto", *more, folder=tmp_path) as lab:
            lab.wait_for(READY)
            lab.stop(signal.SIGINT)
        return [(line["party"], line["reason"]) for line in journal(tmp_path) if line["kind"] == "stream_refused"]

    without = refused()
    assert len(without) == 2
    assert refused("--isolate", "--tap") == without
