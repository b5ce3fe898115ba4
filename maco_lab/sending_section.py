"""The lab file's list ``sending_connections`` and MaCo's own settings for sending: each made from the other. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maco_client import settings
from maco_client.configuration import credential_name
from maco_client.smtp.settings import Attachment, SendingConnection
from maco_lab import sending_model
from maco_lab.lab_refusals import Found, Location, built_at, unknown


def sending_findings(
    where: Location,
    connection: sending_model.SendingConnection,
    credentials: Mapping[str, settings.Credential | None],
) -> Found:
    """Find a credential that is none, and what MaCo's settings refuse."""
    if connection.credential and connection.credential not in credentials:
        yield (*where, "credential"), unknown(connection.credential, credentials)
        return
    held = credentials.get(connection.credential)
    if connection.credential and held is None:
        return  # its own findings say why
    found = [
        each
        for i, attachment in enumerate(connection.attachments)
        for each in built_at((*where, "attachments", i), _attachment, attachment, Path())[1]
    ]
    yield from found or built_at(where, sending_connection, connection, held, Path())[1]


def sending_connection(
    connection: sending_model.SendingConnection, held: settings.Credential | None, folder: Path
) -> SendingConnection:
    """Return a sending connection as MaCo takes it; files are looked for in ``folder``. Raises SettingsError."""
    attachments = tuple(_attachment(each, folder) for each in connection.attachments)
    return SendingConnection(**{**dict(connection), "credential": held, "attachments": attachments})


def section_of_sending(connection: SendingConnection, folder: Path) -> sending_model.SendingConnection:
    """Return the entry of the lab file that configures this."""
    attachments = [
        sending_model.Attachment(**(_plain(each) | {"file": _from(folder, each.file)}))
        for each in connection.attachments
    ]
    names = {"credential": credential_name(connection), "attachments": attachments}
    return sending_model.SendingConnection(**(_plain(connection) | names))


def _attachment(attachment: sending_model.Attachment, folder: Path) -> Attachment:
    file = str(folder / attachment.file) if attachment.file else ""
    return Attachment(**(dict(attachment) | {"file": file}))


def _from(folder: Path, file: str) -> str:
    path = Path(file)
    return str(path.relative_to(folder)) if file and path.is_relative_to(folder) else file


def _plain(value: SendingConnection | Attachment) -> dict[str, Any]:
    """Return the fields, which have the same names in the section; choices as text."""
    values = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    return {name: str(each) if isinstance(each, str) else each for name, each in values.items()}
