"""``maco-lab capture``: a lab of its own on free ports, with taps; every e-mail connection is polled once.

What the taps kept is taken after the parties have ended, so that nothing is cut off. Or of a lab that runs: that writes
the file itself, asked over its control socket, and what passes goes on.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maco_client.results import PollResult
from maco_lab.capture import write_capture
from maco_lab.capture_addresses import Servers
from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile
from maco_lab.lab_matrix import TappedLab
from maco_lab.parties import TUNNEL_HOST
from maco_lab.state import StateFolder
from maco_lab.taps.chunk import TappedConnection
from maco_lab.taps.copies import Wiretap
from maco_lab.topology import running_lab

CONNECTIVITY_NAME = "connectivity-service"


@dataclass(frozen=True, slots=True)
class Recording:
    """What the taps kept, and how it is to be shown; ``key_log`` is empty if no keys were asked for."""

    wiretap: Wiretap
    servers: Servers
    key_log: tuple[bytes, ...]
    results: tuple[PollResult, ...]

    @property
    def failures(self) -> list[str]:
        """Say why nothing, or less than all, is in the capture; empty if every poll succeeded."""
        failed = [f"{each.connection}: {each.error}" for each in self.results if not each.succeeded]
        return failed or ([] if self.results else ["the lab file has no e-mail connection"])

    def summary(self, out: Path) -> str:
        """Say in one line what ``out`` holds."""
        passed = sum(len(chunk.data) for chunk in self.wiretap.chunks)
        keys = "with the keys of the lab's TLS sessions" if self.key_log else "without keys"
        return f"{out}: {len(self.wiretap.connections)} connections, {passed} bytes, {keys}"


async def record_polls(file: LabFile, *, with_keys: bool) -> Recording:
    """Run the landscape once and poll each connection in turn; raises what starting a lab raises."""
    with tempfile.TemporaryDirectory(prefix="maco-lab-capture-") as folder:
        async with running_lab(file, StateFolder(Path(folder)), Journal(), free_ports=True, tapped=True) as lab:
            if lab.taps is None:
                raise AssertionError("the lab was started with taps")
            await lab.seed_mail()
            results = [await lab.maco.poll(name) for name in lab.maco.connections]
            key_log = lab.taps.keys.lines() if with_keys else ()
        wiretap = lab.taps.wiretap()
        return Recording(wiretap, named_servers(lab, wiretap), key_log, tuple(results))


async def capture_answer(lab: TappedLab, out: Path, *, with_keys: bool) -> dict[str, Any]:
    """Write what has passed so far in a running lab; return its answer over the control socket."""
    if lab.taps is None:
        return {"ok": False, "error": "the lab runs without taps: start it by `maco-lab up --tap`"}
    wiretap = lab.taps.wiretap()
    recording = Recording(wiretap, named_servers(lab, wiretap), lab.taps.keys.lines() if with_keys else (), ())
    written = (out, wiretap, recording.servers, recording.key_log)
    try:
        await asyncio.get_running_loop().run_in_executor(None, write_capture, *written)
    except OSError as error:
        return {"ok": False, "error": f"{out}: {error.strerror}"}
    return {"ok": True, "summary": recording.summary(out)}


def named_servers(lab: TappedLab, wiretap: Wiretap) -> Servers:
    """Return what the servers of tapped connections are called in the lab file."""
    named = ((connection.server, _name(lab, connection)) for connection in wiretap.connections)
    return {server: name for server, name in named if name is not None}


def _name(lab: TappedLab, connection: TappedConnection) -> tuple[str, int] | None:
    cloud = lab.file.model.cloud
    match connection.hop:
        case "cloud network":
            return CONNECTIVITY_NAME, cloud.socks5_port
        case "tunnel":
            return TUNNEL_HOST, cloud.tunnel_port
        case "customer LAN":
            return lab.names.name_of(connection.server)
