"""The end of `maco-lab up` while somebody is still connected through it; test_isolate has more of isolated parties."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.maco_lab.processes import Process, run, running
from tests.maco_lab.through_the_lab import begin_to_stop, connection, log_out, said, that_drains

pytestmark = pytest.mark.slow

WAYS = pytest.mark.parametrize("isolate", [[], ["--isolate"]], ids=["one process", "isolated"])
LONG_S = 600


@contextlib.contextmanager
def _lab(folder: Path, isolate: list[str], *, drain_s: float = LONG_S) -> Iterator[Process]:
    (folder / "t").mkdir()
    (folder / "lab.yaml").write_text(that_drains(drain_s), encoding="utf-8")
    with running("up", "--ports", "auto", *isolate, folder=folder, environment={"TMPDIR": str(folder / "t")}) as lab:
        lab.wait_for("ends the lab.")
        yield lab


def test_who_is_connected_may_finish(tmp_path: Path) -> None:
    with _lab(tmp_path, []) as lab:
        with connection(tmp_path) as client:
            begin_to_stop(lab, tmp_path, signal.SIGTERM)
            assert said(client, b"a NOOP").startswith(b"a OK")
            assert lab.child.poll() is None
            log_out(client)
        assert lab.wait() == 0


@WAYS
def test_a_second_signal_waits_for_nobody(tmp_path: Path, isolate: list[str]) -> None:
    with _lab(tmp_path, isolate) as lab, connection(tmp_path) as client:
        begin_to_stop(lab, tmp_path, signal.SIGINT)
        lab.child.send_signal(signal.SIGINT)
        assert (lab.wait(), said(client, b"b NOOP")) == (0, b"")


def test_the_limit_ends_it(tmp_path: Path) -> None:
    with _lab(tmp_path, [], drain_s=0.2) as lab, connection(tmp_path) as client:
        lab.child.send_signal(signal.SIGINT)
        assert (lab.wait(), said(client, b"b NOOP")) == (0, b"")


def test_down_waits_as_long_as_the_lab_drains(tmp_path: Path) -> None:
    with _lab(tmp_path, [], drain_s=7) as lab, connection(tmp_path):
        down = run("down", folder=tmp_path)
        assert (down.returncode, lab.wait()) == (0, 0)
