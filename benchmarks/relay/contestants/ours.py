"""Start our pair of processes, and the module for one hop where there is one.

``OPENSSL_CONF`` gives them the cipher that the peers are configured for: Python before 3.15 cannot choose among those
of TLS 1.3.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import select
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from benchmarks.relay.contestants import settings
from benchmarks.relay.contestants.peer_files import CIPHERSUITE
from benchmarks.relay.contestants.shape import Ground, Running, Shape, Tuning
from benchmarks.relay.generator.entry import Entry, Step
from benchmarks.relay.processes import LOOPBACK, StartError, running
from maco_wire import socks5

START_S = 15.0
_PROXY_ANSWERS = (b"\x05\x80", b"\x01\x00", b"\x05\x00\x00\x01" + bytes(6))
OPENSSL_CONF = f"""\
openssl_conf = start
[start]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
Ciphersuites = {CIPHERSUITE}
"""


def set_cipher(folder: Path) -> None:
    """Give every Python that is started from now on the cipher of the benchmark."""
    file = folder / "openssl.cnf"
    file.write_text(OPENSSL_CONF, encoding="utf-8")
    os.environ["OPENSSL_CONF"] = str(file)


def socks5_steps(token: str) -> tuple[Step, ...]:
    """Return the three requests of a client that asks for the sink, each to be sent after the answer before."""
    client = socks5.Socks5Client(
        token=token,
        location_id=settings.LOCATION_ID,
        host=settings.VIRTUAL_HOST,
        port=settings.VIRTUAL_PORT,
    )
    steps: list[Step] = []
    for answer in _PROXY_ANSWERS:
        steps.append(Step(client.data_to_send(), len(answer), answer[:2]))
        client.receive_data(answer)
    return tuple(steps)


def start(
    kind: Literal["plain", "socks5"],
    stack: ExitStack,
    ground: Ground,
    shape: Shape,
    tuning: Tuning,
    sink_port: int,
) -> Running:
    """Run the Connectivity service and the Cloud Connector, or the module for one hop."""
    del tuning  # there is nothing to choose
    if shape is not Shape.TWO_HOPS:
        return start_one_hop(stack, ground, shape, sink_port)
    cast = str(ground.folder / "cast")
    cloud, facts = _start(stack, ground, "benchmarks.relay.contestants.cloud", cast)
    ports = [str(facts["tunnel"]), str(sink_port)]
    on_premise, tunnel = _start(stack, ground, "benchmarks.relay.contestants.on_premise", cast, *ports)
    if tunnel["states"] != {settings.SUBACCOUNT: "Connected"} or tunnel["cipher"] not in ("", CIPHERSUITE):
        raise StartError(f"the tunnel is not as it should be: {tunnel}")
    steps = socks5_steps(facts["token"]) if kind == "socks5" else ()
    return Running(Entry(LOOPBACK, facts[kind], steps), (cloud, on_premise))


plain = functools.partial(start, "plain")
through_socks5 = functools.partial(start, "socks5")


def start_one_hop(stack: ExitStack, ground: Ground, shape: Shape, sink_port: int) -> Running:
    """Run ``python -m MODULE tcp|tls SINK_PORT CAST``, which has to print ``{"port": N}`` and end on SIGTERM."""
    if not has_module(ground.one_hop_module):
        raise StartError(f"there is no module {ground.one_hop_module!r} for one hop")
    kind = "tls" if shape is Shape.ONE_HOP_TLS else "tcp"
    pid, facts = _start(stack, ground, ground.one_hop_module, kind, str(sink_port), str(ground.folder / "cast"))
    return Running(Entry(LOOPBACK, facts["port"]), (pid,))


def has_module(name: str) -> bool:
    """Tell whether a module can be found."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _start(stack: ExitStack, ground: Ground, module: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    log = ground.log(module.rpartition(".")[2])
    command = [ground.python, "-m", module, *arguments, *(["uvloop"] if ground.uvloop else [])]
    process = stack.enter_context(running(command, log, pipes=True))
    line = first_line(process)
    if not line:
        said = log.read_text(encoding="utf-8", errors="replace")[-600:]
        raise StartError(f"{module} did not start: {said}")
    return process.pid, json.loads(line)


def first_line(process: subprocess.Popen[bytes]) -> bytes:
    """Return the line with which a process says that it is ready; empty if it does not."""
    if process.stdout is None:
        raise ValueError("the process has no pipe to speak through")
    readable, _, _ = select.select([process.stdout], [], [], START_S)
    return process.stdout.readline() if readable else b""
