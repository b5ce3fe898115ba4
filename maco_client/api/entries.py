"""Answer what concerns security material, e-mail servers and e-mail connections."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from maco_client.api import shapes
from maco_client.api.asked import Asked
from maco_client.api.office import Office
from maco_client.configuration import EMAIL_CONNECTION, find
from maco_client.failures import SettingsError
from maco_client.settings import Credential, EmailConnection, EmailServer, Schedule, shared_mailboxes, traps
from maco_client.tenant import PollStatistics, Tenant


async def credentials(office: Office, _asked: Asked) -> shapes.Credentials:
    """Return all security material."""
    held = office.tenant.configuration.credentials
    return shapes.Credentials(credentials=[_credential(office.tenant, name) for name in held])


async def add_credential(office: Office, asked: Asked) -> shapes.Credential:
    """Add security material."""
    wanted = await asked.body(shapes.CredentialRequest)
    await office.tenant.change(lambda now: now.with_credential(Credential(**dict(wanted))))
    return _credential(office.tenant, wanted.name)


async def change_credential(office: Office, asked: Asked) -> shapes.Credential:
    """Change a user or a secret."""
    changes = shapes.given(await asked.body(shapes.CredentialChange))
    if "password" in changes or "access_token" in changes:
        changes = {"password": "", "access_token": "", **changes}
    await office.tenant.change(lambda now: now.with_changed_credential(asked.name, **changes))
    return _credential(office.tenant, asked.name)


async def delete_credential(office: Office, asked: Asked) -> shapes.Done:
    """Delete security material."""
    await office.tenant.change(lambda now: now.without_credential(asked.name))
    return shapes.Done()


async def servers(office: Office, _asked: Asked) -> shapes.EmailServers:
    """Return all e-mail servers."""
    return shapes.EmailServers(servers=[_server(office.tenant, name) for name in office.tenant.configuration.servers])


async def add_server(office: Office, asked: Asked) -> shapes.EmailServer:
    """Add an e-mail server."""
    wanted = await asked.body(shapes.EmailServerRequest)
    await office.tenant.change(lambda now: now.with_server(EmailServer(**dict(wanted))))
    return _server(office.tenant, wanted.name)


async def change_server(office: Office, asked: Asked) -> shapes.EmailServer:
    """Change an e-mail server."""
    changes = shapes.given(await asked.body(shapes.EmailServerChange))
    await office.tenant.change(lambda now: now.with_changed_server(asked.name, **changes))
    return _server(office.tenant, asked.name)


async def delete_server(office: Office, asked: Asked) -> shapes.Done:
    """Delete an e-mail server."""
    await office.tenant.change(lambda now: now.without_server(asked.name))
    return shapes.Done()


async def connections(office: Office, _asked: Asked) -> shapes.EmailConnections:
    """Return all e-mail connections."""
    names = office.tenant.configuration.connections
    return shapes.EmailConnections(connections=[_connection(office.tenant, name) for name in names])


async def connection(office: Office, asked: Asked) -> shapes.EmailConnection:
    """Return one e-mail connection."""
    find(EMAIL_CONNECTION, office.tenant.configuration.connections, asked.name)
    return _connection(office.tenant, asked.name)


async def add_connection(office: Office, asked: Asked) -> shapes.EmailConnection:
    """Add an e-mail connection."""
    wanted = await asked.body(shapes.EmailConnectionRequest)
    await office.tenant.change(lambda now: now.with_connection(**_settings(wanted)))
    return _connection(office.tenant, wanted.name)


async def change_connection(office: Office, asked: Asked) -> shapes.EmailConnection:
    """Change an e-mail connection."""
    wanted = await asked.body(shapes.EmailConnectionChange)
    await office.tenant.change(lambda now: now.with_changed_connection(asked.name, **_settings(wanted)))
    return _connection(office.tenant, asked.name)


async def delete_connection(office: Office, asked: Asked) -> shapes.Done:
    """Delete an e-mail connection."""
    await office.tenant.change(lambda now: now.without_connection(asked.name))
    return shapes.Done()


def warnings(tenant: Tenant, name: str) -> list[str]:
    """Return the traps of an e-mail connection; none if it is gone."""
    connection = tenant.configuration.connections.get(name)
    if connection is None:
        return []
    shared = shared_mailboxes(tenant.configuration.connections.values())
    return [*traps(connection), *([shared[name]] if name in shared else [])]


def iso(moment: float) -> str:
    """Return a time in seconds since the epoch as text."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="milliseconds")


def _settings(wanted: shapes.ConnectionSettings) -> dict[str, Any]:
    given = shapes.given(wanted)
    if "scheduler" in given:
        given["scheduler"] = _schedule(wanted.scheduler)
    return given


def _schedule(wanted: shapes.Scheduler) -> Schedule:
    values = dict(wanted)
    values["weekdays"], values["days_of_month"] = tuple(wanted.weekdays), tuple(wanted.days_of_month)
    if wanted.on_date is not None:
        try:
            values["on_date"] = dt.date.fromisoformat(wanted.on_date)
        except ValueError as error:
            raise SettingsError("on_date", f"found {wanted.on_date!r}, allowed is a date such as 2026-12-01") from error
    return Schedule(**values)


def _credential(tenant: Tenant, name: str) -> shapes.Credential:
    held = tenant.configuration.credentials[name]
    return shapes.Credential(
        name=name,
        user=held.user,
        kind="access token" if held.is_oauth2 else "password",
        used_by=tenant.configuration.users_of_credential(name),
    )


def _server(tenant: Tenant, name: str) -> shapes.EmailServer:
    server = tenant.configuration.servers[name]
    return shapes.EmailServer(**dataclasses.asdict(server), used_by=tenant.configuration.users_of_server(name))


def _connection(tenant: Tenant, name: str) -> shapes.EmailConnection:
    connection = tenant.configuration.connections[name]
    statistics = tenant.statistics.get(name, PollStatistics())
    return shapes.EmailConnection(
        **_plain(connection),
        warnings=warnings(tenant, name),
        polling=statistics.running > 0,
        last_poll=_last_poll(statistics),
    )


def _plain(connection: EmailConnection) -> dict[str, Any]:
    values = {each.name: getattr(connection, each.name) for each in dataclasses.fields(connection)}
    schedule = connection.scheduler
    on_date = schedule.on_date.isoformat() if schedule.on_date else None
    scheduler = {**dataclasses.asdict(schedule), "on_date": on_date}
    scheduler |= {"weekdays": list(schedule.weekdays), "days_of_month": list(schedule.days_of_month)}
    return {**values, "server": connection.server.name, "credential": connection.credential.name,
            "scheduler": shapes.Scheduler(**scheduler)}  # fmt: skip


def _last_poll(statistics: PollStatistics) -> shapes.LastPoll | None:
    result, at = statistics.last, statistics.last_at
    if result is None or at is None:
        return None
    return shapes.LastPoll(
        at=iso(at),
        succeeded=result.succeeded,
        stage=result.stage,
        stored=result.stored,
        error=result.error,
        hint=result.hint,
        java_text=result.java_text,
        duration_ms=result.duration_ms,
    )
