"""All logs of one Cloud Connector: where its files are, and what of that which it reports goes into which.

``seeing`` is put between the connector and whoever hears its reports; so nothing of the connector knows of files.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from connector_sim.logs.audit_entry import AuditEntry, AuditLevel, Category, Operation, change_type
from connector_sim.logs.audit_log import AuditLog
from connector_sim.logs.names import CROSS_ACCOUNT, TRACE, traffic_trace
from connector_sim.logs.rate import Rate
from connector_sim.logs.rolling_file import RollingFile
from connector_sim.logs.settings import LogSettings, TraceLevel
from connector_sim.logs.trace_line import trace_line
from connector_sim.logs.tracing import (
    ADMINISTRATION_THREAD,
    CONFIGURATION,
    CONNECTOR,
    TUNNEL_THREAD,
    Traced,
    tls_details,
    traced,
)
from connector_sim.logs.traffic_trace import TracingWatcher, is_allowed
from connector_sim.logs.writer import LogWriter
from connector_sim.passage import Watcher
from maco_wire.observation import (
    CanarySeen,
    ClientHelloPassed,
    Handshake,
    Observation,
    Record,
    StreamClosed,
    StreamOpened,
    StreamRefused,
)

T = TypeVar("T")

_DONE: Mapping[Operation, str] = {"add": "added", "delete": "deleted", "modify": "changed"}

REFUSALS_PER_S, REFUSALS_AT_ONCE = 20.0, 200
_OF_A_CONNECTION = (StreamOpened, StreamClosed, CanarySeen, ClientHelloPassed)
"""What a busy connector reports most, and a trace shows at DEBUG at the earliest."""


@dataclasses.dataclass(frozen=True, slots=True)
class LogPlaces:
    """Where a connector's files are."""

    folder: Path
    """Its log folder."""
    switch: Path
    """The file by which a second person allows payload traces (``scc_config/writeHexDump``)."""
    region_host: str = ""


class ConnectorLogs:
    """The logs; without ``places`` nothing is written."""

    def __init__(self, name: str, places: LogPlaces | None = None, clock: Callable[[], float] = time.time) -> None:
        self.places = places
        self.settings = LogSettings()
        self.is_tls_trace_active = False
        """Whether handshakes are traced in detail: what was wanted at the last start."""
        self._clock = clock
        self._writer = LogWriter(f"logs of {name}")
        folder = places.folder if places else Path()
        self.audit = AuditLog(folder, self._writer, lambda: self.settings, clock)
        self._trace = self._rolling(folder / TRACE)
        self._traffic: dict[str, RollingFile] = {}
        self._scopes: tuple[str, ...] = ()
        self._refusals = Rate(REFUSALS_PER_S, REFUSALS_AT_ONCE, clock)

    @contextlib.asynccontextmanager
    async def running(self, subaccounts: Iterable[str] = ()) -> AsyncIterator[None]:
        """Write while the block runs."""
        if self.places is None:
            yield
            return
        self._scopes = (CROSS_ACCOUNT, *subaccounts)
        async with self._writer.running():
            self._tell_start()
            try:
                yield
            finally:
                self.trace(TraceLevel.INFO, CONNECTOR, "The Cloud Connector ends")

    def take(self, settings: LogSettings) -> None:
        """Log from now on as the administration says; the TLS trace becomes active, or not, with this start."""
        self.settings = settings
        self.is_tls_trace_active = settings.tls_trace()

    async def written(self) -> None:
        """Return once everything that was logged has left this process."""
        await self._writer.written()

    async def restart(self) -> None:
        """Begin all logs anew, as in a connector that was just installed."""
        if self.places is None:
            return
        self.audit.forget()
        self._traffic.clear()
        self._trace = self._rolling(self.places.folder / TRACE)
        await self._writer.run(lambda: shutil.rmtree(self.places.folder, ignore_errors=True) if self.places else None)
        self._tell_start()

    async def read(self, job: Callable[[], T]) -> T:
        """Run what reads the files in the writer's thread, once everything is on the disk; raises what it raises."""
        found: list[T] = []
        await self._writer.run(lambda: found.append(job()))
        if not found:
            raise FileNotFoundError("this Cloud Connector keeps no logs")
        return found[0]

    def seeing(self, record: Record) -> Record:
        """Return ``record`` that lets the logs look on."""
        if self.places is None:
            return record

        def look_on(seen: Observation) -> None:
            self._see(seen)
            record(seen)

        return look_on

    def watching(self, watcher: Watcher, subaccount: str) -> Watcher:
        """Return the eyes for a new connection: those that trace its payload too, if two people want that."""
        if self.places is None or not self.settings.traffic_trace(subaccount) or not is_allowed(self.places.switch):
            return watcher
        file = self._traffic_file(self.places, subaccount)
        return TracingWatcher.beside(watcher, lambda text: self._writer.put(file, text, len(text)), self._clock)

    def changed(
        self,
        user: str,
        operation: Operation,
        category: Category,
        subject: str,
        values: tuple[str, str] = ("", ""),
        *,
        scope: str = CROSS_ACCOUNT,
        even_if_off: bool = False,
    ) -> None:
        """Tell of a change of the configuration: who has made it, and by ``values`` what was and what is."""
        kind = change_type(operation, category)
        message = f"User {user} {_DONE[operation]} {category} {subject}"
        entry = AuditEntry(self._clock(), kind, user, subject, *values, message)
        self.audit.changed(scope, entry, even_if_off=even_if_off)
        self.trace(TraceLevel.INFO, CONFIGURATION, f"{kind}: {message}", thread=ADMINISTRATION_THREAD)

    def trace(
        self, level: TraceLevel, logger: str, message: str, *, thread: str = TUNNEL_THREAD, trace_id: str | None = None
    ) -> None:
        """Write a line of the trace, if its level lets it through."""
        self._traced(Traced(level, logger, message), trace_id, thread)

    def limited_trace(
        self, level: TraceLevel, logger: str, message: str, *, thread: str = TUNNEL_THREAD, trace_id: str | None = None
    ) -> None:
        """Do the same for what somebody outside may cause as often as he likes."""
        if self._refusals.admits():
            more = self._refusals.take_suppressed()
            text = f"{message} ({more} lines like this before it were not written)" if more else message
            self.trace(level, logger, text, thread=thread, trace_id=trace_id)

    def _tell_start(self) -> None:
        for scope in self._scopes:
            self.audit.started(scope)
        self.trace(TraceLevel.INFO, CONNECTOR, "The Cloud Connector has started")

    def _see(self, seen: Observation) -> None:
        match seen:
            case StreamOpened() if self.audit.is_written(seen.subaccount, AuditLevel.ALL):
                target = f"{seen.internal_host}:{seen.internal_port} by {seen.protocol}"
                self.audit.allowed(seen.subaccount, _virtual(seen), f"to {target}, connection {seen.trace_id}")
            case StreamRefused():
                self._see_refused(seen)
                return
            case Handshake() if self.is_tls_trace_active:
                for each in tls_details(seen):
                    self._traced(each, seen.trace_id, TUNNEL_THREAD)
        if isinstance(seen, _OF_A_CONNECTION) and self.settings.own_level() < TraceLevel.DEBUG:
            return
        for each in traced(seen):
            self._traced(each, seen.trace_id, TUNNEL_THREAD)

    def _see_refused(self, seen: StreamRefused) -> None:
        """Tell of a refusal; anybody who has a token may cause as many as he likes."""
        if seen.rule:
            self.audit.denied(seen.subaccount, _virtual(seen), f"{seen.reason}, connection {seen.trace_id}")
        else:
            self.audit.allowed(seen.subaccount, _virtual(seen), f"but {seen.reason}, connection {seen.trace_id}")
        for each in traced(seen):
            self.limited_trace(each.level, each.logger, each.message, trace_id=seen.trace_id)

    def _traced(self, told: Traced, trace_id: str | None, thread: str) -> None:
        level = self.settings.own_level() if told.is_own else self.settings.other_level()
        if told.level <= level and self.places is not None:
            line = trace_line(self._clock(), told.level, told.logger, thread, trace_id, told.message)
            self._writer.put(self._trace, line, len(line))

    def _traffic_file(self, places: LogPlaces, subaccount: str) -> RollingFile:
        if subaccount not in self._traffic:
            self._traffic[subaccount] = self._rolling(places.folder / traffic_trace(subaccount, places.region_host))
        return self._traffic[subaccount]

    def _rolling(self, path: Path) -> RollingFile:
        return RollingFile(
            path,
            most_bytes=self._rollover_bytes,
            keep_days=self._trace_keep_days,
            tell_lost=self._lost_line,
        )

    def _rollover_bytes(self) -> int:
        return self.settings.rollover_bytes()

    def _trace_keep_days(self) -> int:
        return self.settings.trace_keep_days()

    def _lost_line(self, count: int) -> bytes:
        text = f"{count} lines could not be written"
        return trace_line(self._clock(), TraceLevel.ERROR, CONNECTOR, "logs", None, text)


def _virtual(seen: StreamOpened | StreamRefused) -> str:
    return f"{seen.virtual_host}:{seen.virtual_port}"
