"""A line of ``scc_core.trc``: time with zone, level, logger, thread, channel and message, parted by ``#`` (facts, 7.3).

Pure. The message comes last and may have a ``#`` itself; no other field has one. A channel is that of a tunnel's
stream, or a blank.
"""

from __future__ import annotations

import datetime as dt
import string

from connector_sim.logs.settings import TraceLevel

MAX_MESSAGE = 2000
"""Characters; a peer's words may be in it."""
_HEX = frozenset(string.hexdigits)


def trace_line(at: float, level: TraceLevel, logger: str, thread: str, trace_id: str | None, message: str) -> bytes:
    """Return a line with its line feed; ``at`` is in seconds since 1970."""
    text = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in message[:MAX_MESSAGE])
    return f"{time_text(at)}#{level.name}#{logger}#{thread}#{channel(trace_id)}#{text}\n".encode()


def time_text(at: float) -> str:
    """Return a moment as lines begin with it, and as the administration names one of them."""
    moment = dt.datetime.fromtimestamp(at, dt.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03} +0000"


def channel(trace_id: str | None) -> str:
    """Return how a stream is named: by the beginning of its trace ID, as in 0xc36f8a26."""
    beginning = (trace_id or "")[:8]
    return f"0x{beginning}" if len(beginning) == 8 and set(beginning) <= _HEX else " "
