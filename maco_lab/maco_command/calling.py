"""What every command of ``maco-lab maco`` does: find the lab, ask its MaCo, print, and say what went wrong.

Exit codes: 0 done; 1 something was tried and failed (a poll, a test); 2 the call is wrong, refused, or no lab runs.
"""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from maco_lab import client
from maco_lab.maco_command.api_client import ApiClient, ApiError
from maco_lab.maco_command.tables import printable
from maco_lab.state import DEFAULT_FOLDER, StateError, StateFolder

StateOption = Annotated[Path, typer.Option("--state", help="The state folder of the running lab.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
DEFAULT_STATE = DEFAULT_FOLDER


def setting_option(name: str, kind: Any, meaning: str, default: Any) -> inspect.Parameter:
    """Return the parameter of a command that sets ``name``; Typer makes an option of it."""
    annotation = Annotated[kind, typer.Option(help=meaning, show_default=False)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def group(help_text: str) -> typer.Typer:
    """Return an empty group of commands."""
    # Locals are not shown: they may be secrets.
    return typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_show_locals=False,
        help=help_text,
    )


@contextlib.contextmanager
def running_maco(state: Path) -> Iterator[ApiClient]:
    """Yield the API of the lab that runs in a state folder; what it refuses ends the command."""
    try:
        yield ApiClient.of_running_lab(client.running_note(StateFolder(state, create=False)))
    except (ApiError, client.NoLabError, StateError) as error:
        fail(str(error))


def show(answer: Mapping[str, Any], as_text: Callable[[Mapping[str, Any]], str], *, as_json: bool) -> None:
    """Print an answer of the API."""
    typer.echo(json.dumps(answer, ensure_ascii=False, indent=2) if as_json else as_text(answer))


def fail(message: str, *, code: int = 2) -> NoReturn:
    """End the command."""
    typer.echo(printable(message), err=True)
    raise typer.Exit(code)
