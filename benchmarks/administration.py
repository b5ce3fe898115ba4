"""How long requests to the administration of a Cloud Connector take among 10,000 system mappings.

``python -m benchmarks.administration`` prints medians and 99th percentiles of whole requests, as a client with HTTPS
sees them: on a connection that stays open, and with a connection and a TLS handshake for each; in a lab that lives in
memory, and in one that keeps its configuration in a folder (``up --state``). It exits with 1 if anything is slower than
its limit.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import ssl
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.relay.processor_time import machine_cpu_seconds
from benchmarks.relay.report import machine
from benchmarks.relay.report.page import write_between_markers
from connector_sim.admin.mapping_entry import MappingEntry
from connector_sim.cloud.tokens import new_signing_key
from connector_sim.on_premise.port_range import PortRange
from maco_lab.background import background_loop
from maco_lab.journal import Journal
from maco_lab.keeping import Keeping
from maco_lab.state import StateFolder
from maco_lab.testing.lab import Lab, new_authority
from maco_lab.testing.settings import lab_text
from maco_lab.testing.thread import LabThread
from maco_lab.topology import running_lab

OWNER = "benchmarks.administration"
MAPPINGS = 10_000
REQUESTS = 500
LISTS = 20
ONE_MS, LIST_MS = 10.0, 300.0
"""How long a request may take, and how long the list of all mappings: the 99th percentile."""

IN_MEMORY, KEPT = "in memory", "`--state`"

SUBACCOUNT = "stadtwerke"
PATH = f"/api/v1/configuration/subaccounts/lab.example/{SUBACCOUNT}"
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Figures:
    """Milliseconds of one kind of request to one kind of lab, and what they may be."""

    request: str
    lab: str
    milliseconds: Sequence[float]
    limit_ms: float

    @property
    def median(self) -> float:
        """Half of them took no longer."""
        return statistics.median(self.milliseconds)

    @property
    def p99(self) -> float:
        """All but one in a hundred took no longer."""
        return statistics.quantiles(self.milliseconds, n=100)[98]

    @property
    def is_met(self) -> bool:
        """Whether the limit is."""
        return self.p99 <= self.limit_ms


class Client:
    """A client that signs in by Basic and verifies the certificate."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("https://").rpartition(":")
        self._address = host, int(port)
        self._context = ssl.create_default_context(cadata=ssl.get_server_certificate(self._address, timeout=TIMEOUT_S))
        self._headers = {"Authorization": f"Basic {b64encode(b'Administrator:manage').decode()}"}
        self._open: http.client.HTTPSConnection | None = None

    def kept_open(self, method: str, path: str, content: object = None) -> None:
        """Ask on the connection that stays open."""
        self._open = self._open or self._connection()
        self._ask(self._open, method, path, content)

    def alone(self, method: str, path: str, content: object = None) -> None:
        """Ask on a connection of its own."""
        connection = self._connection()
        try:
            self._ask(connection, method, path, content)
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection that stays open."""
        if self._open:
            self._open.close()

    def _connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(*self._address, timeout=TIMEOUT_S, context=self._context)

    def _ask(self, connection: http.client.HTTPSConnection, method: str, path: str, content: object) -> None:
        body = None if content is None else json.dumps(content)
        connection.request(method, path, body, {**self._headers, "Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise SystemExit(f"{method} {path}: {answer.status}")


def add_mappings(lab: Lab) -> None:
    """Add ``MAPPINGS`` to those of the lab file, as the API does, but without its requests."""
    book = next(iter(lab.running.administrations.values())).installation.mappings

    async def add() -> None:
        for number in range(MAPPINGS):
            ports = PortRange(143, 143)
            name = f"host{number}"
            entry = MappingEntry(f"{name}.virtual", ports, f"{name}.corp", ports, "TCP", "nonSAPsys", book.now_ms())
            book.add(SUBACCOUNT, entry)

    lab.thread.loop.run(add())


def mapping(number: int) -> dict[str, str]:
    """Return a mapping that there is not yet."""
    return {
        "virtualHost": f"new{number}.virtual",
        "virtualPort": "143",
        "localHost": "new.corp",
        "localPort": "143",
        "protocol": "TCP",
        "backendType": "nonSAPsys",
    }


def milliseconds(ask: Callable[[int], None], count: int) -> list[float]:
    """Return how long each of some requests took, after a few that are not counted."""
    return list(_timed(ask, count))[count // 10 :]


def _timed(ask: Callable[[int], None], count: int) -> Iterator[float]:
    for number in range(count + count // 10):
        began = time.perf_counter()
        ask(number)
        yield (time.perf_counter() - began) * 1000


@contextlib.contextmanager
def lab_of(kind: str) -> Iterator[Lab]:
    """Run a lab, which keeps its configuration in a folder or not."""
    with tempfile.TemporaryDirectory(prefix="maco-lab-") as folder:
        state, thread = StateFolder(Path(folder)), LabThread(background_loop())
        landscape = running_lab(
            lab_text(None).parsed(),
            state,
            Journal(),
            free_ports=True,
            cast=new_authority(),
            make_signing_key=new_signing_key,
            keeping=Keeping(state.configuration, print) if kind == KEPT else None,
        )
        with thread.loop.enter(landscape) as running:
            yield Lab(thread, running)


def measure(client: Client, lab: str) -> list[Figures]:
    """Ask everything."""
    one = f"{PATH}/systemMappings/host{MAPPINGS // 2}.virtual:143"
    every = f"{PATH}/systemMappings"
    requests: Mapping[str, tuple[Callable[[int], None], int, float]] = {
        "GET one mapping": (lambda _: client.kept_open("GET", one), REQUESTS, ONE_MS),
        "PUT one mapping": (lambda i: client.kept_open("PUT", one, {"localPort": str(1 + i)}), REQUESTS, ONE_MS),
        "POST a mapping": (lambda i: client.kept_open("POST", every, mapping(i)), REQUESTS, ONE_MS),
        "DELETE one mapping": (lambda i: client.kept_open("DELETE", f"{every}/new{i}.virtual:143"), REQUESTS, ONE_MS),
        "GET the subaccount": (lambda _: client.kept_open("GET", PATH), REQUESTS, ONE_MS),
        "GET the version": (lambda _: client.kept_open("GET", "/api/v1/connector/version"), REQUESTS, ONE_MS),
        "GET one mapping, connection of its own": (lambda _: client.alone("GET", one), REQUESTS, ONE_MS),
        "GET all mappings": (lambda _: client.kept_open("GET", every), LISTS, LIST_MS),
    }
    return [Figures(name, lab, milliseconds(ask, count), limit) for name, (ask, count, limit) in requests.items()]


def measure_labs() -> list[Figures]:
    """Ask everything of a lab of each kind, one after the other."""
    found: list[Figures] = []
    for kind in (IN_MEMORY, KEPT):
        with lab_of(kind) as lab, contextlib.closing(Client(lab.cloud_connector.administration_url)) as client:
            add_mappings(lab)
            found += measure(client, kind)
    return found


def table(figures: Sequence[Figures]) -> str:
    """Return the figures as Markdown."""
    lines = ["| request | lab | median, ms | 99 %, ms | limit, ms | |", "| --- | --- | ---: | ---: | ---: | --- |"]
    for each in figures:
        verdict = "met" if each.is_met else "missed"
        times = f"{each.median:.2f} | {each.p99:.2f} | {each.limit_ms:.0f}"
        lines.append(f"| {each.request} | {each.lab} | {times} | {verdict} |")
    return "\n".join(lines)


def said_of(others: float, load: float) -> dict[str, str]:
    """Return what the figures stand on; ``others`` is how many cores other processes used meanwhile."""
    facts = machine.facts([], 0, f"{REQUESTS} requests of each kind, {LISTS} lists", "stock asyncio loop")
    kept = {name: value for name, value in facts.items() if name in {"date", "machine", "Python", "rounds"}}
    meanwhile = f"{others:.1f} cores, of {len(os.sched_getaffinity(0))}; load before the run {load:.1f}"
    return {**kept, "system mappings": f"{MAPPINGS:,}", "other processes used meanwhile": meanwhile}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(prog=f"python -m {OWNER}", description=__doc__)
    parser.add_argument("--page", type=Path, help="a Markdown page whose marked part is written anew")
    parser.add_argument("--json", type=Path, help="write all figures to a file")
    options = parser.parse_args(arguments)
    load, began = os.getloadavg()[0], (time.monotonic(), machine_cpu_seconds(), time.process_time())
    figures = measure_labs()
    took = time.monotonic() - began[0]
    others = max(0.0, machine_cpu_seconds() - began[1] - (time.process_time() - began[2])) / took
    said = "\n".join(f"- {name}: {value}" for name, value in said_of(others, load).items())
    sys.stdout.write(f"{said}\n\n{table(figures)}\n")
    if options.page:
        write_between_markers(options.page, f"{said}\n\n{table(figures)}", OWNER)
    if options.json:
        found = [{"request": each.request, "lab": each.lab, "ms": each.milliseconds} for each in figures]
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if all(each.is_met for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
