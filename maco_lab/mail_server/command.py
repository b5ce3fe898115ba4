"""The command line of ``python -m mailserver_sim``: by itself with ``--user``, else the mail server of a lab file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from maco_lab.alone import AttachedOption, VerboseOption, run_attached_party, run_mail_server_of_lab
from maco_lab.mail_server.options import MEMORY, OFF, UNPRIVILEGED, WELL_KNOWN_PORTS, MailServerOptions
from maco_lab.runner import run_lab
from maco_lab.state import DEFAULT_FOLDER
from mailserver_sim.archives.values import Kind
from mailserver_sim.settings import LISTENER_PROTOCOLS, SettingsError

app = typer.Typer(
    add_completion=False, pretty_exceptions_show_locals=False, rich_markup_mode=None, help="The mail server alone."
)


def _with_listeners(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each protocol of the mail server, in the place of its last parameter."""
    signature = inspect.signature(function, eval_str=True)
    *others, _ = signature.parameters.values()
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect looks at first
        parameters=[*others, *_listener_options()]
    )
    return function


def _listener_options() -> Iterator[inspect.Parameter]:
    for protocol in LISTENER_PROTOCOLS:
        port = UNPRIVILEGED + WELL_KNOWN_PORTS[protocol]
        explained = (
            f"Where to listen; without it 127.0.0.1:{port}. PORT alone is on 127.0.0.1, 0 a free one; {OFF}: not."
        )
        option = typer.Option(f"--{protocol}", metavar="ADDRESS:PORT", help=explained)
        yield inspect.Parameter(
            protocol, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
        )


@app.command()
@_with_listeners
def mail_server(
    user: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="NAME:PASSWORD", help="An account; may be given again. Runs by itself."),
    ] = None,
    host_name: Annotated[
        str | None, typer.Option(help="What the server calls itself; without it what its certificate says.")
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="The certificate to present: PEM, leaf first. Without it a throw-away CA.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key: PEM; without it in the same file.")] = None,
    certs: Annotated[Path | None, typer.Option(help="A folder that `python -m certs` has written.")] = None,
    write_root: Annotated[Path | None, typer.Option(help="Where the root of the throw-away CA is written.")] = None,
    store: Annotated[
        str | None, typer.Option(metavar="FILE", help=f"Where mail is kept; without it, and with {MEMORY}, nowhere.")
    ] = None,
    preload: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="Mail that is there at the start: a Maildir, mbox files or a folder of .eml; NAME=PATH for another "
            "than the first user. May be given again.",
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A new folder: what is in the mailboxes at the end, one archive per user."),
    ] = None,
    export_as: Annotated[
        Kind | None, typer.Option(help="The format of the archives; without it maildir.", show_choices=True)
    ] = None,
    api: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port of the JSON API on 127.0.0.1; 0 is a free one.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Tell everything in JSON lines.")] = False,
    lab: Annotated[
        Path | None, typer.Option(help="Run the mail server of this lab file; without it ./lab.yaml or the built-in.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="With a lab file: where certificates and mails are kept.")] = None,
    attached: AttachedOption = False,
    verbose: VerboseOption = False,
    **listeners: str | None,
) -> None:
    """Run the mail server: IMAP, POP3 and SMTP over one store.

    By itself with accounts of your own (--user), or with those of a lab file.
    """
    run_attached_party("mail-server", attached=attached, verbose=verbose)
    by_itself = {
        "host_name": host_name,
        "certificate": tls_cert,
        "key": tls_key,
        "certificates": certs,
        "write_root": write_root,
        "store": store,
        "preload": tuple(preload) if preload else None,
        "export": export,
        "export_as": export_as,
        "api": api,
        "as_json": json or None,
    }
    told = {name: value for name, value in by_itself.items() if value is not None}
    heard = {protocol: value for protocol, value in listeners.items() if value is not None}
    if user and (lab or state):
        _refuse("--lab" if lab else "--state", "not together with --user: a lab file has its own accounts")
    if user:
        _run_alone(told | {"users": tuple(user), "listeners": heard})
    elif told or heard:
        _refuse("--user", "is missing: without it the mail server of a lab file runs, which has no such options")
    run_mail_server_of_lab(lab, state or DEFAULT_FOLDER)


def _run_alone(told: Mapping[str, Any]) -> NoReturn:
    try:
        options = MailServerOptions(**told)
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    from maco_lab.mail_server.running import run_alone

    raise typer.Exit(run_lab(run_alone(options)))


def _refuse(option: str, why: str) -> NoReturn:
    typer.echo(f"{option}: {why}", err=True)
    raise typer.Exit(2)
