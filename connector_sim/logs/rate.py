"""How many entries somebody outside may cause: some at once, then so many a second; the rest is counted. Pure."""

from __future__ import annotations

from collections.abc import Callable


class Rate:
    """One limit; ``suppressed`` is how many it has held back since they were last told."""

    def __init__(self, per_s: float, at_once: int, clock: Callable[[], float]) -> None:
        self._per_s = per_s
        self._at_once = at_once
        self._clock = clock
        self._left = float(at_once)
        self._filled_at = clock()
        self.suppressed = 0

    def admits(self) -> bool:
        """Tell whether one more may be written now; count it if not."""
        now = self._clock()
        self._left = min(self._left + (now - self._filled_at) * self._per_s, self._at_once)
        self._filled_at = now
        if self._left < 1:
            self.suppressed += 1
            return False
        self._left -= 1
        return True

    def take_suppressed(self) -> int:
        """Return how many were held back, and begin to count anew."""
        count, self.suppressed = self.suppressed, 0
        return count
