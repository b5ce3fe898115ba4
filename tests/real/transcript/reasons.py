"""Why the two servers differ: the reasons that a step of a script may name, from ``reasons.md``."""

from __future__ import annotations

import re
from pathlib import Path

_REASON = re.compile(r"^## ([\w-]+)\n\n(.+?)\n(?=\n##|\Z)", re.MULTILINE | re.DOTALL)

REASONS: dict[str, str] = dict(_REASON.findall(Path(__file__).with_suffix(".md").read_text(encoding="utf-8")))
"""The text of every reason by its name."""
