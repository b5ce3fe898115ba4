"""``maco-lab maco servers``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from maco_lab.maco_command.api_client import path
from maco_lab.maco_command.calling import DEFAULT_STATE, JsonOption, StateOption, group, running_maco, show
from maco_lab.maco_command.tables import table

app = group('E-mail servers ("Configure Email Server").')

NameArgument = Annotated[str, typer.Argument(help="Its name.")]
ProxyTypeOption = Annotated[str | None, typer.Option(help="On-Premise, or Internet.")]
LocationOption = Annotated[str | None, typer.Option(help="Which Cloud Connector; empty: the one without an ID.")]
TimeoutOption = Annotated[int | None, typer.Option(help="Timeout in milliseconds.")]


@app.command("list")
def list_(state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """List the e-mail servers."""
    with running_maco(state) as maco:
        show(maco.get(path("servers")), _listed, as_json=json_)


@app.command()
def add(
    name: NameArgument,
    address: Annotated[str, typer.Option(help="HOST:PORT; On-Premise the virtual ones of the system mapping.")],
    proxy_type: ProxyTypeOption = None,
    location_id: LocationOption = None,
    timeout_ms: TimeoutOption = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Add an e-mail server; On-Premise unless told otherwise."""
    wanted = {"name": name, "address": address, **_given(proxy_type, location_id, timeout_ms)}
    with running_maco(state) as maco:
        show({"servers": [maco.post(path("servers"), wanted)]}, _listed, as_json=json_)


@app.command()
def change(
    name: NameArgument,
    address: Annotated[str | None, typer.Option(help="HOST:PORT.")] = None,
    proxy_type: ProxyTypeOption = None,
    location_id: LocationOption = None,
    timeout_ms: TimeoutOption = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Change what is given; the next poll of each e-mail connection that refers to it has it."""
    wanted = {**({} if address is None else {"address": address}), **_given(proxy_type, location_id, timeout_ms)}
    with running_maco(state) as maco:
        show({"servers": [maco.patch(path("servers", name), wanted)]}, _listed, as_json=json_)


@app.command()
def delete(name: NameArgument, state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """Delete an e-mail server that no e-mail connection refers to."""
    with running_maco(state) as maco:
        show(maco.delete(path("servers", name)), lambda _: f"{name}: deleted", as_json=json_)


def _given(proxy_type: str | None, location_id: str | None, timeout_ms: int | None) -> dict[str, object]:
    all_options = {"proxy_type": proxy_type, "location_id": location_id, "timeout_ms": timeout_ms}
    return {option: value for option, value in all_options.items() if value is not None}


def _listed(answer: Mapping[str, Any]) -> str:
    keys = ("name", "address", "proxy_type", "location_id", "timeout_ms")
    rows = [(*(each[key] for key in keys), ", ".join(each["used_by"])) for each in answer["servers"]]
    heading = ("name", "address", "proxy type", "location ID", "timeout ms", "used by")
    return table(heading, rows, empty="there is no e-mail server")
