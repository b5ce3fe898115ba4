"""The shapes of the API's part on sending; the names and values are those of the lab file's ``sending_connections``.

A text is bounded by the body of the request, and by the settings themselves.
"""

from __future__ import annotations

import enum
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, WithJsonSchema

from maco_client.settings import ProxyType
from maco_client.settings.fields import NAME_CHARACTERS
from maco_client.smtp.choices import (
    AttachmentSource,
    BodyEncoding,
    BodyMimeType,
    SendingAuthentication,
    SendingProtection,
    SignatureAndEncryption,
    TransferEncoding,
)
from maco_client.smtp.results import SendResult
from maco_client.smtp.settings import IN_BODY, MOST_ATTACHMENTS
from maco_http.shapes import Shape


def _choice(kind: type[enum.StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [str(each) for each in kind]})


Text = Annotated[str, Field(max_length=NAME_CHARACTERS)]
MimeType = Annotated[str, _choice(BodyMimeType)]
Protected = Annotated[str, _choice(SendingProtection)]


class SentAttachment(Shape):
    """A part beside the body; one whose ``source`` is File stands in the lab file, with a path on MaCo's machine."""

    name: Text
    mime_type: MimeType = "Application/Octet-Stream"
    source: Annotated[str, _choice(AttachmentSource)] = "Body"
    file: str = ""


class SendingSettings(Shape):
    """What a sending connection may say beside name, address, protection and sender."""

    proxy_type: Annotated[str, _choice(ProxyType)] = "On-Premise"
    location_id: str = ""
    timeout_ms: StrictInt = 30_000
    authentication: Annotated[str, _choice(SendingAuthentication)] = "None"
    credential: Text = ""
    plain_fallback: StrictBool = False
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    mail_body: str = IN_BODY
    body_mime_type: MimeType = "Text/Plain"
    body_encoding: Annotated[str, _choice(BodyEncoding)] = "UTF-8"
    attachments: list[SentAttachment] = Field(default_factory=list, max_length=MOST_ATTACHMENTS)
    content_transfer_encoding: Annotated[str, _choice(TransferEncoding)] = "Automatic"
    signature_and_encryption_type: Annotated[str, _choice(SignatureAndEncryption)] = "None"


class SendingConnectionRequest(SendingSettings):
    """A new sending connection; ``credential`` is a name, and empty where Authentication is None."""

    name: Text
    address: str
    protection: Protected
    sender: str


class SendingConnectionChange(SendingSettings):
    """What changes in a sending connection: only what is given."""

    address: str = ""
    protection: Protected = ""
    sender: str = ""


class SendingConnection(SendingSettings):
    """A sending connection, and its traps."""

    name: str
    address: str
    protection: Protected
    sender: str
    warnings: list[str]


class SendingConnections(Shape):
    """All sending connections."""

    connections: list[SendingConnection]


class SendAnswer(Shape):
    """What became of a mail, and the same as one line for a person."""

    result: SendResult
    line: str
