"""Standard input and output as a stream: whatever they are, whoever made them non-blocking, and never read ahead."""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from maco_lab.stdio_stream import StdioStream
from maco_net.errors import PeerReset

MUCH = bytes(range(256)) * 4096  # 1 MiB: more than a pipe holds
Pipe = tuple[int, int]


@pytest.fixture
def descriptors() -> Iterator[list[int]]:
    """Descriptors that are closed when the test is over."""
    opened: list[int] = []
    yield opened
    for descriptor in opened:
        try:
            os.close(descriptor)
        except OSError:  # the test has closed it
            continue


@pytest.fixture
def given(descriptors: list[int]) -> Pipe:
    """A pipe whose first end is the input."""
    pipe = os.pipe()
    descriptors.extend(pipe)
    return pipe


@pytest.fixture
def taken(descriptors: list[int]) -> Pipe:
    """A pipe whose second end is the output."""
    pipe = os.pipe()
    descriptors.extend(pipe)
    return pipe


def read_exactly(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += os.read(descriptor, count - len(data))
    return data


async def test_nothing_is_read_before_it_is_asked_for(given: Pipe, taken: Pipe) -> None:
    stream = StdioStream(given[0], taken[1])
    os.write(given[1], b"abcd")

    assert await stream.receive(2) == b"ab"
    assert await asyncio.to_thread(os.read, given[0], 10) == b"cd"
    assert stream.received == 2


async def test_the_end_of_the_input_is_told_and_remembered(given: Pipe, taken: Pipe) -> None:
    stream = StdioStream(given[0], taken[1])
    os.close(given[1])

    assert (await stream.receive(), await stream.receive()) == (b"", b"")
    assert stream.input_ended.done()


async def test_an_input_that_cannot_be_read_has_ended(given: Pipe, taken: Pipe) -> None:
    assert await StdioStream(given[1], taken[1]).receive() == b""


@pytest.mark.parametrize("blocking", [True, False])
async def test_everything_is_written_whoever_made_the_output_non_blocking(
    given: Pipe, taken: Pipe, blocking: bool
) -> None:
    os.set_blocking(taken[1], blocking)
    reading = asyncio.to_thread(read_exactly, taken[0], len(MUCH))
    _, data = await asyncio.gather(StdioStream(given[0], taken[1]).send(MUCH), reading)

    assert data == MUCH
    assert os.get_blocking(taken[1]) is blocking


async def test_an_input_that_is_non_blocking_is_waited_for(given: Pipe, taken: Pipe) -> None:
    os.set_blocking(given[0], False)
    stream = StdioStream(given[0], taken[1])
    async with asyncio.TaskGroup() as tasks:
        receiving = tasks.create_task(stream.receive())
        done, _ = await asyncio.wait([receiving], timeout=0.05)
        assert not done
        os.write(given[1], b"late")

    assert receiving.result() == b"late"
    assert not os.get_blocking(given[0])


async def test_what_nobody_reads_is_dropped_while_the_input_goes_on(given: Pipe, taken: Pipe) -> None:
    stream = StdioStream(given[0], taken[1])
    os.close(taken[0])
    await stream.send(b"x")
    os.write(given[1], b"what the program had said before it went")

    assert stream.unheard.done()
    assert await stream.receive() == b"what the program had said before it went"


async def test_an_output_that_fails_is_a_reset(given: Pipe, tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    for_reading = os.open(tmp_path / "out", os.O_RDONLY)
    try:
        with pytest.raises(PeerReset, match="Bad file descriptor"):
            await StdioStream(given[0], for_reading).send(b"x")
    finally:
        os.close(for_reading)


async def test_it_is_told_when_nobody_can_read_any_more(given: Pipe, taken: Pipe) -> None:
    stream = StdioStream(given[0], taken[1])
    assert not stream.unheard.done()
    os.close(taken[0])

    async with asyncio.timeout(5):
        await stream.unheard


async def test_when_the_other_side_has_ended_nothing_more_is_taken(given: Pipe, taken: Pipe) -> None:
    stream = StdioStream(given[0], taken[1])
    async with asyncio.TaskGroup() as tasks:
        receiving = tasks.create_task(stream.receive())
        await asyncio.sleep(0)
        await stream.send_eof()

    assert receiving.result() == b""
    assert select.select([taken[0]], [], [], 0)[0] == []  # the output itself stays open until the process ends
