"""``maco-lab maco sending``, where every setting of a sending connection is an option, and ``maco-lab maco send``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from maco_lab.maco_command.api_client import SEND_S, path
from maco_lab.maco_command.calling import (
    DEFAULT_STATE,
    JsonOption,
    StateOption,
    fail,
    group,
    running_maco,
    setting_option,
    show,
)
from maco_lab.maco_command.tables import fields, printable, table

app = group("Sending connections (the mail receiver adapter).")

STANDARD_INPUT = Path("-")
MOST_BYTES = 20 * 1024 * 1024
NameArgument = Annotated[str, typer.Argument(help="Its name.")]

REQUIRED: Mapping[str, str] = {
    "address": "HOST:PORT; On-Premise the virtual ones of the system mapping.",
    "protection": "Off, STARTTLS Mandatory, STARTTLS Optional, or for Internet also SMTPS.",
    "sender": "From: the address that mails come from.",
}
SETTINGS: Mapping[str, tuple[type, str]] = {
    "proxy_type": (str, "On-Premise, or Internet."),
    "location_id": (str, "Which Cloud Connector; empty: the one without an ID."),
    "timeout_ms": (int, "Timeout in milliseconds, less than five minutes."),
    "authentication": (str, "None, Plain User Name/Password, Encrypted User/Password, or OAuth2 Authorization Code."),
    "credential": (str, "The security material, by its name; empty: none."),
    "plain_fallback": (bool, "Let Encrypted User/Password send the password as it is where it must."),
    "to": (str, "Recipients, with commas."),
    "cc": (str, "Recipients of copies, with commas."),
    "bcc": (str, "Recipients whom nobody sees, with commas."),
    "subject": (str, "The subject."),
    "mail_body": (str, "A text in the place of what is sent; ${in.body} is what is sent."),
    "body_mime_type": (str, "Text/Plain, Text/CSV, Text/HTML, Application/XML, /JSON, /Octet-Stream, /ZIP or /X-Gzip."),
    "body_encoding": (str, "UTF-8, windows-1252, UTF-ASCII or ISO-8859-1; characters that it lacks become ?."),
    "content_transfer_encoding": (str, "Automatic, 7Bit, 8Bit, Base64 or Quoted-Printable."),
    "signature_and_encryption_type": (str, "None; S/MIME is not simulated."),
}
ATTACH_HELP = "Attach what is sent, as NAME or NAME=TYPE (as in m.txt=Text/Plain); may be given again."


def _with_settings(*, required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each setting, in the place of its parameter ``given``."""

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(function, eval_str=True).parameters.values()
        own = [each for each in parameters if each.name != "given"]
        needed = [
            setting_option(
                name, str if required else str | None, meaning, inspect.Parameter.empty if required else None
            )
            for name, meaning in REQUIRED.items()
        ]
        others = [setting_option(name, kind | None, meaning, None) for name, (kind, meaning) in SETTINGS.items()]
        attach = setting_option("attach", list[str] | None, ATTACH_HELP, None)
        signature = inspect.Signature([*own, *needed, *others, attach])
        function.__signature__ = signature  # type: ignore[attr-defined]  # what inspect looks at first
        return function

    return decorated


@app.command("list")
def list_(state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """List the sending connections and their traps."""
    with running_maco(state) as maco:
        show(maco.get(path("sending-connections")), _listed, as_json=json_)


@app.command("show")
def show_(name: NameArgument, state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """Show all settings of one sending connection."""
    with running_maco(state) as maco:
        show(maco.get(path("sending-connections", name)), _one, as_json=json_)


@app.command()
@_with_settings(required=True)
def add(name: NameArgument, state: StateOption = DEFAULT_STATE, json_: JsonOption = False, **given: Any) -> None:
    """Add a sending connection; On-Premise unless told otherwise."""
    with running_maco(state) as maco:
        show(maco.post(path("sending-connections"), {"name": name, **_settings(given)}), _one, as_json=json_)


@app.command()
@_with_settings(required=False)
def change(name: NameArgument, state: StateOption = DEFAULT_STATE, json_: JsonOption = False, **given: Any) -> None:
    """Change what is given, from the next mail on; --attach replaces all attachments."""
    with running_maco(state) as maco:
        show(maco.patch(path("sending-connections", name), _settings(given)), _one, as_json=json_)


@app.command()
def delete(name: NameArgument, state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """Delete a sending connection."""
    with running_maco(state) as maco:
        show(maco.delete(path("sending-connections", name)), lambda _: f"{name}: deleted", as_json=json_)


def send(
    connection: Annotated[str, typer.Argument(help="The sending connection, by its name.")],
    file: Annotated[Path, typer.Argument(help="What is sent; - reads standard input.")],
    to: Annotated[
        str | None, typer.Option(help="Recipients in the place of To in the settings, with commas; Cc and Bcc stay.")
    ] = None,
    cc: Annotated[str | None, typer.Option(help="The same for Cc.")] = None,
    bcc: Annotated[str | None, typer.Option(help="The same for Bcc.")] = None,
    subject: Annotated[str | None, typer.Option(help="Another subject.")] = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Let MaCo send a mail now; exit code 1 if the mail server does not take it."""
    try:
        content = sys.stdin.buffer.read(MOST_BYTES + 1) if file == STANDARD_INPUT else _read(file)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    where = path("send", connection=connection, to=to, cc=cc, bcc=bcc, subject=subject)
    with running_maco(state) as maco:
        answer = maco.upload(where, content, "application/octet-stream", timeout_s=SEND_S)
    show(answer, _told, as_json=json_)
    raise typer.Exit(0 if answer["result"]["succeeded"] else 1)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MOST_BYTES + 1)


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given as the API takes it."""
    wanted = {name: given[name] for name in (*REQUIRED, *SETTINGS) if given[name] is not None}
    if given["attach"]:
        wanted["attachments"] = [_attachment(each) for each in given["attach"]]
    return wanted


def _attachment(text: str) -> dict[str, str]:
    name, separator, kind = text.rpartition("=")
    return {"name": name, "mime_type": kind} if separator else {"name": text}


def _told(answer: Mapping[str, Any]) -> str:
    result = answer["result"]
    told = [answer["line"]]
    told += [f"  look at: {result['hint']}"] if result["hint"] else []
    told += [f"  ! {warning}" for warning in result["warnings"]]
    return "\n".join(printable(each) for each in told)


def _listed(answer: Mapping[str, Any]) -> str:
    keys = (
        "name",
        "address",
        "proxy_type",
        "location_id",
        "protection",
        "authentication",
        "credential",
        "sender",
        "to",
    )
    rows = [[each[key] for key in keys] for each in answer["connections"]]
    heading = (
        "name",
        "address",
        "proxy type",
        "location ID",
        "protection",
        "authentication",
        "credential",
        "from",
        "to",
    )
    listed = table(heading, rows, empty="there is no sending connection")
    traps = [
        printable(f"! {each['name']}: {warning}") for each in answer["connections"] for warning in each["warnings"]
    ]
    return "\n".join([listed, *traps])


def _one(connection: Mapping[str, Any]) -> str:
    hidden = {"warnings", "attachments"}
    shown = [(name, _shown(value)) for name, value in connection.items() if name not in hidden]
    attached = [f"{each['name']} ({each['mime_type']}, {each['file'] or each['source']})"
                for each in connection["attachments"]]  # fmt: skip
    told = fields([*shown, ("attachments", ", ".join(attached) or "-")])
    return "\n".join([told, *(printable(f"! {warning}") for warning in connection["warnings"])])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "-"
