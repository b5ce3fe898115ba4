"""An entry of the journal as one line for a person. Pure: plain data in, text out.

Everything that the entry has is in the line; certificates are told by their subjects alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

_COMMON = frozenset({"v", "n", "t", "kind", "party", "system", "trace_id", "local", "peer"})
_JOINED_BY = ("local", "peer", "trace_id")
"""What connects entries comes last: it is long, and seldom what is looked for."""


def as_text(data: Mapping[str, Any]) -> str:
    """Return the line: number, local time, who, what, and then each field as ``name=value``."""
    who = " ".join(str(data[key]) for key in ("party", "system") if key in data)
    own = [f"{name}={_value(value)}" for name, value in data.items() if name not in _COMMON]
    joined = [f"{name}={_value(data[name])}" for name in _JOINED_BY if name in data]
    return " ".join([f"{data['n']:>5}", _clock(data["t"]), f"{who}:", str(data["kind"]), *own, *joined])


def _clock(at: float) -> str:
    """Return the time of day to the millisecond, cut and not rounded, as the seconds are."""
    return f"{time.strftime('%H:%M:%S', time.localtime(at))}.{int(at % 1 * 1000):03}"


def _value(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case [str(host), int(port)]:
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case [[_, _] as local, [_, _] as peer]:
            return f"{_value(local)}->{_value(peer)}"
        case list():
            return ", ".join(_quoted(str(each["subject"] if isinstance(each, Mapping) else each)) for each in value)
        case _:
            return _quoted(str(value))


def _quoted(text: str) -> str:
    """Return a text between quotes if it would be taken for more than one value."""
    return f'"{text}"' if not text or " " in text or '"' in text or "=" in text else text
