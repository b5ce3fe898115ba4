"""How long MaCo waits for a mail server: "Timeout (in ms)" as a rule that a server cannot stretch byte by byte.

The rule, for the greeting and for each command alike; only waiting counts, not what MaCo does in between:

- every response must be complete within the timeout, counted from the one before it;
- a mail must bring ``PROGRESS_BYTES`` within the timeout, or end;
- without such progress of a mail, all responses to one command together may take ``ANSWER_TIMEOUTS`` timeouts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from maco_client.imap import BodyChunk, Event
from maco_net.errors import DeadlineExceeded

PROGRESS_BYTES = 1024
ANSWER_TIMEOUTS = 20  # 10 minutes by default: servers say "* OK Hang in there.." while they copy or search

_T = TypeVar("_T")


class Patience:
    """What is left of the time that one mail server has; ``timeout_s`` is its "Timeout (in ms)" in seconds.

    ``protocol`` is named where the server has used it up.
    """

    def __init__(
        self, timeout_s: float, *, protocol: str = "IMAP", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._timeout_s = timeout_s
        self._protocol = protocol
        self._clock = clock
        self.begin_answer()

    @property
    def left_s(self) -> float:
        """How many seconds the server may keep MaCo waiting from here on."""
        return min(self._for_response_s, self._for_answer_s)

    def begin_answer(self) -> None:
        """Begin to wait for the answer to a command."""
        self._for_answer_s = ANSWER_TIMEOUTS * self._timeout_s
        self._begin_response()

    def heard(self, events: Iterable[Event]) -> None:
        """Take what the server has brought: renew the time where it is progress."""
        for event in events:
            if isinstance(event, BodyChunk):
                self.heard_of_a_mail(len(event.data))
            else:
                self.heard_a_response()

    def heard_a_response(self) -> None:
        """Renew the time for one response."""
        self._begin_response()

    def heard_of_a_mail(self, size: int) -> None:
        """Take so many bytes of a mail: renew all of the time once they are progress."""
        self._progress += size
        if self._progress >= PROGRESS_BYTES:
            self.begin_answer()

    async def wait_for(self, peer: Awaitable[_T]) -> _T:
        """Wait for ``peer`` at the cost of what is left; raises DeadlineExceeded."""
        began = self._clock()
        try:
            async with asyncio.timeout(self.left_s):
                return await peer
        except TimeoutError as error:
            raise DeadlineExceeded(self._protocol, self._timeout_s) from error
        finally:
            self._spend(self._clock() - began)

    def _begin_response(self) -> None:
        self._for_response_s = self._timeout_s
        self._progress = 0

    def _spend(self, seconds: float) -> None:
        self._for_response_s -= seconds
        self._for_answer_s -= seconds
