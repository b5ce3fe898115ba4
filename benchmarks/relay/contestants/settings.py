"""What both processes of our pair agree on: names, the certificates' folder, limits wide enough for every row."""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
import json
import resource
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from certs.cast import MAIL_HOST, TUNNEL_HOST, Cast
from certs.files import read_cast
from connector_sim.tunnel.session import SessionSettings

SUBACCOUNT = "stadtwerke"
LOCATION_ID = "WERK1"
VIRTUAL_HOST = "sink.virtual"
VIRTUAL_PORT = 143
INTERNAL_HOST = MAIL_HOST
TUNNEL_NAME = TUNNEL_HOST
MOST_STREAMS = 20_000


def session_settings() -> SessionSettings:
    """Return a tunnel's settings; only the limit of streams differs from the product's."""
    return SessionSettings(max_streams=MOST_STREAMS)


def cast(folder: Path) -> Cast:
    """Return the certificates that the benchmark has made."""
    return read_cast(folder)


def say(**facts: Any) -> None:
    """Tell the benchmark, in one line on standard output."""
    print(json.dumps(facts), flush=True)


def run(party: Coroutine[Any, Any, None]) -> None:
    """Run a party until SIGTERM, on uvloop if the last argument says so."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    gc.freeze()  # as maco_lab.runner does for every party
    factory = importlib.import_module("uvloop").new_event_loop if sys.argv[-1] == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_until_told(party))


def has_uvloop() -> bool:
    """Tell whether uvloop is installed."""
    return importlib.util.find_spec("uvloop") is not None


async def _until_told(party: Coroutine[Any, Any, None]) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(party)
        await told.wait()
        running.cancel()
