"""``maco-lab maco credentials``. A secret is never an argument: other users could see it."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from maco_lab.maco_command.api_client import path
from maco_lab.maco_command.calling import DEFAULT_STATE, JsonOption, StateOption, fail, group, running_maco, show
from maco_lab.maco_command.tables import table

PASSWORD_VARIABLE = "MACO_LAB_PASSWORD"  # noqa: S105 - its name
MOST_BYTES = 64 * 1024

app = group("Security material: who logs in.")

NameArgument = Annotated[str, typer.Argument(help="Its name, to which e-mail connections refer.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(help=f"A file whose first line is the password; else ${PASSWORD_VARIABLE}, or it is asked for."),
]
TokenFile = Annotated[Path | None, typer.Option(help="A file whose first line is an access token (OAuth2).")]


@app.command("list")
def list_(state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """List security material without its secrets."""
    with running_maco(state) as maco:
        show(maco.get(path("credentials")), _listed, as_json=json_)


@app.command()
def add(
    name: NameArgument,
    user: Annotated[str, typer.Option(help="The user of the mail server.")],
    password_file: PasswordFile = None,
    token_file: TokenFile = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Add security material."""
    secret = _secret(password_file, token_file) or {"password": _asked(name)}
    with running_maco(state) as maco:
        added = maco.post(path("credentials"), {"name": name, "user": user, **secret})
        show({"credentials": [added]}, _listed, as_json=json_)


@app.command()
def change(
    name: NameArgument,
    user: Annotated[str | None, typer.Option(help="Another user.")] = None,
    password_file: PasswordFile = None,
    token_file: TokenFile = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Change the user, the secret, or both; without any option the password is asked for."""
    secret = _secret(password_file, token_file) or ({} if user else {"password": _asked(name)})
    with running_maco(state) as maco:
        changed = maco.patch(path("credentials", name), {**({"user": user} if user else {}), **secret})
        show({"credentials": [changed]}, _listed, as_json=json_)


@app.command()
def delete(name: NameArgument, state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """Delete security material that no e-mail connection refers to."""
    with running_maco(state) as maco:
        show(maco.delete(path("credentials", name)), lambda _: f"{name}: deleted", as_json=json_)


def _secret(password_file: Path | None, token_file: Path | None) -> dict[str, str]:
    """Return the secret that was given, by its kind; nothing if there was none."""
    if password_file and token_file:
        fail("--password-file and --token-file: give one of both")
    if token_file:
        return {"access_token": _first_line(token_file)}
    if password_file:
        return {"password": _first_line(password_file)}
    given = os.environ.get(PASSWORD_VARIABLE)
    return {"password": given} if given else {}


def _first_line(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.readline(MOST_BYTES).decode("utf-8").rstrip("\r\n")
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    except UnicodeDecodeError:
        fail(f"{file}: is not UTF-8 text")


def _asked(name: str) -> str:
    if not sys.stdin.isatty():
        fail(f"the password of {name!r} is needed: --password-file, or {PASSWORD_VARIABLE} in the environment")
    try:
        return getpass.getpass(f"Password of {name}: ")
    except (EOFError, KeyboardInterrupt):
        fail("no password was given")


def _listed(answer: Mapping[str, Any]) -> str:
    rows = [(each["name"], each["user"], each["kind"], ", ".join(each["used_by"])) for each in answer["credentials"]]
    return table(("name", "user", "secret", "used by"), rows, empty="there is no security material")
