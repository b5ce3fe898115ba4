"""``maco-lab env``: what an application on BTP would find, from the lab that runs, in the form that a program reads."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from maco_lab.application import vcap_services
from maco_lab.client import running_note
from maco_lab.control import ControlError, ask
from maco_lab.state import StateFolder

ASK_S = 10.0
PRIVATE = 0o600


class Format(StrEnum):
    """How it is written."""

    VCAP = "vcap"
    """``VCAP_SERVICES`` as JSON: the value of that variable."""
    DEFAULT_ENV = "default-env"
    """The file ``default-env.json`` of SAP's libraries."""
    SHELL = "shell"
    """A line that a shell reads, as in ``eval "$(maco-lab env --format shell)"``."""
    JSON = "json"
    """The credentials alone."""


def environment(state: StateFolder, client_id: str, *, destinations: bool, form: Format) -> str:
    """Ask the running lab, and return what is to be printed. Raises NoLabError, ControlError."""
    request = {"command": "environment", "client": client_id}
    answer = ask(running_note(state).control, request, timeout_s=ASK_S)
    if not answer.get("ok"):
        raise ControlError(str(answer.get("error", "the lab refused")))
    if destinations:
        return _FORMATS_OF_DESTINATIONS[form](answer["destinations"])
    return _FORMATS[form](answer["credentials"])


def write_privately(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, also where there was another one. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), PRIVATE)
        file.write(text)


def _vcap(credentials: Mapping[str, str]) -> str:
    return _compact(vcap_services(credentials))


def _default_env(credentials: Mapping[str, str]) -> str:
    return _indented({"VCAP_SERVICES": vcap_services(credentials)})


def _shell(credentials: Mapping[str, str]) -> str:
    return f"export VCAP_SERVICES={shlex.quote(_vcap(credentials))}"


def _indented(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)


def _compact(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


_FORMATS: Mapping[Format, Callable[[Mapping[str, str]], str]] = {
    Format.VCAP: _vcap,
    Format.DEFAULT_ENV: _default_env,
    Format.SHELL: _shell,
    Format.JSON: _indented,
}
_FORMATS_OF_DESTINATIONS: Mapping[Format, Callable[[list[dict[str, Any]]], str]] = {
    Format.VCAP: _compact,
    Format.DEFAULT_ENV: lambda found: _indented({"destinations": found}),
    Format.SHELL: lambda found: f"export destinations={shlex.quote(_compact(found))}",
    Format.JSON: _indented,
}
"""By the key or the variable ``destinations``, beside ``VCAP_SERVICES``."""
