"""What a test says of the lab it wants, turned into the text of a lab file: the default one, changed, or another.

The text is also the name under which a running lab is kept: two tests that want the same lab get the same one.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML

from maco_lab.lab_file import LabFile, default_text, parse_lab

NAME = "maco_lab_settings"

Change: TypeAlias = Callable[[dict[str, Any]], object]
"""Changes the data of the default lab file in place; what it returns is ignored."""

Settings: TypeAlias = Change | Mapping[str, Any] | Path | str | None
"""None for the default lab, a change of it, the data of a whole lab file, or the path of one."""


@dataclass(frozen=True, slots=True)
class LabText:
    """A lab file that was not checked yet; relative paths in it start at ``folder``, errors call it ``name``."""

    text: str
    folder: Path
    name: str = NAME

    def parsed(self) -> LabFile:
        """Check it. Raises LabFileError."""
        return _parsed_file(self)


def lab_text(settings: Settings, *changes: Change) -> LabText:
    """Return the lab file that ``settings`` stand for, after ``changes``. Raises OSError if it cannot be read."""
    match settings:
        case None:
            text = LabText(default_text(), Path.cwd())
        case Path() | str():
            path = Path(settings).resolve()
            text = LabText(path.read_text(encoding="utf-8"), path.parent, str(settings))
        case Mapping():
            text = LabText(_as_yaml(dict(settings)), Path.cwd())
        case _:
            return lab_text(None, settings, *changes)
    if not changes:
        return text
    data = copy.deepcopy(_default_data()) if settings is None else _parsed(text.text)
    for change in changes:
        change(data)
    return dataclasses.replace(text, text=_as_yaml(data))


@functools.cache
def _default_data() -> dict[str, Any]:
    return _parsed(default_text())


@functools.lru_cache(maxsize=64)  # a dozen labs are asked for again and again, and to read one takes longer than a poll
def _parsed_file(text: LabText) -> LabFile:
    return parse_lab(text.text, name=text.name, folder=text.folder)


def _parsed(text: str) -> dict[str, Any]:
    data: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return data


def _as_yaml(data: dict[str, Any]) -> str:
    """JSON is YAML 1.2, and twenty times faster to write."""
    return json.dumps(data, indent=2, ensure_ascii=False, default=str)
