from __future__ import annotations

import subprocess
import sys

import pytest

from mailserver_sim.reactor import ReactorError, ensure_reactor
from tests.mailserver_sim.running import LoopThread

ANOTHER_REACTOR = """
import asyncio
from twisted.internet import selectreactor
selectreactor.install()
from mailserver_sim.reactor import ReactorError, ensure_reactor
async def main():
    try:
        ensure_reactor(asyncio.get_running_loop())
    except ReactorError as error:
        print(error)
asyncio.run(main())
"""


def test_a_second_call_on_the_same_loop_does_nothing(loop_thread: LoopThread) -> None:
    loop_thread.call(lambda: ensure_reactor(loop_thread.loop))


async def test_another_loop_of_the_process_is_refused(loop_thread: LoopThread) -> None:
    import asyncio

    with pytest.raises(ReactorError, match="another event loop"):
        ensure_reactor(asyncio.get_running_loop())


@pytest.mark.slow
def test_another_reactor_in_the_process_is_refused_by_name() -> None:
    found = subprocess.run([sys.executable, "-c", ANOTHER_REACTOR], capture_output=True, text=True, check=True)
    assert "SelectReactor is already installed" in found.stdout


def test_call_later_works_though_the_reactor_never_runs(loop_thread: LoopThread) -> None:
    import asyncio
    from typing import Any, cast

    from twisted.internet import reactor

    async def wait() -> bool:
        event = asyncio.Event()
        cast("Any", reactor).callLater(0.01, event.set)
        async with asyncio.timeout(5):
            return await event.wait()

    assert loop_thread.run(wait())
    assert not cast("Any", reactor).running
