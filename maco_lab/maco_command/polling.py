"""``maco-lab maco poll``: let MaCo poll now, and say how far it is while that takes long."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from maco_lab.maco_command.api_client import POLL_S, ApiClient, ApiError, path
from maco_lab.maco_command.calling import DEFAULT_STATE, JsonOption, StateOption, running_maco, show
from maco_lab.maco_command.tables import printable

LOOK_EVERY_S = 1.0


def poll(
    connections: Annotated[
        list[str] | None, typer.Argument(help="E-mail connections; all of them if none is named.")
    ] = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Poll now. A poll that takes long is told about on standard error; exit code 1 if one fails."""
    with running_maco(state) as maco, _progress(maco, connections or []):
        answer = maco.post(path("poll"), {"connections": connections or []}, timeout_s=POLL_S)
    show(answer, _told, as_json=json_)
    raise typer.Exit(0 if all(each["succeeded"] for each in answer["results"]) else 1)


@contextlib.contextmanager
def _progress(maco: ApiClient, names: Sequence[str]) -> Iterator[None]:
    """Say on a terminal, once a second, how far the polls are."""
    if not sys.stderr.isatty():
        yield
        return
    ended = threading.Event()

    def tell() -> None:
        while not ended.wait(LOOK_EVERY_S):
            with contextlib.suppress(ApiError):  # the request that polls is the one that tells of a failure
                for line in _running(maco.get(path("polls")), names):
                    typer.echo(line, err=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def _running(answer: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [
        printable(f"{each['connection']}: {each['stage']}, {each['mails']} mail(s) dealt with, {each['stored']} stored")
        for each in answer["polls"]
        if not names or each["connection"] in names
    ]


def _told(answer: Mapping[str, Any]) -> str:
    return "\n".join(line for each in answer["results"] for line in _lines(each)) or "there is no e-mail connection"


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    outcome = f"{result['stored']} mail(s) fetched" if result["succeeded"] else f"failed: {result['error']}"
    yield printable(f"{result['connection']}: {outcome}")
    if result["java_text"]:
        yield printable(f"  Java: {result['java_text']}")
    if result["hint"]:
        yield printable(f"  look at: {result['hint']}")
    for warning in result["warnings"]:
        yield printable(f"  ! {warning}")
