"""``maco-lab maco test``: the connectivity tests of Cloud Integration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from maco_lab.maco_command.api_client import POLL_S, ApiClient, path
from maco_lab.maco_command.calling import DEFAULT_STATE, JsonOption, StateOption, fail, group, running_maco, show
from maco_lab.maco_command.tables import printable

app = group("Connectivity tests; they change nothing.")

HostOption = Annotated[str | None, typer.Option(help="Host; On-Premise the virtual one.")]
PortOption = Annotated[int | None, typer.Option(help="Port; On-Premise the virtual one.")]
ProxyTypeOption = Annotated[str | None, typer.Option(help="On-Premise, or Internet.")]
LocationOption = Annotated[str | None, typer.Option(help="Which Cloud Connector.")]
TimeoutOption = Annotated[int | None, typer.Option(help="Timeout in milliseconds, at most 60000.")]
ValidateOption = Annotated[bool, typer.Option("--validate/--no-validate", help="Validate Server Certificate.")]
ChainOption = Annotated[Path | None, typer.Option(help="Write the chain that the server sent into this file, as PEM.")]


@app.command()
def imap(
    connection: Annotated[str | None, typer.Option(help="Take what is not given from this e-mail connection.")] = None,
    host: HostOption = None,
    port: PortOption = None,
    proxy_type: ProxyTypeOption = None,
    location_id: LocationOption = None,
    timeout_ms: TimeoutOption = None,
    protection: Annotated[str | None, typer.Option(help="Off, STARTTLS Mandatory, STARTTLS Optional, IMAPS.")] = None,
    authentication: Annotated[str | None, typer.Option(help="As in an e-mail connection.")] = None,
    credential: Annotated[str | None, typer.Option(help="The security material, by its name.")] = None,
    validate: ValidateOption = True,
    list_folders: Annotated[bool, typer.Option("--list-folders", help="List the folders.")] = False,
    folder: Annotated[str | None, typer.Option(help="Count all and unread mails of this folder.")] = None,
    chain: ChainOption = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Log in as a poll does, and look what there is; nothing is fetched and no flag changes."""
    given = _given(
        host=host, port=port, proxy_type=proxy_type, location_id=location_id, timeout_ms=timeout_ms,
        protection=protection, authentication=authentication, credential=credential, folder=folder,
    )  # fmt: skip
    with running_maco(state) as maco:
        wanted = {**(_of_connection(maco, connection) if connection else {}), **given}
        wanted |= {"validate_certificate": validate, "list_folders": list_folders}
        answer = maco.post(path("tests", "imap"), wanted, timeout_s=POLL_S)
    _end(answer, _imap_told, chain, as_json=json_)


@app.command()
def tls(
    host: Annotated[str, typer.Option(help="Host.")],
    port: Annotated[int, typer.Option(help="Port.")],
    proxy_type: ProxyTypeOption = None,
    location_id: LocationOption = None,
    timeout_ms: TimeoutOption = None,
    validate: ValidateOption = True,
    chain: ChainOption = None,
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Shake hands with a server that expects TLS at once; by Internet unless told otherwise."""
    wanted = _given(host=host, port=port, proxy_type=proxy_type, location_id=location_id, timeout_ms=timeout_ms)
    with running_maco(state) as maco:
        answer = maco.post(path("tests", "tls"), {**wanted, "validate_certificate": validate}, timeout_s=POLL_S)
    _end(answer, _tls_told, chain, as_json=json_)


@app.command()
def connector(
    location_id: Annotated[
        str, typer.Argument(help="The location ID; without it the Cloud Connector that has none.")
    ] = "",
    state: StateOption = DEFAULT_STATE,
    json_: JsonOption = False,
) -> None:
    """Ask whether there is a Cloud Connector with this location ID, and whether it answers."""
    with running_maco(state) as maco:
        answer = maco.post(path("tests", "connector"), {"location_id": location_id}, timeout_s=POLL_S)
    _end(answer, _told, None, as_json=json_)


def _given(**options: object) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}


def _of_connection(maco: ApiClient, name: str) -> dict[str, object]:
    connection = maco.get(path("connections", name))
    if connection["transport_protocol"] != "IMAP4":
        fail(f"found e-mail connection {name!r} by {connection['transport_protocol']}, allowed: one by IMAP4")
    server = next(each for each in maco.get(path("servers"))["servers"] if each["name"] == connection["server"])
    host, _, port = server["address"].partition(":")
    return {
        "host": host,
        "port": int(port or 143),
        "proxy_type": server["proxy_type"],
        "location_id": server["location_id"],
        "protection": connection["protection"],
        "authentication": connection["authentication"],
        "credential": connection["credential"],
        "folder": connection["folder"],
    }


def _end(
    answer: Mapping[str, Any],
    told: Callable[[Mapping[str, Any]], str],
    chain: Path | None,
    *,
    as_json: bool,
) -> None:
    show(answer, told, as_json=as_json)
    if chain is not None:
        try:
            chain.write_text(answer["chain_pem"], encoding="ascii")
        except OSError as error:
            fail(f"{chain}: {error.strerror}")
    raise typer.Exit(0 if answer["succeeded"] else 1)


def _imap_told(answer: Mapping[str, Any]) -> str:
    return "\n".join([_told(answer), *_tls_lines(answer), *_mailbox_lines(answer)])


def _tls_told(answer: Mapping[str, Any]) -> str:
    sent = ["the server sends its root: import it from the JSON's root_pem if it is the right one"]
    return "\n".join([_told(answer), *_tls_lines(answer), *(sent if answer["root_pem"] else [])])


def _told(answer: Mapping[str, Any]) -> str:
    if answer["succeeded"]:
        return "succeeded"
    lines = [f"failed: {answer['error']}"]
    lines += [f"Java: {answer['java_text']}"] if answer.get("java_text") else []
    lines += [f"look at: {answer['hint']}"] if answer["hint"] else []
    return "\n".join(map(printable, lines))


def _tls_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    if answer["tls_version"]:
        trusted = f", vouched for by {answer['vouched_by']}" if answer["vouched_by"] else ""
        yield printable(f"{answer['tls_version']}, {answer['cipher']}{trusted}")
    for each in answer["chain"]:
        yield printable(f"  {each['subject']}, until {each['not_after']}, SHA-256 {each['sha256']}")


def _mailbox_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    if content := answer["content"]:
        yield printable(f"{content['folder']}: {content['total']} mail(s), {content['unread']} unread")
    for folder in answer["folders"]:
        yield printable(f"  folder {folder}")
