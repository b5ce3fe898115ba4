"""``maco-lab check``: ask the running lab's Cloud Connectors whether they reach what their mappings lead to.

As every command it imports what it needs when it runs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

ANSWER_S = 150.0
"""Longer than the checks of a connector may take."""


def check(
    mapping: Annotated[
        str,
        typer.Argument(
            metavar="[[CONNECTOR/]VIRTUAL:PORT]",
            help="One mapping, as in scc/mailbox.virtual:993; without it all of them.",
            show_default=False,
        ),
    ] = "",
    state: Annotated[Path, typer.Option("--state", help="The state folder of the running lab.")] = Path(".maco-lab"),
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Check whether the Cloud Connectors of the running lab reach the systems behind their mappings.

    TCP TLS is checked to the end of the handshake, by the present trust store and system certificate. Exits 1 when a
    system was not reached as it should be.
    """
    from maco_lab import client
    from maco_lab.control import ControlError, ask
    from maco_lab.state import StateError, StateFolder

    try:
        note = client.running_note(StateFolder(state, create=False))
        answer = ask(note.control, {"command": "check", "mapping": mapping}, timeout_s=ANSWER_S)
    except (client.NoLabError, StateError, ControlError) as error:
        answer = {"error": str(error)}
    if not answer.get("ok"):
        typer.echo(str(answer.get("error", "the lab refused")), err=True)
        raise typer.Exit(2)
    found = answer["checks"]
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        from rich.console import Console

        from maco_lab.check_table import print_checks

        print_checks(Console(highlight=False), found, with_details=bool(mapping))
    raise typer.Exit(0 if all(each["result"] == "Reachable" for each in found) else 1)
