"""Answer what concerns the inbox. Its file is read in a thread: a mail may be large.

One rule: only the raw mail is kept. What of it is told follows from the settings of its e-mail connection as they are
now, or from their defaults if that is gone.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from maco_client.api import shapes
from maco_client.api.asked import Asked
from maco_client.api.office import Office
from maco_client.api.operations import HIGHEST_ID
from maco_client.inbox import Inbox
from maco_client.inbox_tables.mails import InboxMail
from maco_client.mailbox_file import mbox_entry
from maco_client.message.reading import ORIGINAL_MESSAGE, read_message
from maco_client.settings import EmailConnection
from maco_client.subject import subject_of
from maco_http.openapi import MAIL_TYPE, MAILBOX_TYPE

MOST_CHARACTERS = 1024 * 1024
"""How much of a mail's text is told; the raw mail has all of it."""


_GUIDS = uuid.UUID("7f0c6a53-5a0e-4c1b-9d57-1f6b1f0f7a52")
"""From which the GUIDs in names of attachments are made: a mail has the same ones whenever it is shown."""


async def inbox(office: Office, asked: Asked) -> shapes.Inbox:
    """Return mails by their numbers."""
    found = [each for each in await _mails(office, asked) if each.id > asked.number("after")]
    limit = asked.number("limit")
    connections = office.tenant.configuration.connections
    mails = await asyncio.get_running_loop().run_in_executor(
        None, lambda: [_as_set(each, office.inbox, connections) for each in found[:limit]]
    )
    return shapes.Inbox(mails=mails, more=max(0, len(found) - limit))


def _as_set(mail: InboxMail, inbox: Inbox, connections: Mapping[str, EmailConnection]) -> InboxMail:
    """Return an entry with its subject as "Decode MIME Headers" wants it."""
    connection = connections.get(mail.connection)
    if connection is None or connection.decode_mime_headers:
        return mail
    try:
        head = inbox.head(mail.id)
    except KeyError:  # the inbox was cleared meanwhile
        return mail
    return dataclasses.replace(mail, subject=subject_of(head, decode_words=False))


async def mail(office: Office, asked: Asked) -> shapes.Message:
    """Return one mail as MaCo hands it on; it is parsed in a thread."""
    number = _number(asked)
    raw = await _raw(office, number)
    loop = asyncio.get_running_loop()
    known = {each.id: each.connection for each in await loop.run_in_executor(None, office.inbox.mails)}
    connection = office.tenant.configuration.connections.get(known.get(number, ""))
    return await loop.run_in_executor(None, _message, number, raw, connection)


def _message(number: int, raw: bytes, connection: EmailConnection | None) -> shapes.Message:
    found = read_message(
        raw,
        decode_mime_headers=connection is None or connection.decode_mime_headers,
        remove_attachments=connection is not None and connection.remove_attachments,
        include_original_mail=connection is not None and connection.include_original_mail,
        new_guid=_guids(number),
    )
    properties = [] if found.original is None else [shapes.Property(name=ORIGINAL_MESSAGE, size=len(found.original))]
    return shapes.Message(
        headers=[shapes.HeaderField(name=_utf8(name), value=_utf8(value)) for name, value in found.headers],
        text=_utf8(found.text[:MOST_CHARACTERS]),
        attachments=[
            shapes.Attachment(name=_utf8(each.name), content_type=_utf8(each.content_type), size=len(each.content))
            for each in found.attachments
        ],
        properties=properties,
        problems=[_utf8(each.text) for each in found.problems],
    )


def _guids(number: int) -> Callable[[], str]:
    count = itertools.count(1)
    return lambda: str(uuid.uuid5(_GUIDS, f"{number}/{next(count)}"))


def _utf8(text: str) -> str:
    """Return ``text`` without lone surrogates: JSON carries none."""
    return text.encode("utf-8", "replace").decode("utf-8")


async def raw_mail(office: Office, asked: Asked) -> Response:
    """Return one mail as it was received."""
    return Response(await _raw(office, _number(asked)), media_type=MAIL_TYPE)


async def inbox_mailbox(office: Office, asked: Asked) -> Response:
    """Return all mails, one after the other, as one mbox file: one is in memory at a time."""
    mails = await _mails(office, asked)

    async def entries() -> AsyncIterator[bytes]:
        for each in mails:
            yield mbox_entry(await _raw(office, each.id), each.stored_at)

    return StreamingResponse(entries(), media_type=MAILBOX_TYPE)


async def _mails(office: Office, asked: Asked) -> list[InboxMail]:
    wanted = asked.text("connection") or None
    return await asyncio.get_running_loop().run_in_executor(None, office.inbox.mails, wanted)


async def _raw(office: Office, number: int) -> bytes:
    try:
        return await asyncio.get_running_loop().run_in_executor(None, office.inbox.raw, number)
    except KeyError as error:
        raise HTTPException(404, f"found no mail {number} in the inbox") from error


def _number(asked: Asked) -> int:
    """Return the number in the path. Raises HTTPException 404 for what is none."""
    text = asked.name
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(HIGHEST_ID)) and int(text) <= HIGHEST_ID):
        raise HTTPException(404, "found no number of a mail")
    return int(text)
