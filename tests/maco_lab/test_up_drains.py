"""The end of `maco-lab up` while somebody is still connected through it."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from maco_lab.lab_file import default_text
from maco_lab.state import StateFolder
from tests.maco_lab.processes import Process, run, running, wait_until
from tests.maco_lab.through_the_lab import connection, said

pytestmark = pytest.mark.slow

WAYS = pytest.mark.parametrize("isolate", [[], ["--isolate"]], ids=["one process", "isolated"])
LONG_S = 600


@contextlib.contextmanager
def _lab(folder: Path, isolate: list[str], *, drain_s: float = LONG_S) -> Iterator[Process]:
    (folder / "t").mkdir()
    key = f"drain_s: {drain_s}\n"
    text = default_text().replace("  host: 127.0.0.1\n  socks5", f"  {key}  host: 127.0.0.1\n  socks5", 1)
    text = text.replace("  - name: scc\n", f"  - name: scc\n    {key}", 1)
    assert text.count("drain_s") == 2
    (folder / "lab.yaml").write_text(text, encoding="utf-8")
    with running("up", "--ports", "auto", *isolate, folder=folder, environment={"TMPDIR": str(folder / "t")}) as lab:
        lab.wait_for("ends the lab.")
        yield lab


def _begin_to_stop(lab: Process, folder: Path, number: signal.Signals) -> None:
    """Send the signal, and return once nobody is let in any more."""
    note = StateFolder(folder / ".maco-lab", create=False).read_note()
    assert note is not None
    address = note.addresses["socks5"]
    lab.child.send_signal(number)

    def is_closed() -> bool:
        with socket.socket() as client:
            return client.connect_ex(address) != 0

    wait_until(is_closed, "the lab lets nobody in")


@WAYS
def test_who_is_connected_may_finish(tmp_path: Path, isolate: list[str]) -> None:
    with _lab(tmp_path, isolate) as lab:
        with connection(tmp_path) as client:
            _begin_to_stop(lab, tmp_path, signal.SIGTERM)
            assert said(client, b"a NOOP").startswith(b"a OK")
            assert lab.child.poll() is None
            client.sendall(b"z LOGOUT\r\n")
            while client.recv(4096):
                pass
        assert lab.wait() == 0


@WAYS
def test_a_second_signal_waits_for_nobody(tmp_path: Path, isolate: list[str]) -> None:
    with _lab(tmp_path, isolate) as lab, connection(tmp_path) as client:
        _begin_to_stop(lab, tmp_path, signal.SIGINT)
        lab.child.send_signal(signal.SIGINT)
        assert (lab.wait(), said(client, b"b NOOP")) == (0, b"")


@WAYS
def test_the_limit_ends_it(tmp_path: Path, isolate: list[str]) -> None:
    with _lab(tmp_path, isolate, drain_s=0.2) as lab, connection(tmp_path) as client:
        lab.child.send_signal(signal.SIGINT)
        assert (lab.wait(), said(client, b"b NOOP")) == (0, b"")


def test_down_waits_as_long_as_the_lab_drains(tmp_path: Path) -> None:
    with _lab(tmp_path, [], drain_s=7) as lab, connection(tmp_path):
        down = run("down", folder=tmp_path)
        assert (down.returncode, lab.wait()) == (0, 0)
