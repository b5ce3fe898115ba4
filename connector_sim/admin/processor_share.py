"""How much of the machine's processors this process has used since that was last asked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable


class ProcessorShare:
    """Both clocks return seconds: the one those that passed, the other those that a processor worked for us."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, worked: Callable[[], float] = time.process_time
    ) -> None:
        self._clock = clock
        self._worked = worked
        self._last = (clock(), worked())

    def percent(self) -> int:
        """Return the share in whole percent of all processors, 0 to 100."""
        now, worked = self._clock(), self._worked()
        passed, used = now - self._last[0], worked - self._last[1]
        self._last = (now, worked)
        return min(100, round(used / (passed * (os.cpu_count() or 1)) * 100)) if passed > 0 else 0
