"""``maco-lab maco locks``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from maco_lab.maco_command.api_client import path
from maco_lab.maco_command.calling import DEFAULT_STATE, JsonOption, StateOption, group, running_maco, show
from maco_lab.maco_command.tables import table

app = group("The locks of polls, on host, user and folder.")


@app.command("list")
def list_(state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """List the locks that are held, the newest first."""
    with running_maco(state) as maco:
        show(maco.get(path("locks")), _listed, as_json=json_)


@app.command()
def release(
    host: Annotated[str, typer.Argument(help="The host of the lock.")],
    user: Annotated[str, typer.Argument(help="Its user.")],
    folder: Annotated[str, typer.Argument(help="Its folder.")] = "INBOX",
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Release a lock, as CPI's Message Locks can."""
    with running_maco(state) as maco:
        where = path("locks", host=host, user=user, folder=folder)
        show(maco.delete(where), lambda _: "released", as_json=json_)


def _listed(answer: Mapping[str, Any]) -> str:
    keys = ("host", "user", "folder", "created_at", "expires_at")
    rows = [[each[key] for key in keys] for each in answer["locks"]]
    return table(("host", "user", "folder", "created", "expires"), rows, empty="no lock is held")
