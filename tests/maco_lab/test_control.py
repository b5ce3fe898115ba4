"""The control socket answers one line with one line, and no client can disturb it."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from maco_lab import control
from maco_lab.control import ControlError, ask, control_socket, remove_left_over


async def echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"got": request}


@pytest.fixture(autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("t")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


async def raw(path: Path, data: bytes) -> bytes:
    """Send bytes, end the sending side, and return everything that comes back."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_request_is_answered() -> None:
    async with control_socket(echo) as path:
        answer = await asyncio.to_thread(ask, str(path), {"command": "ü"}, timeout_s=5)

    assert answer == {"got": {"command": "ü"}}


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\n", b"no json\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", b'{"a": ', b"\0" * 1000],
    ids=["nothing", "empty line", "no json", "no utf-8", "nested", "cut off", "zeros"],
)
async def test_garbage_gets_no_answer_and_the_next_one_is_served(
    garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with control_socket(echo) as path:
        assert await raw(path, garbage) == b""
        assert await raw(path, b"{}\n") == b'{"got": {}}\n'

    assert caplog.messages == [], "an exception that nobody caught would be logged"


async def test_a_line_that_is_too_long_gets_no_answer_and_the_next_one_is_served() -> None:
    async with control_socket(echo) as path:
        assert await raw(path, b"x" * (control.MAX_REQUEST_BYTES + 1) + b"\n") == b""
        assert await raw(path, b"{}\n") == b'{"got": {}}\n'


async def test_what_is_no_mapping_is_an_empty_request() -> None:
    async with control_socket(echo) as path:
        assert await raw(path, b"[1]\n") == b'{"got": {}}\n'


async def test_a_silent_client_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "REQUEST_S", 0.01)
    async with control_socket(echo) as path:
        reader, writer = await asyncio.open_unix_connection(path)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_a_silent_client_does_not_hold_up_another_one() -> None:
    async with control_socket(echo) as path:
        _, silent = await asyncio.open_unix_connection(path)
        assert await raw(path, b"{}\n") == b'{"got": {}}\n'
        silent.close()


async def test_a_client_that_does_not_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "ANSWER_S", 0.0)
    served = asyncio.Event()

    async def much(_: dict[str, Any]) -> dict[str, Any]:
        served.set()
        return {"much": "x" * 8_000_000}

    async with control_socket(much) as path:
        reader, writer = await asyncio.open_unix_connection(path, limit=1)
        writer.write(b"{}\n")
        async with asyncio.timeout(5):
            await served.wait()
            assert await raw(path, b"x\n") == b"", "others are served"
            received = len(await reader.read())
        writer.close()

    assert received < 8_000_000, "the connection was ended before everything was sent"


async def test_the_end_cuts_off_a_request_under_way() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow(_: dict[str, Any]) -> dict[str, Any]:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return {}

    async with asyncio.timeout(5):
        async with control_socket(slow) as path:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"{}\n")
            await begun.wait()
        assert ended.is_set()
        assert await reader.read() == b""
        writer.close()


async def test_the_sockets_folder_is_private_and_goes_with_it(temporary: Path) -> None:
    async with control_socket(echo) as path:
        assert path.parent.parent == temporary
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    assert os.listdir(temporary) == []  # noqa: PTH208 - in a coroutine


def test_asking_where_nobody_listens_is_a_control_error(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="does not answer on its control socket"):
        ask(str(tmp_path / "none"), {}, timeout_s=1)


@pytest.mark.parametrize(
    ("answer", "told"),
    [(b"", "ended before it answered"), (b"x\n", "ended before it answered"), (b"[1]\n", "something else")],
)
async def test_an_answer_that_is_none_is_a_control_error(tmp_path: Path, answer: bytes, told: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "s")
    try:
        with pytest.raises(ControlError, match=told):
            await asyncio.to_thread(ask, str(tmp_path / "s"), {}, timeout_s=5)
    finally:
        server.close()


def test_asking_a_lab_that_hangs_ends_with_the_deadline(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()

        with pytest.raises(ControlError, match="timed out"):
            ask(str(tmp_path / "s"), {}, timeout_s=0.05)


def test_left_over_sockets_are_removed_but_no_folder_that_holds_more(tmp_path: Path) -> None:
    folder = tmp_path / "maco-lab-x"
    folder.mkdir()
    (folder / "control").touch()
    (folder / "more").touch()

    remove_left_over(folder / "control")

    assert [path.name for path in folder.iterdir()] == ["more"]
