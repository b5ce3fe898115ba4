"""``maco-lab maco keystore``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from maco_lab.maco_command.api_client import path
from maco_lab.maco_command.calling import DEFAULT_STATE, JsonOption, StateOption, fail, group, running_maco, show
from maco_lab.maco_command.tables import table

MOST_BYTES = 2 * 1024 * 1024
STANDARD_INPUT = Path("-")

app = group("Whom MaCo trusts.")


@app.command("list")
def list_(state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """List the entries with expiry, fingerprints and warnings."""
    with running_maco(state) as maco:
        show(maco.get(path("keystore")), _listed, as_json=json_)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Certificates, PEM or DER; - reads standard input.")],
    alias: Annotated[
        str | None, typer.Option(help="The alias; without it the file's name. Several get it with numbers.")
    ] = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Import certificates; MaCo trusts them from its next poll on."""
    try:
        content = sys.stdin.buffer.read(MOST_BYTES + 1) if file == STANDARD_INPUT else _read(file)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    if alias is None and file == STANDARD_INPUT:
        fail("--alias is missing: standard input has no name")
    content_type = "application/x-pem-file" if b"-----BEGIN" in content else "application/pkix-cert"
    with running_maco(state) as maco:
        answer = maco.upload(path("keystore", alias=alias or file.stem), content, content_type)
        show(answer, _listed, as_json=json_)


@app.command()
def delete(
    alias: Annotated[str, typer.Argument(help="Which entry.")],
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Trust a certificate no longer."""
    with running_maco(state) as maco:
        show(maco.delete(path("keystore", alias)), lambda _: f"{alias}: deleted", as_json=json_)


@app.command()
def export(
    alias: Annotated[str, typer.Argument(help="Which entry.")],
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Print an entry as PEM; in JSON as what is known of it, with its PEM."""
    with running_maco(state) as maco:
        pem = b"".join(maco.download(path("keystore", alias, "pem"))).decode("ascii")
        if json_:
            show({**maco.get(path("keystore", alias)), "pem": pem}, str, as_json=True)
        else:
            typer.echo(pem, nl=False)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES + 1)


def _listed(answer: Mapping[str, Any]) -> str:
    entries = answer["entries"]
    rows = [
        (
            each["alias"],
            each["certificate"]["subject"],
            "expired" if each["expired"] else f"{each['days_left']} days",
            each["certificate"]["not_after"],
            each["certificate"]["sha256"],
        )
        for each in entries
    ]
    warnings = [f"! {each['alias']}: {warning}" for each in entries for warning in each["warnings"]]
    listed = table(("alias", "subject", "left", "not after", "SHA-256"), rows, empty="the key store trusts nobody")
    return "\n".join([listed, *warnings])
