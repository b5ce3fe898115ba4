"""The shape of the lab file's list ``sending_connections`` of ``maco``: by what MaCo sends mails.

The words are those of the mail receiver adapter; what the values mean, and all refusals of values, are in
``maco_client.smtp``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from maco_client.smtp.settings import IN_BODY, LONGEST_TIMEOUT_MS
from maco_lab.lab_section import Name, Section

MimeType = Literal[
    "Text/Plain",
    "Text/CSV",
    "Text/HTML",
    "Application/XML",
    "Application/JSON",
    "Application/Octet-Stream",
    "Application/ZIP",
    "Application/X-Gzip",
]


class Attachment(Section):
    """A part beside the body: what is sent, or a file."""

    name: Name
    mime_type: MimeType = "Application/Octet-Stream"
    source: Literal["Body", "File"] = "Body"
    file: str = ""


class SendingConnection(Section):
    """Say by which server mails are sent, as whom, to whom, and what they look like."""

    name: Name
    address: Name
    protection: Literal["Off", "STARTTLS Mandatory", "STARTTLS Optional", "SMTPS"]
    sender: Name
    proxy_type: Literal["On-Premise", "Internet"] = "On-Premise"
    location_id: str = ""
    timeout_ms: Annotated[int, Field(ge=1, le=LONGEST_TIMEOUT_MS, strict=True)] = 30_000
    authentication: Literal[
        "None", "Plain User Name/Password", "Encrypted User/Password", "OAuth2 Authorization Code"
    ] = "None"
    credential: str = ""
    plain_fallback: bool = False
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    mail_body: str = IN_BODY
    body_mime_type: MimeType = "Text/Plain"
    body_encoding: Literal["UTF-8", "windows-1252", "UTF-ASCII", "ISO-8859-1"] = "UTF-8"
    attachments: list[Attachment] = Field(default_factory=list)
    content_transfer_encoding: Literal["Automatic", "7Bit", "8Bit", "Base64", "Binary", "Quoted-Printable"] = (
        "Automatic"
    )
    signature_and_encryption_type: Literal[
        "None", "S/MIME Encryption", "S/MIME Signature", "S/MIME Signature and Encryption"
    ] = "None"
