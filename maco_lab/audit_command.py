"""``maco-lab audit``: find out whether the audit logs of Cloud Connectors are as they were written.

It reads files and needs no lab that runs. As every command it imports what it needs when it runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from connector_sim.logs.audit_check import Checked
    from connector_sim.logs.audit_line import Link

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
    help="Check audit logs.",
)


@app.callback()
def audit() -> None:
    """Check the audit logs of Cloud Connectors."""


@app.command()
def verify(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A state folder, or a Cloud Connector's log folder in it.")
    ] = Path(".maco-lab"),
    known: Annotated[
        list[str] | None,
        typer.Option(metavar="LOG:NUMBER:HASH", help="An entry that was noted before; may be given again."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Check the hash chains of audit logs: a line that was changed, removed or moved, or an end that was cut off.

    Exits 1 when something was found, 2 when there is no audit log. What it prints as the newest entry of a log can be
    noted elsewhere and given by --known the next time: only that finds a log that was rewritten with its side file.
    """
    try:
        noted = dict(map(_known, known or []))
        found = list(_checked(folder, noted))
    except (ValueError, OSError) as error:
        _fail(f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error))
    if not found:
        _fail(f"{folder}: there is no audit log")
    if json_:
        typer.echo(json.dumps([_as_data(place, each) for place, each in found], ensure_ascii=False, indent=2))
    else:
        for place, each in found:
            _print(place, each)
    raise typer.Exit(1 if any(each.findings for _, each in found) else 0)


def _checked(folder: Path, known: Mapping[str, Link]) -> Iterator[tuple[Path, Checked]]:
    """Check every audit log in a log folder, or in those below a state folder."""
    from connector_sim.logs.audit_check import check_logs
    from connector_sim.logs.names import AUDIT, AUDIT_HEADS

    below = [folder, *sorted((folder / "log").glob("*/"))]
    for place in below:
        if (place / AUDIT).is_dir() or (place / AUDIT_HEADS).is_dir():
            for checked in check_logs(place, known):
                yield place, checked


def _known(text: str) -> tuple[str, Link]:
    from connector_sim.logs.audit_line import Link

    scope, _, rest = text.partition(":")
    number, _, found = rest.partition(":")
    if not (scope and number.isascii() and number.isdigit() and len(found) == 64):
        raise ValueError(f"found --known {text!r}, allowed: LOG:NUMBER:HASH, as it was printed")
    return scope, Link(int(number), found)


def _print(place: Path, checked: Checked) -> None:
    from maco_lab.story import printable

    state = "has been tampered with or damaged" if checked.findings else "is whole"
    typer.echo(printable(f"{place}: audit log {checked.scope} {state}, {checked.entries} entries"))
    for finding in checked.findings:
        typer.echo(printable(f"  {finding}"))
    for note in checked.notes:
        typer.echo(printable(f"  (note: {note})"))
    if checked.last:
        typer.echo(f"  newest entry: {checked.scope}:{checked.last.number}:{checked.last.hash}")


def _as_data(place: Path, checked: Checked) -> dict[str, object]:
    from connector_sim.admin.logs import check_shape

    return {"folder": str(place), **check_shape(checked)}


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(2)
