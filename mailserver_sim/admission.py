"""How many connections a port takes, and what happens when the process has no file descriptors left.

A connection beyond the limit is told so and closed. Telling it under TLS takes a handshake, so only a few are told at
the same time; the others are closed without a word.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import time
import weakref
from collections.abc import Callable
from typing import Any

MOST_REFUSALS = 16
"""How many connections at a time are being told that there are too many."""
REFUSAL_S = 5.0
"""How long a client has to take note of its refusal."""
SAME_TROUBLE_S = 60.0
"""Log lines about missing descriptors keep at least this distance."""

_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_log = logging.getLogger(__name__)
_last_logged_s = -SAME_TROUBLE_S


class Admission:
    """The connections of one port; ``report`` is told once when there are too many."""

    def __init__(self, most: int, report: Callable[[str], None]) -> None:
        self._most = most
        self._report = report
        self._reported = False
        # Weak, so that a connection that came to nothing before it was made gives its place back.
        self._admitted: weakref.WeakSet[object] = weakref.WeakSet()
        self._refused: weakref.WeakSet[object] = weakref.WeakSet()

    @property
    def is_full(self) -> bool:
        """Tell whether one more connection must be refused."""
        return len(self._admitted) >= self._most

    @property
    def may_refuse_in_words(self) -> bool:
        """Tell whether one more client can be told that it is refused."""
        return len(self._refused) < MOST_REFUSALS

    def admit(self, connection: object) -> None:
        """Count a connection that is served."""
        self._admitted.add(connection)

    def refuse(self, connection: object) -> None:
        """Count a connection that is being told that it is refused, and report the first of them."""
        self._refused.add(connection)
        if not self._reported:
            self._reported = True
            self._report(f"more than {self._most} connections to one port: further ones are refused")

    def leave(self, connection: object) -> None:
        """Count a connection no longer; a second time does nothing."""
        self._admitted.discard(connection)
        self._refused.discard(connection)
        if len(self._admitted) <= self._most // 2:
            self._reported = False  # not at the next free place: a crowd would make a report of every connection


def log_out_of_descriptors() -> None:
    """Write one log line, however often it happens within a minute."""
    global _last_logged_s  # noqa: PLW0603 - descriptors are the process's, not a server's
    now_s = time.monotonic()
    if now_s - _last_logged_s >= SAME_TROUBLE_S:
        _last_logged_s = now_s
        _log.warning("out of file descriptors: new connections to the mail server are closed")


class ListeningSocket(socket.socket):
    """A listening socket that survives the lack of file descriptors.

    It keeps one in reserve, to accept with it whoever is waiting and to close that connection; otherwise the one that
    waits would wake the loop again and again, and asyncio would log a traceback each time.
    """

    _reserve = -1

    def listen(self, *arguments: int) -> None:
        """Listen, with a descriptor in reserve."""
        super().listen(*arguments)
        self._take_reserve()

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection. Raises BlockingIOError when there is none, or none can be had."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in _OUT_OF_DESCRIPTORS:
                raise
        log_out_of_descriptors()
        self._turn_away()
        raise BlockingIOError(errno.EWOULDBLOCK, "out of file descriptors")

    def close(self) -> None:
        """Stop listening."""
        self._give_reserve()
        super().close()

    def _turn_away(self) -> None:
        self._give_reserve()
        try:
            super().accept()[0].close()
        except OSError:
            pass  # it is gone already, or another thread took the descriptor; then the next attempt may succeed
        finally:
            self._take_reserve()

    def _take_reserve(self) -> None:
        if self._reserve < 0:
            try:
                self._reserve = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                self._reserve = -1

    def _give_reserve(self) -> None:
        reserve, self._reserve = self._reserve, -1
        if reserve >= 0:
            os.close(reserve)
