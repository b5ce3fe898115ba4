"""``maco-lab maco inbox``, ``show`` and ``export``: what MaCo has fetched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from maco_lab.maco_command.api_client import ApiClient, path
from maco_lab.maco_command.calling import DEFAULT_STATE, JsonOption, StateOption, fail, running_maco
from maco_lab.maco_command.calling import show as print_
from maco_lab.maco_command.tables import printable, table

MOST_MAILS = 1_000

ConnectionOption = Annotated[str | None, typer.Option("--connection", help="Only what came by this e-mail connection.")]


class Format(StrEnum):
    """How mails are written."""

    EML = "eml"
    MBOX = "mbox"


def inbox(
    connection: ConnectionOption = None,
    after: Annotated[int, typer.Option(min=0, help="Only mails with a higher number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=MOST_MAILS, help="How many at most.")] = 100,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """List the mails in the inbox, oldest first."""
    with running_maco(state) as maco:
        print_(maco.get(path("inbox", connection=connection, after=after, limit=limit)), _listed, as_json=json_)


def show(
    number: Annotated[int, typer.Argument(min=1, help="The mail's number in the inbox.")],
    raw: Annotated[bool, typer.Option("--raw", help="As it was received.")] = False,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Print a mail as MaCo hands it on, or as it was received."""
    if raw and json_:
        fail("--raw and --json: give one of both")
    with running_maco(state) as maco:
        if raw:
            for piece in maco.download(path("inbox", str(number), "raw")):
                typer.echo(piece, nl=False)
        else:
            print_(maco.get(path("inbox", str(number))), _mail, as_json=json_)


def export(
    out: Annotated[Path, typer.Argument(help="A folder for .eml files, or the mbox file.")],
    format_: Annotated[Format, typer.Option("--format", help="A file for each mail, or one for all.")] = Format.EML,
    connection: ConnectionOption = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Write the mails of the inbox into files that only their owner can read; JSON names these files."""
    with running_maco(state) as maco:
        try:
            if format_ is Format.MBOX:
                _write(out, maco.download(path("inbox.mbox", connection=connection)))
                files, told = [out], "written"
            else:
                files = _write_each(maco, out, connection)
                told = f"{len(files)} mail(s) written"
        except OSError as error:
            fail(f"{error.filename or out}: {error.strerror}")
    print_({"files": list(map(str, files))}, lambda _: f"{out}: {told}", as_json=json_)


def _write_each(maco: ApiClient, folder: Path, connection: str | None) -> list[Path]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written: list[Path] = []
    after, more = 0, 1
    while more:
        part = maco.get(path("inbox", connection=connection, after=after, limit=MOST_MAILS))
        for mail in part["mails"]:
            written.append(folder / f"{mail['id']:06}.eml")
            _write(written[-1], maco.download(path("inbox", str(mail["id"]), "raw")))
            after = mail["id"]
        more = part["more"]
    return written


def _write(file: Path, pieces: Iterable[bytes]) -> None:
    """Write a file, in place of the one that is there; a download that fails leaves that as it was."""
    draft = file.with_name(f".{file.name}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            for piece in pieces:
                opened.write(piece)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _mail(answer: Mapping[str, Any]) -> str:
    header = [printable(f"{each['name']}: {each['value']}") for each in answer["headers"]]
    text = [printable(line) for line in answer["text"].splitlines()]
    attached = [
        printable(f"[{each['name']}, {each['content_type']}, {each['size']} bytes]") for each in answer["attachments"]
    ]
    properties = [printable(f"{{{each['name']}: {each['size']} bytes}}") for each in answer["properties"]]
    problems = [printable(f"! {problem}") for problem in answer["problems"]]
    return "\n".join([*header, "", *text, *attached, *properties, *problems])


def _listed(answer: Mapping[str, Any]) -> str:
    rows = [
        (each["id"], each["stored_at"], each["connection"], each["mailbox"]["folder"], each["size"], each["subject"])
        for each in answer["mails"]
    ]
    heading = ("number", "stored", "connection", "folder", "bytes", "subject")
    listed = table(heading, rows, empty="there is no such mail in the inbox")
    return listed + (f"\n{answer['more']} more: --after {answer['mails'][-1]['id']}" if answer["more"] else "")
