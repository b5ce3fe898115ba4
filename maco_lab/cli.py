"""The command line. Every command imports only what it needs, so that ``--help`` and ``version`` are quick.

Exit codes: 0 done; 1 something failed that was tried (a poll, a leg of the demo); 2 the call or a file is wrong, or
the lab cannot start.
"""

from __future__ import annotations

import json
import logging
import sys
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from maco_lab.audit_command import app as audit
from maco_lab.check_command import check
from maco_lab.up_options import UpOptions

if TYPE_CHECKING:
    from rich.console import Console

    from maco_lab.lab_file import LabFile
    from maco_lab.state import StateFolder

app = typer.Typer(
    name="maco-lab",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,  # they may be secrets
    help="SAP Market Communication, Connectivity service, Cloud Connector and a mail server on this machine. "
    "Not a product of SAP.",
)

LabOption = Annotated[
    Path | None,
    typer.Option("--lab", help="The lab file; without it ./lab.yaml, or the one that is built in.", show_default=False),
]
StateOption = Annotated[
    Path,
    typer.Option("--state", help="The folder of the lab: that of `up --state`."),
]
KeepOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        help="Keep everything in this folder, what Cloud Connectors and MaCo are configured with too. Without it "
        ".maco-lab has mails, inbox and journal, and each start begins with the lab file. One lab at a time runs in a "
        "folder.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
DEFAULT_STATE = Path(".maco-lab")


class Ports(StrEnum):
    """Where the ports come from."""

    FILE = "file"
    AUTO = "auto"


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # an ASCII terminal shows a "?" where it cannot draw
    app()


@app.command(short_help="Run the landscape; MaCo polls at once, then by schedule.")
def up(
    lab: LabOption = None,
    state: KeepOption = None,
    ports: Annotated[
        Ports, typer.Option(help="'auto' takes free ports instead of those of the lab file.")
    ] = Ports.FILE,
    detach: Annotated[bool, typer.Option("--detach", help="Go to the background as soon as it runs.")] = False,
    seed: Annotated[bool, typer.Option(help="Deliver a sample mail to every mailbox at the start.")] = True,
    certs: Annotated[
        Path | None,
        typer.Option(help="Keep the certificates in this folder; without it and --state they are new at every start."),
    ] = None,
    isolate: Annotated[bool, typer.Option("--isolate", help="Run each party in a process of its own.")] = False,
    tap: Annotated[bool, typer.Option("--tap", help="Put a wiretap without keys into each hop.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what the parties do.")] = False,
    ready_fd: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the landscape of a lab file; MaCo polls at once and then by schedule."""
    file, folder = _lab_file(lab), _state(state or DEFAULT_STATE)
    options = UpOptions(
        keep=state is not None,
        free_ports=ports is Ports.AUTO,
        seed=seed,
        certificates=certs,
        isolate=isolate,
        tap=tap,
        verbose=verbose,
        ready_fd=ready_fd,
    )
    if detach:
        from maco_lab.detached import start_detached

        raise typer.Exit(start_detached(file, lab, folder, options))
    from maco_lab.runner import run_lab
    from maco_lab.up import run_up

    _log_to_stderr(verbose=verbose)
    run_lab(run_up(file, folder, options, _console()))


@app.command()
def down(state: StateOption = DEFAULT_STATE) -> None:
    """End the lab that runs in this state folder."""
    from maco_lab import client
    from maco_lab.control import ControlError

    folder = _state(state, create=False)
    note = folder.read_note()
    if note is None:
        typer.echo(f"no lab is running in {folder.folder}")
        return
    try:
        gone = client.down(folder, note)
    except ControlError as error:
        _fail(str(error))
    if not gone:
        _fail(f"the lab (pid {note.pid}) was told to stop but is still there", code=1)
    typer.echo(f"stopped (pid {note.pid})")


@app.command(short_help="Fetch a mail by each way and show where TLS ended.")
def demo(
    lab: LabOption = None,
    json_: JsonOption = False,
    act: Annotated[
        int | None,
        typer.Option(help="One act only: 1 for the first e-mail connection; the last: the root in the wrong store."),
    ] = None,
) -> None:
    """Fetch a mail by every e-mail connection and show where TLS ended; free ports, nothing is kept."""
    from maco_lab.demo import NoSuchAct, legs_as_data, print_legs, run_demo
    from maco_lab.runner import run_lab

    _log_to_stderr(verbose=False)
    try:
        legs = run_lab(run_demo(_lab_file(lab), act))
    except NoSuchAct as error:
        _fail(str(error))
    if json_:
        typer.echo(json.dumps(legs_as_data(legs), ensure_ascii=False, indent=2))
    else:
        print_legs(_console(), legs)
    failed = [f"{leg.connection}: {leg.failure}" for leg in legs if leg.failure]
    for failure in failed or ([] if legs else ["the lab file has no e-mail connection"]):
        typer.echo(f"demo failed: {failure}", err=True)
    raise typer.Exit(1 if failed or not legs else 0)


@app.command(short_help="Record what passes on every hop, for Wireshark.")
def capture(
    out: Annotated[Path, typer.Argument(metavar="OUT.pcapng", help="The file to write.")],
    keys: Annotated[
        bool,
        typer.Option("--keys/--no-keys", help="With the keys of the lab's own TLS sessions, or as an eavesdropper."),
    ] = True,
    lab: LabOption = None,
    running: Annotated[
        bool, typer.Option("--running", help="What has passed so far in the lab that runs (up --tap).")
    ] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Fetch a mail by every e-mail connection and write what passed on every hop; free ports, nothing else is kept.

    Whoever has the file reads what passed in clear, and with the keys everything: it is readable for its owner alone.
    """
    from maco_lab.capture import write_capture
    from maco_lab.capture_run import record_polls
    from maco_lab.runner import run_lab

    if not out.parent.is_dir() or out.is_dir():
        _fail(f"{out}: {'is a folder' if out.is_dir() else 'there is no such folder'}; give the path of a file")
    if running:
        _capture_running(out, _state(state, create=False), keys=keys)
        return
    _log_to_stderr(verbose=False)
    recording = run_lab(record_polls(_lab_file(lab), with_keys=keys))
    try:
        write_capture(out, recording.wiretap, recording.servers, recording.key_log)
    except OSError as error:
        _fail(f"{out}: {error.strerror}")
    typer.echo(recording.summary(out))
    for failure in recording.failures:
        typer.echo(failure, err=True)
    raise typer.Exit(1 if recording.failures else 0)


@app.command()
def poll(
    connections: Annotated[
        list[str] | None, typer.Argument(help="E-mail connections; all of them if none is named.")
    ] = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Let MaCo of the running lab poll now.

    With --json a list; each connection has connection, succeeded, stage, stored, error, hint, duration_ms, vouched_by,
    warnings and mails (inbox_id, uid_validity, uid, unique_id, size, subject, already_known, post_processed). What was
    on the wire where it failed: socks_status, socks_reply, alert_sent, alert_received, java_alert, java_text (the line
    that the real MaCo would log), server_answer; and seen_by, what each other system saw.
    """
    from maco_lab import client
    from maco_lab.control import ControlError
    from maco_lab.failure import failure_from
    from maco_lab.story import printable

    try:
        answer = client.poll(client.running_note(_state(state, create=False)), connections or [])
    except (client.NoLabError, ControlError) as error:
        _fail(str(error))
    if not answer.get("ok"):
        _fail(str(answer.get("error", "the lab refused")))
    results = answer["results"]
    if json_:
        typer.echo(json.dumps(results, ensure_ascii=False, indent=2))
    for result in [] if json_ else results:
        fetched = f"{result['connection']}: {result['stored']} mail(s) fetched"
        typer.echo(printable(fetched if result["succeeded"] else failure_from(result).line))
        if result["hint"]:
            typer.echo(printable(f"  look at: {result['hint']}"))
        for warning in result["warnings"]:
            typer.echo(printable(f"  ! {warning}"))
    raise typer.Exit(0 if all(result["succeeded"] for result in results) else 1)


@app.command(
    short_help="Configure and use the MaCo of the running lab.",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def maco(context: typer.Context) -> None:
    """Hand everything on to the commands of MaCo: ``maco-lab maco --help`` lists them."""
    from maco_lab.maco_command.app import app as maco_app

    maco_app(args=context.args, prog_name="maco-lab maco")


@app.command(short_help="Print what an application on BTP finds: its credentials, its destinations.")
def env(
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="vcap: the value of VCAP_SERVICES; default-env: the file default-env.json; shell: an export line; "
            "json: the credentials alone.",
        ),
    ] = "vcap",
    destinations: Annotated[
        bool, typer.Option("--destinations", help="The destinations of type MAIL and TCP instead.")
    ] = False,
    client: Annotated[str, typer.Option(help="A client of the lab file; without it MaCo's.", show_default=False)] = "",
    out: Annotated[
        Path | None, typer.Option(help="Write this file, readable for its owner alone, instead of printing.")
    ] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Print what an application on BTP finds, from the running lab: programs that use its SOCKS5 proxy run unchanged.

    This output IS credentials, on purpose: the client secret of the token service, and with --destinations the
    passwords of mailboxes. Keep it out of logs and repositories.
    """
    from maco_lab import env_command as command
    from maco_lab.client import NoLabError
    from maco_lab.control import ControlError

    try:
        wanted = command.Format(form)
    except ValueError:
        _fail(f"--format: found {form!r}, allowed: {', '.join(command.Format)}")
    try:
        text = command.environment(_state(state, create=False), client, destinations=destinations, form=wanted)
        if out is None:
            typer.echo(text)
        else:
            command.write_privately(out, f"{text}\n")
    except (NoLabError, ControlError) as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{out}: {error.strerror}")


@app.command(short_help="Show what all parties have observed.")
def journal(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the lab ends, or Ctrl-C.")] = False,
    since: Annotated[int, typer.Option(metavar="NUMBER", min=1, help="Begin with this entry.")] = 1,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only entries of this kind; may be given again.", show_default=False)
    ] = None,
    json_: Annotated[
        bool | None,
        typer.Option("--json/--text", help="JSON lines, or text; without it text in a terminal, else JSON lines."),
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a line instead.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Show the journal of the running lab: an entry a line, in order.

    What it does not keep any more is told on standard error.
    """
    from maco_lab import journal_command as command
    from maco_lab.client import NoLabError

    if schema:
        command.print_schema()
        return
    try:
        wanted = command.Wanted(since, frozenset(kind or ()), follow, json_)
        command.print_journal(_state(state, create=False), wanted)
    except (NoLabError, command.UnknownKind) as error:
        _fail(str(error))


@app.command(short_help="Print the running lab as a lab file.")
def export(state: StateOption = DEFAULT_STATE) -> None:
    """Print a lab file that starts what runs now: what was administered since, and the rest as it was.

    Passwords and private keys are in it as they are in every lab file: `umask 077` before `maco-lab export > FILE`.
    """
    from maco_lab import client
    from maco_lab.control import ControlError

    try:
        answer = client.export(client.running_note(_state(state, create=False)))
    except (client.NoLabError, ControlError) as error:
        _fail(str(error))
    if not answer.get("ok"):
        _fail(str(answer.get("error", "the lab refused")))
    typer.echo(answer["text"], nl=False)


app.command(short_help="Check whether mappings lead to systems that are reached.")(check)
app.add_typer(audit, name="audit", short_help="Check audit logs for what was changed or removed.")


@app.command()
def send(
    to: Annotated[
        str | None, typer.Option(help="Recipient; without it the first mailbox of the running lab.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A mail (RFC 5322); without it a sample is made.", show_default=False)
    ] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Deliver a mail to the running lab's mail server, by SMTP."""
    from maco_lab import client
    from maco_lab.story import printable

    try:
        note = client.running_note(_state(state, create=False))
        recipient = note.mailboxes[0] if to is None else to
        subject = client.send(note, recipient, file.read_bytes() if file else None)
    except (client.NoLabError, client.SendError) as error:
        _fail(printable(str(error)))
    except OSError as error:
        _fail(f"{file}: {error.strerror}")
    typer.echo(printable(f"accepted for {recipient}: {subject}"))


@app.command(short_help="Open a local port that leads to a virtual host.")
def forward(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="ADDRESS", help="LOCAL_PORT (0: a free one) and VIRTUAL_HOST:PORT; with --stdio the latter alone."
        ),
    ],
    stdio: Annotated[
        bool, typer.Option("--stdio", help="Carry standard input and output instead of a local port.")
    ] = False,
    location_id: Annotated[
        str | None,
        typer.Option(help="Which Cloud Connector; without it that of MaCo's e-mail servers.", show_default=False),
    ] = None,
    state: StateOption = DEFAULT_STATE,
    proxy: Annotated[str | None, typer.Option(help="HOST:PORT of a SOCKS5 proxy other than the running lab's.")] = None,
    token_url: Annotated[str | None, typer.Option(help="Its token service.")] = None,
    client_id: Annotated[str | None, typer.Option(help="Who asks the token service.")] = None,
    client_secret_file: Annotated[
        Path | None,
        typer.Option(help="A file whose first line is the secret; else $MACO_LAB_CLIENT_SECRET, or it is asked for."),
    ] = None,
) -> None:
    """Give programs that do not speak SOCKS5 with method 0x80 a local end of a virtual host, on 127.0.0.1."""
    from maco_lab import forward_call as call
    from maco_lab.client import NoLabError
    from maco_lab.control import ControlError
    from maco_lab.forward import LocalPortError, Way, run_port, run_stdio

    if stdio and (sys.stdin is None or sys.stdout is None):
        _fail("--stdio: standard input and output must be open")
    try:
        port, address = call.split_arguments(arguments, stdio=stdio)
        target = call.target(address, location_id or "")
        foreign = call.ForeignService(proxy, token_url, client_id, client_secret_file)
        binding = call.chosen_binding(foreign, _state(state, create=False))
        if location_id is None:
            target = call.target(address, binding.location_id)
        way = Way(target, binding)
        code = run_stdio(way, complain=_complain) if stdio else run_port(way, port, say=_say, complain=_complain)
    except (call.CallError, NoLabError, ControlError, LocalPortError) as error:
        _fail(str(error))
    raise typer.Exit(code)


@app.command()
def validate(
    lab: Annotated[
        Path | None, typer.Argument(help="The lab file; without it as for 'up'.", show_default=False)
    ] = None,
) -> None:
    """Check a lab file and name every error by line and column."""
    file = _lab_file(lab)
    model = file.model
    mappings = sum(len(each.mappings) for connector in model.cloud_connectors for each in connector.subaccounts)
    typer.echo(
        f"{file.name}: no error. {len(model.cloud_connectors)} Cloud Connector(s), {mappings} mapping(s), "
        f"{len(model.maco.email_connections)} e-mail connection(s)"
    )
    from maco_lab.lab_warnings import warnings

    for warning in warnings(model):
        typer.echo(f"warning: {warning}")


def _print_version(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def _before_every_command(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_print_version, is_eager=True, show_default=False
        ),
    ] = False,
) -> None:
    pass


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        typer.echo(f"maco-lab {installed('maco-lab')}")
    except PackageNotFoundError:
        typer.echo("maco-lab (from a source tree that is not installed)")


def _capture_running(out: Path, state: StateFolder, *, keys: bool) -> None:
    from maco_lab import client
    from maco_lab.control import ControlError

    try:
        answer = client.capture(client.running_note(state), out, keys=keys)
    except (client.NoLabError, ControlError) as error:
        _fail(str(error))
    if not answer.get("ok"):
        _fail(str(answer.get("error", "the lab refused")))
    typer.echo(answer["summary"])


def _lab_file(path: Path | None) -> LabFile:
    from maco_lab.lab_file import LabFileError, find_lab_file

    try:
        return find_lab_file(path)
    except LabFileError as error:
        _fail(str(error))


def _state(path: Path, *, create: bool = True) -> StateFolder:
    from maco_lab.state import StateError, StateFolder

    try:
        return StateFolder(path, create=create)
    except StateError as error:
        _fail(str(error))


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


def _log_to_stderr(*, verbose: bool) -> None:
    level = logging.INFO if verbose else logging.ERROR
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


def _say(text: str) -> None:
    typer.echo(text)


def _complain(text: str) -> None:
    typer.echo(f"maco-lab forward: {text}", err=True)


def _fail(message: str, *, code: int = 2) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
