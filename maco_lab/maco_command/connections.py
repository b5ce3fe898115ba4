"""``maco-lab maco connections``: every setting of an e-mail connection is an option."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any

import typer

from maco_lab.maco_command.api_client import path
from maco_lab.maco_command.calling import (
    DEFAULT_STATE,
    JsonOption,
    StateOption,
    group,
    running_maco,
    setting_option,
    show,
)
from maco_lab.maco_command.tables import fields, table

app = group('E-mail connections ("Configure Email Connection").')

NameArgument = Annotated[str, typer.Argument(help="Its name.")]

REQUIRED: Mapping[str, str] = {
    "server": "The e-mail server, by its name.",
    "protection": "Off, STARTTLS Mandatory, STARTTLS Optional, or for Internet also IMAPS (POP3: POP3S).",
    "credential": "The security material, by its name.",
}
SETTINGS: Mapping[str, tuple[type, str]] = {
    "transport_protocol": (str, "IMAP4, or POP3."),
    "authentication": (str, "Plain User Name/Password, Encrypted User/Password, or OAuth2 Authorization Code."),
    "folder": (str, "What is polled; IMAP4 only."),
    "selection": (str, "Only Unread, or All Mails; IMAP4 only."),
    "max_messages_per_poll": (int, "How many mails one poll fetches at most; 0: no limit."),
    "lock_timeout_min": (int, "Minutes after which a lock that is left is void."),
    "post_processing": (
        str,
        "Mark as Read, Delete, Archive, or Archive and Mark as Read; by POP3 Delete, or Leave on Server.",
    ),
    "archive_folder": (str, "Where the two archive to."),
    "remove_attachments": (bool, "Process mails without attachments."),
    "include_original_mail": (bool, "Process mails with the untouched one beside them."),
    "decode_mime_headers": (bool, "Decode header fields."),
    "automatically_disconnect": (bool, "Log out after each poll."),
    "partial_fetch": (bool, "Fetch mails in blocks of 16 KB."),
    "skip_failed_message": (bool, "Pass over a mail that cannot be read."),
    "plain_fallback": (bool, "Let Encrypted User/Password send the password as it is where it must."),
}
SCHEDULE: Mapping[str, tuple[Any, str, str]] = {
    "every": (float, "every_s", "Seconds between two polls."),
    "at": (str, "at", "HH:MM: once a day instead."),
    "not_before": (str, "not_before", "HH:MM: polls by --every begin no earlier."),
    "not_after": (str, "not_after", "HH:MM: and no later."),
    "on_date": (str, "on_date", "On this day only, as in 2026-12-01."),
    "weekday": (list[str], "weekdays", "On this day of the week only, Mon to Sun; may be given again."),
    "day_of_month": (list[int], "days_of_month", "On this day of the month only; may be given again."),
    "time_zone": (str, "time_zone", "Whose days and hours these are, as in Europe/Berlin."),
}
"""Each option with its type, its name in the API, and its meaning."""


def _with_settings(*, required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command an option for each setting, in the place of its parameter ``given``."""

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        parameters = inspect.signature(function, eval_str=True).parameters.values()
        own = [each for each in parameters if each.name != "given"]
        options = [*_required(required=required), *_optional()]
        function.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]  # what inspect looks at first
        return function

    return decorated


def _required(*, required: bool) -> Iterator[inspect.Parameter]:
    for name, meaning in REQUIRED.items():
        kind = str if required else str | None
        yield setting_option(name, kind, meaning, inspect.Parameter.empty if required else None)


def _optional() -> Iterator[inspect.Parameter]:
    for name, (kind, meaning) in SETTINGS.items():
        yield setting_option(name, kind | None, meaning, None)
    for name, (kind, _, meaning) in SCHEDULE.items():
        yield setting_option(name, kind | None, meaning, None)


@app.command("list")
def list_(state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """List the e-mail connections, their newest polls and their traps."""
    with running_maco(state) as maco:
        show(maco.get(path("connections")), _listed, as_json=json_)


@app.command("show")
def show_(name: NameArgument, state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """Show all settings of one e-mail connection."""
    with running_maco(state) as maco:
        show(maco.get(path("connections", name)), _one, as_json=json_)


@app.command()
@_with_settings(required=True)
def add(name: NameArgument, state: StateOption = DEFAULT_STATE, json_: JsonOption = False, **given: Any) -> None:
    """Add an e-mail connection; MaCo polls it by its schedule, and at once by `maco-lab maco poll`."""
    with running_maco(state) as maco:
        show(maco.post(path("connections"), {"name": name, **_settings(given)}), _one, as_json=json_)


@app.command()
@_with_settings(required=False)
def change(name: NameArgument, state: StateOption = DEFAULT_STATE, json_: JsonOption = False, **given: Any) -> None:
    """Change what is given, from the next poll on; options of the schedule replace all of it."""
    with running_maco(state) as maco:
        show(maco.patch(path("connections", name), _settings(given)), _one, as_json=json_)


@app.command()
def delete(name: NameArgument, state: StateOption = DEFAULT_STATE, json_: JsonOption = False) -> None:
    """Delete an e-mail connection; what it has fetched stays in the inbox."""
    with running_maco(state) as maco:
        show(maco.delete(path("connections", name)), lambda _: f"{name}: deleted", as_json=json_)


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given as the API takes it."""
    wanted = {name: given[name] for name in (*REQUIRED, *SETTINGS) if given[name] is not None}
    if wanted.get("max_messages_per_poll") == 0:
        wanted["max_messages_per_poll"] = None
    scheduler = {key: given[name] for name, (_, key, _) in SCHEDULE.items() if given[name] not in (None, [])}
    return wanted | ({"scheduler": scheduler} if scheduler else {})


def _listed(answer: Mapping[str, Any]) -> str:
    keys = (
        "name",
        "server",
        "transport_protocol",
        "protection",
        "credential",
        "folder",
        "selection",
        "post_processing",
    )
    rows = [(*(_shown(each[key]) for key in keys), _last(each)) for each in answer["connections"]]
    heading = (
        *("name", "server", "protocol", "protection", "credential", "folder", "selection", "post-processing"),
        "newest poll",
    )
    listed = table(heading, rows, empty="there is no e-mail connection")
    traps = [f"! {each['name']}: {warning}" for each in answer["connections"] for warning in each["warnings"]]
    return "\n".join([listed, *traps])


def _last(connection: Mapping[str, Any]) -> str:
    last = connection["last_poll"]
    if connection["polling"]:
        return "runs"
    if last is None:
        return "none yet"
    return f"{last['stored']} mail(s)" if last["succeeded"] else f"failed at {last['stage']}"


def _one(connection: Mapping[str, Any]) -> str:
    hidden = {"warnings", "last_poll", "polling", "scheduler"}
    shown = [(key, _shown(value)) for key, value in connection.items() if key not in hidden]
    scheduler = ", ".join(f"{key} {_shown(value)}" for key, value in connection["scheduler"].items() if value)
    told = fields([*shown, ("scheduler", scheduler), ("newest poll", _last(connection))])
    return "\n".join([told, *(f"! {warning}" for warning in connection["warnings"])])


def _shown(value: Any) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(map(str, value))
        case float():
            return f"{value:g}"
    return str(value)
