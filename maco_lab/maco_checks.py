"""The section ``maco`` of a lab file as MaCo's own settings, and what these refuse. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from maco_client.settings import (
    Credential,
    EmailConnection,
    EmailServer,
    ProxyType,
    Schedule,
    TokenService,
    Weekday,
    check_alias,
)
from maco_client.smtp.settings import SendingConnection
from maco_lab import maco_model
from maco_lab.lab_model import LabModel
from maco_lab.lab_refusals import Found, Location, built_at, repeated, unknown
from maco_lab.sending_section import sending_connection, sending_findings


def maco_findings(model: LabModel) -> Found:
    """Find references to nothing, names that are there twice, and what MaCo's settings refuse."""
    maco = model.maco
    clients = [client.client_id for client in model.cloud.clients]
    if maco.client not in clients:
        yield ("maco", "client"), unknown(maco.client, clients)
    if maco.client_secret is not None:
        secret = maco.client_secret.get_secret_value()
        yield from built_at(("maco",), TokenService, "http://127.0.0.1:1", maco.client, secret)[1]
    for alias in maco.key_store:
        yield from [(("maco", "key_store", alias), text) for _, text in built_at((), check_alias, alias)[1]]
    servers: dict[str, EmailServer | None] = {}
    for i, server in enumerate(maco.email_servers):
        servers[server.name], found = built_at(("maco", "email_servers", i), email_server, server)
        yield from found
    credentials: dict[str, Credential | None] = {}
    for i, each in enumerate(maco.credentials):
        credentials[each.name], found = built_at(("maco", "credentials", i), credential, each)
        yield from found
    for i, connection in enumerate(maco.email_connections):
        yield from _connection(("maco", "email_connections", i), connection, servers, credentials)
    for i, sending in enumerate(maco.sending_connections):
        yield from sending_findings(("maco", "sending_connections", i), sending, credentials)
    for section in ("credentials", "email_servers", "email_connections", "sending_connections"):
        yield from repeated(("maco", section), [entry.name for entry in getattr(maco, section)], "name")


def _connection(
    where: Location,
    connection: maco_model.EmailConnection,
    servers: Mapping[str, EmailServer | None],
    credentials: Mapping[str, Credential | None],
) -> Found:
    if connection.server not in servers:
        yield (*where, "server"), unknown(connection.server, servers)
    if connection.credential not in credentials:
        yield (*where, "credential"), unknown(connection.credential, credentials)
    when = connection.scheduler or maco_model.Scheduler(every_s=1)
    scheduler, found = built_at((*where, "scheduler"), schedule, when)
    yield from found
    server, held = servers.get(connection.server), credentials.get(connection.credential)
    if server and held and scheduler:
        yield from built_at(where, email_connection, connection, server, held, scheduler)[1]


def email_server(server: maco_model.EmailServer) -> EmailServer:
    """Return an e-mail server as MaCo takes it. Raises SettingsError."""
    proxy_type = ProxyType(server.proxy_type)
    return EmailServer(server.name, server.address, proxy_type, server.location_id, server.timeout_ms)


def credential(described: maco_model.Credential) -> Credential:
    """Return security material as MaCo takes it. Raises SettingsError."""
    password, token = described.password.get_secret_value(), described.access_token.get_secret_value()
    return Credential(described.name, described.user, password, token)


def schedule(scheduler: maco_model.Scheduler) -> Schedule:
    """Return a schedule as MaCo takes it. Raises SettingsError."""
    days: dict[str, object] = {
        "weekdays": tuple(Weekday(each) for each in scheduler.weekdays),
        "days_of_month": tuple(scheduler.days_of_month),
    }
    return Schedule(**{**dict(scheduler), **days})


def email_connection(
    connection: maco_model.EmailConnection, server: EmailServer, held: Credential, scheduler: Schedule
) -> EmailConnection:
    """Return an e-mail connection with the server, credential and schedule that it names. Raises SettingsError."""
    return EmailConnection(
        **{**dict(connection), "server": server, "credential": held, "scheduler": scheduler}  # the same names in both
    )


def email_connections(maco: maco_model.MaCo) -> list[EmailConnection]:
    """Return MaCo's e-mail connections, those without a schedule of their own with the common one."""
    servers = {each.name: email_server(each) for each in maco.email_servers}
    credentials = {each.name: credential(each) for each in maco.credentials}
    common = Schedule(every_s=maco.poll_every_s)
    return [
        email_connection(
            each,
            servers[each.server],
            credentials[each.credential],
            schedule(each.scheduler) if each.scheduler else common,
        )
        for each in maco.email_connections
    ]


def schedules(maco: maco_model.MaCo) -> dict[str, Schedule]:
    """Return when each e-mail connection is polled, by its name."""
    return {each.name: each.scheduler for each in email_connections(maco)}


def sending_connections(maco: maco_model.MaCo) -> list[SendingConnection]:
    """Return what MaCo sends by, with files as they are named."""
    credentials = {each.name: credential(each) for each in maco.credentials}
    return [sending_connection(each, credentials.get(each.credential), Path()) for each in maco.sending_connections]
