"""One process and its parent: whatever the process does, the parent neither hangs nor fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from maco_lab.party_process import PartyGone, PartyProcess, Reply, how_it_ended
from maco_wire.observation import Observation, Party, Problem

DEADLINE_S = 10.0
REPORT = json.dumps({"t": 1.5, "observation": Problem(Party.MACO, "seen").as_fields()})
HELLO = json.dumps({"hello": 1})


class Child:
    """A process that does what a test says, with what it reported."""

    def __init__(self, process: PartyProcess) -> None:
        self.process = process
        self.seen: list[tuple[float, Observation]] = []
        self.code: int | None = None

    async def read(self) -> None:
        self.code = await self.process.read(lambda at, seen: self.seen.append((at, seen)))


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the child runs."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "scripted_child.py"


def write(script: Path, text: str) -> None:
    script.write_text("import os, signal, sys\n" + text)


@asynccontextmanager
async def running(script: Path, text: str) -> AsyncIterator[Child]:
    write(script, text)
    child = Child(await PartyProcess.start(["scripted_child"]))
    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(child.read())
        yield child
        await child.process.stop()


async def test_what_it_reports_arrives_with_its_time(script: Path) -> None:
    async with running(
        script, f"print({REPORT!r}, flush=True); print({HELLO!r}, flush=True); sys.stdin.read()"
    ) as child:
        await child.process.ready()

        assert child.seen == [(1.5, Problem(Party.MACO, "seen"))]


@pytest.mark.parametrize("line", ["", "garbage", "[1]", "{}", '{"t": 1.0, "observation": {"kind": "rumour"}}', '{"t":'])
async def test_a_line_that_is_no_report_is_passed_over(script: Path, line: str) -> None:
    text = f"print({line!r}); print({REPORT!r}); print({HELLO!r}, flush=True); sys.stdin.read()"
    async with running(script, text) as child:
        await child.process.ready()

        assert [at for at, _ in child.seen] == [1.5]


async def test_a_process_that_is_killed_in_the_middle_of_a_line_has_reported_what_was_whole(script: Path) -> None:
    text = f"print({REPORT!r}); print({REPORT[:20]!r}, end='', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    async with running(script, text) as child:
        with pytest.raises(PartyGone):
            await child.process.ready()

    assert (child.code, len(child.seen)) == (-9, 1)


async def test_a_question_to_a_process_that_ends_is_answered_by_its_end(script: Path) -> None:
    async with running(script, f"print({HELLO!r}, flush=True); sys.stdin.readline(); sys.exit(3)") as child:
        await child.process.ready()
        with pytest.raises(PartyGone):
            await child.process.ask("poll", timeout_s=None)

    assert child.code == 3


async def test_a_question_to_a_process_that_has_ended_is_not_sent(script: Path) -> None:
    async with running(script, f"print({HELLO!r}, flush=True)") as child:
        await child.process.ready()
        await child.process.stop()
        with pytest.raises(PartyGone):
            await child.process.ask("poll", timeout_s=None)


async def test_what_a_process_reports_that_was_told_to_end_is_waited_for(script: Path) -> None:
    text = f"print({HELLO!r}, flush=True); sys.stdin.read(); print({REPORT!r}, flush=True)"
    async with running(script, text) as child, asyncio.TaskGroup() as tasks:
        await child.process.ready()
        tasks.create_task(child.process.stop())
        await child.process._requests.wait_closed()

        await child.process.sync(timeout_s=DEADLINE_S)

        assert len(child.seen) == 1


async def test_a_process_that_does_not_answer_is_given_up(script: Path) -> None:
    async with running(script, f"print({HELLO!r}, flush=True); sys.stdin.read()") as child:
        await child.process.ready()
        with pytest.raises(TimeoutError):
            await child.process.ask("poll", timeout_s=0.05)


async def test_a_cancelled_question_is_cancelled_and_not_the_process_s_end(script: Path) -> None:
    async with running(script, f"print({HELLO!r}, flush=True); sys.stdin.read()") as child:
        await child.process.ready()
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(child.process.ask("poll", timeout_s=None))
            await asyncio.sleep(0)
            asking.cancel()

    assert asking.cancelled()


async def test_a_process_that_does_not_end_is_killed(script: Path) -> None:
    async with running(script, f"print({HELLO!r}, flush=True)\nwhile True: signal.pause()") as child:
        await child.process.ready()

    assert child.code == -9


QUESTION = json.dumps({"ask": 7, "question": "where", "of": "mail"})


async def test_what_it_asks_is_answered(script: Path) -> None:
    """The child says hello only when it has read the answer that it should get."""
    answer = json.dumps({"command": "answer", "ask": 7, "answer": {"there": "mail"}}) + "\n"
    write(
        script, f"print({QUESTION!r}, flush=True)\nif sys.stdin.readline() == {answer!r}: print({HELLO!r}, flush=True)"
    )
    process = await PartyProcess.start(["scripted_child"])

    async def serve(question: Mapping[str, Any], reply: Reply) -> None:
        await reply({"there": question["of"]})

    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(process.read(lambda *_: None, serve))
        await process.ready()

    assert reading.result() == 0


async def test_a_question_that_is_not_answered_yet_ends_with_the_process(script: Path) -> None:
    write(script, f"print({QUESTION!r}, flush=True); sys.stdin.readline()")
    process = await PartyProcess.start(["scripted_child"])
    asked, ended = asyncio.Event(), asyncio.Event()

    async def serve(_: Mapping[str, Any], reply: Reply) -> None:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(process.read(lambda *_: None, serve))
        await asked.wait()
        await process.stop()

    assert ended.is_set()


@pytest.mark.parametrize(("code", "words"), [(-9, "SIGKILL"), (-15, "SIGTERM"), (2, "exit code 2"), (-99, "signal 99")])
def test_an_end_is_told_in_words(code: int, words: str) -> None:
    assert how_it_ended(code) == words
