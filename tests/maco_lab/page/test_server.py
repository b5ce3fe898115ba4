"""The server of the page: bounded clients, an end that waits for nobody, and a start that costs nothing."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from maco_http import server
from maco_lab.lab_file import default_text
from maco_lab.page.serving import PageSocket
from maco_lab.testing.lab import Lab
from tests.maco_lab.page.client import DEADLINE_S, PageClient
from tests.maco_lab.processes import child_environment, run, running

STOP_S = 3.0  # as in test_up


def test_the_end_cuts_open_streams_and_says_nothing(maco_lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    taken = PageSocket(0)
    page = PageClient(taken.address)
    with caplog.at_level(logging.DEBUG), maco_lab.thread.loop.enter(taken.served_now(maco_lab.running)):
        streaming = page.events()
        events = streaming.__enter__()
        next(events)
    with contextlib.suppress(ConnectionError, http.client.HTTPException):
        assert all(each.kind == "entry" for each in events), "what was under way may still come, and then the end"
    streaming.__exit__(None, None, None)

    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
    with socket.socket() as late:
        assert late.connect_ex(page.address) != 0


def test_a_client_that_never_sends_its_head_is_cut_off(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.05)
    with page.raw(b"GET /api/landscape HTTP/1.1\r\n") as connection:
        assert connection.recv(100) == b""


def test_a_head_that_is_too_large_is_refused(page: PageClient) -> None:
    head = b"GET / HTTP/1.1\r\nX: " + b"x" * (4 * server.MAX_HEAD_BYTES)
    with page.raw(head) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_two_requests_on_one_connection_are_answered(page: PageClient) -> None:
    one = f"GET /api/tunnels HTTP/1.1\r\nHost: {page.host}\r\n\r\n"
    last = one.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    with page.raw((one + last).encode()) as connection, connection.makefile("rb") as answers:
        assert answers.read().count(b"HTTP/1.1 200 OK") == 2


def test_an_occupied_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as occupied, pytest.raises(OSError, match="in use") as raised:
        PageSocket(occupied.getsockname()[1])

    assert raised.value.filename.startswith("127.0.0.1:")


@pytest.mark.slow
def test_the_command_line_imports_no_web_server() -> None:
    code = "import json, sys, maco_lab.cli, maco_lab.up, maco_lab.pytest_plugin; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-P", "-c", code], env=child_environment(), capture_output=True, check=True, timeout=DEADLINE_S
    )

    modules = set(json.loads(printed.stdout))
    assert "maco_lab.page.serving" in modules
    assert not {"starlette", "uvicorn", "anyio"} & modules


def page_of(printed: str) -> PageClient:
    found = re.search(r"See it at http://([\d.]+):(\d+)", printed)
    assert found
    return PageClient((found[1], int(found[2])))


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--isolate",)], ids=["one process", "isolated"])
def test_a_lab_serves_its_page_and_a_signal_ends_it_while_somebody_looks(tmp_path: Path, more: tuple[str, ...]) -> None:
    with running("up", "--ports", "auto", *more, folder=tmp_path) as lab:
        lab.wait_for("See it at http://")
        lab.wait_for("\n")
        page = page_of(lab.text)
        assert f"{page.host} " in lab.text.split("Lab page")[1]
        assert page.get("/api/landscape").status == 200
        assert [each["stored"] for each in page.get("/api/sights").data["sights"]] == [1, 1]
        assert page.get("/api/tunnels").data["tunnels"][0]["state"] == "Connected"
        assert page.post("/api/scenarios/no-mapping/on", {}).status == (409 if more else 200)
        with page.events() as events:
            next(events)
            code, took_s = lab.stop(signal.SIGINT)

    assert (code, took_s < STOP_S) == (0, True)
    assert "Traceback" not in lab.text


@pytest.mark.slow
def test_a_lab_whose_first_poll_hangs_serves_its_page(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = f"127.0.0.1:{silent.getsockname()[1]}"
        (tmp_path / "lab.yaml").write_text(default_text().replace("143: 127.0.0.1:3143", f"143: {there}"))
        with running("up", "--ports=auto", folder=tmp_path) as lab:
            lab.wait_for("HTTP, this machine")
            found = re.search(r"Lab page\s+([\d.]+):(\d+)", lab.text)
            assert found
            page = PageClient((found[1], int(found[2])))
            assert page.get("/api/landscape").status == 200
            code, _ = lab.stop(signal.SIGINT)

    assert code == 0


@pytest.mark.slow
def test_a_lab_without_a_page_says_nothing_of_one(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(default_text().replace("serve: true", "serve: false"))
    with running("up", "--ports", "auto", folder=tmp_path) as lab:
        lab.wait_for("ends the lab.")
        lab.stop(signal.SIGINT)

    assert "Lab page" not in lab.text
    assert "See it" not in lab.text


@pytest.mark.slow
def test_a_lab_whose_page_has_no_port_does_not_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "lab.yaml").write_text(default_text().replace("port: 8025 ", f"port: {port} "))
        result = run("up", folder=tmp_path)

    assert result.returncode == 2
    assert f"127.0.0.1:{port}: Address already in use; " in result.stderr
