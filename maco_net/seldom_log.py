"""Log a trouble once, however often it comes: a crowd that meets a limit would fill the log with one line.

What happens to each connection is told by observations; the log is for the person who has to raise a setting.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

SAME_TROUBLE_S = 60.0
"""Lines about the same trouble keep at least this distance."""


class SeldomLog:
    """Warnings of one module; the texts must be few, since each is remembered."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._silent_until: dict[str, float] = {}

    def warning(self, text: str) -> None:
        """Write the text, unless it was written within the last minute."""
        now = self._clock()
        if now >= self._silent_until.get(text, now):
            self._silent_until[text] = now + SAME_TROUBLE_S
            self._log.warning("%s", text)
