"""Start the peers: each as two proxy processes with TLS between them, or as one where a row has one hop."""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

from benchmarks.relay.contestants import peer_files
from benchmarks.relay.contestants.peer_files import Proxy
from benchmarks.relay.contestants.shape import Ground, Running, Shape, Tuning
from benchmarks.relay.generator.entry import Entry
from benchmarks.relay.processes import LOOPBACK, StartError, free_port, running

START_S = 10.0
_SERVER_FOLDERS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/local/sbin"])
_NGINX_STREAM_MODULES = (
    Path("/usr/lib/nginx/modules/ngx_stream_module.so"),
    Path("/usr/lib64/nginx/modules/ngx_stream_module.so"),
)
_SSHD_RUN_FOLDER = Path("/run/sshd")  # compiled into Debian's sshd, which refuses to run as root without it
_ALLOCATED = re.compile(rb"Allocated port (\d+) for remote forward")

Command: TypeAlias = Callable[[Ground, Proxy], list[str]]
"""Write the configuration of one proxy process and return the command that runs it in the foreground."""


def program(name: str) -> str | None:
    """Return the path of a program; Debian keeps servers out of a user's PATH."""
    return shutil.which(name, path=_SERVER_FOLDERS)


def chain(command: Command, stack: ExitStack, ground: Ground, shape: Shape, tuning: Tuning, sink_port: int) -> Running:
    """Run the proxy processes of a shape, the last one first, each in front of the one before."""
    large = tuning is Tuning.BULK
    sides = {
        Shape.TWO_HOPS: [(True, False), (False, True)],
        Shape.ONE_HOP_TCP: [(False, False)],
        Shape.ONE_HOP_TLS: [(False, True)],
    }
    port = sink_port
    started: list[int] = []
    for tls_in, tls_out in sides[shape]:
        proxy = Proxy(free_port(), port, ground.descriptors, tls_in, tls_out, large)
        started.append(_start(stack, command(ground, proxy), ground.log(f"peer-{proxy.listen}"), proxy.listen))
        port = proxy.listen
    return Running(Entry(LOOPBACK, port), tuple(started))


def haproxy_command(ground: Ground, proxy: Proxy) -> list[str]:
    """See Command."""
    pem = ground.folder / f"haproxy-{proxy.listen}.pem"
    _write(pem, ground.certificate.read_text(encoding="utf-8") + ground.key.read_text(encoding="utf-8"))
    file = _write(ground.folder / f"haproxy-{proxy.listen}.cfg", peer_files.haproxy(proxy, pem))
    return [_path("haproxy"), "-db", "-q", "-f", str(file)]


def nginx_command(ground: Ground, proxy: Proxy) -> list[str]:
    """See Command."""
    module = next((each for each in _NGINX_STREAM_MODULES if each.exists()), None)
    text = peer_files.nginx(proxy, ground.certificate, ground.key, module)
    file = _write(ground.folder / f"nginx-{proxy.listen}.conf", text)
    return [_path("nginx"), "-p", str(ground.folder), "-e", "stderr", "-c", str(file)]


def stunnel_command(ground: Ground, proxy: Proxy) -> list[str]:
    """See Command."""
    text = peer_files.stunnel(proxy, ground.certificate, ground.key)
    file = _write(ground.folder / f"stunnel-{proxy.listen}.conf", text)
    return [_path("stunnel4" if program("stunnel4") else "stunnel"), str(file)]


haproxy = functools.partial(chain, haproxy_command)
nginx = functools.partial(chain, nginx_command)
stunnel = functools.partial(chain, stunnel_command)


def ssh(stack: ExitStack, ground: Ground, shape: Shape, tuning: Tuning, sink_port: int) -> Running:
    """Run an sshd and a client whose ``-R`` leads to the sink; sshd's own port is the entry."""
    del shape, tuning  # it has one shape, and no buffers to set
    keys = _ssh_keys(ground.folder)
    port = free_port()
    text = peer_files.sshd(port, keys / "host", keys / "authorized_keys")
    file = _write(ground.folder / f"sshd-{port}.conf", text)
    stack.enter_context(_sshd_run_folder())
    server = _start(stack, [_path("sshd"), "-D", "-e", "-f", str(file)], ground.log(f"peer-{port}"), port)
    log = ground.log(f"ssh-{port}")
    client = stack.enter_context(running(_ssh_command(keys, port, sink_port), log))
    return Running(Entry(LOOPBACK, _allocated_port(client, log)), (server, client.pid))


def _ssh_command(keys: Path, port: int, sink_port: int) -> list[str]:
    options = {
        "IdentityFile": keys / "user",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "UserKnownHostsFile": "/dev/null",  # the server was started by us a moment ago
        "StrictHostKeyChecking": "no",
        "ExitOnForwardFailure": "yes",
        "Ciphers": "aes128-gcm@openssh.com",
        "LogLevel": "INFO",
    }
    arguments = [argument for name, value in options.items() for argument in ("-o", f"{name}={value}")]
    forward = f"{LOOPBACK}:0:{LOOPBACK}:{sink_port}"
    return [_path("ssh"), "-F", "none", "-N", "-T", "-p", str(port), *arguments, "-R", forward,
            f"{getpass.getuser()}@{LOOPBACK}"]  # fmt: skip


def _ssh_keys(folder: Path) -> Path:
    keys = folder / "ssh"
    if not keys.exists():
        keys.mkdir(mode=0o700)
        for name in ("host", "user"):
            command = [_path("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "benchmark", "-f", str(keys / name)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        shutil.copy(keys / "user.pub", keys / "authorized_keys")
    return keys


@contextlib.contextmanager
def _sshd_run_folder() -> Iterator[None]:
    """Have the folder that sshd wants while it runs, as its start script would."""
    is_missing = os.geteuid() == 0 and not _SSHD_RUN_FOLDER.exists()
    if is_missing:
        _SSHD_RUN_FOLDER.mkdir(mode=0o755)
    try:
        yield
    finally:
        if is_missing:
            with contextlib.suppress(OSError):
                _SSHD_RUN_FOLDER.rmdir()


def _allocated_port(client: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and client.poll() is None:
        if found := _ALLOCATED.search(log.read_bytes()):
            return int(found[1])
        time.sleep(0.02)
    raise StartError(f"ssh did not forward: {_last_words(log)}")


def _start(stack: ExitStack, command: list[str], log: Path, port: int) -> int:
    """Run a proxy and return its process ID once its port answers."""
    process = stack.enter_context(running(command, log))
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 1.0):
            return process.pid
        time.sleep(0.02)
    raise StartError(f"{Path(command[0]).name} did not start: {_last_words(log)}")


def _last_words(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-400:].strip() or "it said nothing"


def _path(name: str) -> str:
    found = program(name)
    if found is None:
        raise StartError(f"{name} is not installed")
    return found


def _write(file: Path, text: str) -> Path:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
    return file
