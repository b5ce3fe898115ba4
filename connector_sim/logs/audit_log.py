"""The audit logs of one connector, one for each subaccount and one for everything else, from the loop's side.

What somebody outside may cause (accesses, failed sign-ins) is limited in its rate; what the limit holds back is counted
in an entry of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from connector_sim.logs.audit_entry import (
    ACCESS_ALLOWED,
    ACCESS_DENIED,
    REQUEST_DENIED,
    SERVICE,
    SIGN_IN,
    SIGN_IN_FAILED,
    AuditEntry,
    AuditLevel,
)
from connector_sim.logs.audit_file import AuditFile
from connector_sim.logs.names import CROSS_ACCOUNT
from connector_sim.logs.rate import Rate
from connector_sim.logs.settings import LogSettings
from connector_sim.logs.writer import LogWriter

PER_S, AT_ONCE = 20.0, 200
"""Entries about accesses that one log takes; a day of such a flood is what its files hold."""
TELL_SUPPRESSED_S = 1.0


class AuditLog:
    """Takes entries, and hands those that the level lets through to the writer."""

    def __init__(
        self,
        folder: Path,
        writer: LogWriter,
        settings: Callable[[], LogSettings],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._writer = writer
        self._settings = settings
        self._clock = clock
        self._files: dict[str, AuditFile] = {}
        self._rates: dict[str, Rate] = {}

    def forget(self) -> None:
        """Begin anew with files that are not there yet."""
        self._files.clear()
        self._rates.clear()

    def started(self, scope: str) -> None:
        """Tell that a log is written from now on."""
        self._tell(scope, f"the audit log of {scope} is written from now on")

    def changed(self, scope: str, entry: AuditEntry, *, even_if_off: bool = False) -> None:
        """Tell of a change of the configuration; that the log is switched off is written ``even_if_off``."""
        if even_if_off or self.is_written(scope, AuditLevel.SECURITY):
            self._put(scope, entry)

    def denied(self, scope: str, subject: str, message: str) -> None:
        """Tell of an access that was not allowed."""
        self._limited(scope, AuditLevel.SECURITY, ACCESS_DENIED, "", subject, message)

    def allowed(self, scope: str, subject: str, message: str) -> None:
        """Tell of an access that was."""
        self._limited(scope, AuditLevel.ALL, ACCESS_ALLOWED, "", subject, message)

    def signed_in(self, user: str, message: str) -> None:
        """Tell of a user who had no session before."""
        self._limited(CROSS_ACCOUNT, AuditLevel.ALL, SIGN_IN, user, "", message)

    def not_signed_in(self, user: str, message: str) -> None:
        """Tell of somebody who showed a wrong password; it is never in the entry."""
        self._limited(CROSS_ACCOUNT, AuditLevel.SECURITY, SIGN_IN_FAILED, user, "", message)

    def request_denied(self, user: str, subject: str, message: str) -> None:
        """Tell of a user who wanted what he may not do."""
        self._limited(CROSS_ACCOUNT, AuditLevel.SECURITY, REQUEST_DENIED, user, subject, message)

    def is_written(self, scope: str, level: AuditLevel) -> bool:
        """Tell whether entries of a level are written."""
        wanted = self._settings().audit_level(scope)
        return wanted is AuditLevel.ALL or wanted is level

    def _limited(self, scope: str, level: AuditLevel, kind: str, user: str, subject: str, message: str) -> None:
        if not self.is_written(scope, level):
            return
        if scope not in self._rates:
            self._rates[scope] = Rate(PER_S, AT_ONCE, self._clock)
        rate = self._rates[scope]
        if rate.admits():
            self._put(scope, AuditEntry(self._clock(), kind, user, subject, message=message))
        elif rate.suppressed == 1:
            asyncio.get_running_loop().call_later(TELL_SUPPRESSED_S, self._tell_suppressed, scope)

    def _tell_suppressed(self, scope: str) -> None:
        count = self._rates[scope].take_suppressed() if scope in self._rates else 0
        if count:
            self._tell(scope, f"{count} more entries about accesses were not written: at most {PER_S:g} a second are")

    def _tell(self, scope: str, text: str) -> None:
        if self.is_written(scope, AuditLevel.SECURITY):
            self._put(scope, AuditEntry(self._clock(), SERVICE, subject=scope, message=text))

    def _keep_days(self) -> int:
        return self._settings().audit_keep_days()

    def _put(self, scope: str, entry: AuditEntry) -> None:
        if scope not in self._files:
            self._files[scope] = AuditFile(self._folder, scope, keep_days=self._keep_days, clock=self._clock)
        self._writer.put(self._files[scope], entry)
