"""Answer what concerns sending: the sending connections, and mails that go out by them."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from maco_client.api import sending_shapes, shapes
from maco_client.api.asked import Asked
from maco_client.api.office import Office
from maco_client.configuration import SENDING_CONNECTION, credential_name, find
from maco_client.failures import SettingsError
from maco_client.smtp import configured
from maco_client.smtp.choices import AttachmentSource
from maco_client.smtp.composing import LARGEST_PAYLOAD, compose
from maco_client.smtp.sender import MailSender
from maco_client.smtp.settings import Attachment, SendingConnection
from maco_client.smtp.traps import sending_traps
from maco_http import requests
from maco_http.openapi import PAYLOAD_TYPE

OVERRIDDEN = ("to", "cc", "bcc", "subject")
"""What a request may say of one mail in the place of the settings."""


async def sending_connections(office: Office, _asked: Asked) -> sending_shapes.SendingConnections:
    """Return all sending connections."""
    held = office.tenant.configuration.sending.values()
    return sending_shapes.SendingConnections(connections=[_shape(each) for each in held])


async def sending_connection(office: Office, asked: Asked) -> sending_shapes.SendingConnection:
    """Return one sending connection."""
    return _shape(find(SENDING_CONNECTION, office.tenant.configuration.sending, asked.name))


async def add_sending_connection(office: Office, asked: Asked) -> sending_shapes.SendingConnection:
    """Add a sending connection."""
    settings = _settings(await asked.body(sending_shapes.SendingConnectionRequest))
    await office.tenant.change(lambda now: configured.with_sending(now, **settings))
    return _shape(office.tenant.configuration.sending[settings["name"]])


async def change_sending_connection(office: Office, asked: Asked) -> sending_shapes.SendingConnection:
    """Change a sending connection."""
    changes = _settings(await asked.body(sending_shapes.SendingConnectionChange))
    await office.tenant.change(lambda now: configured.with_changed_sending(now, asked.name, **changes))
    return _shape(office.tenant.configuration.sending[asked.name])


async def delete_sending_connection(office: Office, asked: Asked) -> shapes.Done:
    """Delete a sending connection."""
    await office.tenant.change(lambda now: configured.without_sending(now, asked.name))
    return shapes.Done()


async def send(office: Office, asked: Asked) -> sending_shapes.SendAnswer:
    """Make a mail of the body of the request, send it, and say what became of it."""
    connection = find(SENDING_CONNECTION, office.tenant.configuration.sending, asked.text("connection"))
    payload = await requests.content(asked.request, [PAYLOAD_TYPE], LARGEST_PAYLOAD)
    connection = connection.for_one_mail(**{name: asked.text(name) for name in OVERRIDDEN if asked.text(name)})
    run = asyncio.get_running_loop().run_in_executor
    files = await run(None, _files, connection.attachments)
    mail = await run(None, functools.partial(compose, connection, payload, files, dt.datetime.now(dt.UTC)))
    reach = office.reach
    sender = MailSender(
        connection,
        proxy=reach.proxy,
        tokens=reach.tokens,
        key_store=office.tenant.key_store,
        record=reach.record,
        describe_certificate=reach.describe_certificate,
        canaries=reach.canaries,
    )
    result = await sender.send(mail)
    return sending_shapes.SendAnswer(result=result, line=result.line)


def _files(attachments: Iterable[Attachment]) -> dict[str, bytes]:
    """Return the content of each file by its path. Raises SettingsError."""
    found: dict[str, bytes] = {}
    for each in attachments:
        if each.file:
            try:
                with Path(each.file).open("rb") as opened:
                    found[each.file] = opened.read(LARGEST_PAYLOAD + 1)
            except OSError as error:
                raise SettingsError("attachments", f"{each.name}: {each.file}: {error.strerror}") from error
            if len(found[each.file]) > LARGEST_PAYLOAD:
                raise SettingsError(
                    "attachments", f"{each.name}: found more than {LARGEST_PAYLOAD} bytes in {each.file}"
                )
    return found


def _settings(wanted: sending_shapes.SendingSettings) -> dict[str, Any]:
    given = shapes.given(wanted)
    if "attachments" in given:
        given["attachments"] = tuple(_attachment(each) for each in wanted.attachments)
    return given


def _attachment(wanted: sending_shapes.SentAttachment) -> Attachment:
    """Return an attachment. Whoever reaches the API need not be whose files MaCo can read, so it takes no path."""
    attachment = Attachment(**dict(wanted))
    if attachment.source is AttachmentSource.FILE:
        raise SettingsError("source", "found 'File', allowed by the API is 'Body'; a file is named in the lab file")
    return attachment


def _shape(connection: SendingConnection) -> sending_shapes.SendingConnection:
    values = {each.name: getattr(connection, each.name) for each in dataclasses.fields(connection)}
    attachments = [sending_shapes.SentAttachment(**dataclasses.asdict(each)) for each in connection.attachments]
    own = {"credential": credential_name(connection), "attachments": attachments}
    return sending_shapes.SendingConnection(**{**values, **own}, warnings=sending_traps(connection))
