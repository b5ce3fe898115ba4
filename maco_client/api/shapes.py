"""The shapes of the API: what each answer and each request holds. The OpenAPI document is made from them.

No answer has a field for a password or a token. Dates are ISO 8601 and UTC. What a request leaves out keeps
its default, or in a change its value; the names and values are those of the lab file.
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, WithJsonSchema

from maco_client.inbox_tables.mails import InboxMail
from maco_client.results import PollResult
from maco_client.settings import (
    Authentication,
    PostProcessing,
    Protection,
    ProxyType,
    Selection,
    TransportProtocol,
    Weekday,
)
from maco_client.settings.credential import PASSWORD_CHARACTERS, TOKEN_CHARACTERS
from maco_client.settings.fields import NAME_CHARACTERS
from maco_http.shapes import Shape

MOST_CONNECTIONS = 1_000
"""How many e-mail connections one request names."""

MOST_MAILS = 1_000
"""How many mails one answer lists."""


def _choice(kind: type[enum.StrEnum]) -> WithJsonSchema:
    """Describe a text by what it may be; the settings themselves say what is allowed, in the words of the lab file."""
    return WithJsonSchema({"type": "string", "enum": [str(each) for each in kind]})


Text = Annotated[str, Field(max_length=NAME_CHARACTERS)]
LongText = Annotated[str, Field(max_length=1000)]
Transported = Annotated[str, _choice(TransportProtocol)]
Protected = Annotated[str, _choice(Protection)]
Authenticated = Annotated[str, _choice(Authentication)]
Selected = Annotated[str, _choice(Selection)]
Processed = Annotated[str, _choice(PostProcessing)]
Proxied = Annotated[str, _choice(ProxyType)]
Day = Annotated[str, _choice(Weekday)]


class Done(Shape):
    """It is done."""


class Certificate(Shape):
    """A certificate as a person names it; fingerprints in lower-case hex."""

    subject: str
    issuer: str
    dns_names: list[str]
    not_before: str
    not_after: str
    sha256: str
    sha1: str


class KeyStoreEntry(Shape):
    """A certificate that MaCo trusts; ``days_left`` is negative once it has expired."""

    alias: str
    certificate: Certificate
    expired: bool
    days_left: int
    warnings: list[str]


class KeyStore(Shape):
    """Everything that MaCo trusts."""

    entries: list[KeyStoreEntry]


class Credential(Shape):
    """Security material without its secret, and the e-mail connections that refer to it."""

    name: str
    user: str
    kind: Literal["password", "access token"]
    used_by: list[str]


class Credentials(Shape):
    """All security material."""

    credentials: list[Credential]


class CredentialRequest(Shape):
    """New security material: with a password or with an access token."""

    name: Text
    user: Text
    password: str = Field(default="", max_length=PASSWORD_CHARACTERS, json_schema_extra={"writeOnly": True})
    access_token: str = Field(default="", max_length=TOKEN_CHARACTERS, json_schema_extra={"writeOnly": True})


class CredentialChange(Shape):
    """What changes in security material; a secret takes the place of the one before, of whichever kind."""

    user: Text = ""
    password: str = Field(default="", max_length=PASSWORD_CHARACTERS, json_schema_extra={"writeOnly": True})
    access_token: str = Field(default="", max_length=TOKEN_CHARACTERS, json_schema_extra={"writeOnly": True})


class EmailServer(Shape):
    """An e-mail server, and the e-mail connections that refer to it."""

    name: str
    address: str
    proxy_type: Proxied
    location_id: str
    timeout_ms: int
    used_by: list[str]


class EmailServers(Shape):
    """All e-mail servers."""

    servers: list[EmailServer]


class EmailServerRequest(Shape):
    """A new e-mail server."""

    name: Text
    address: LongText
    proxy_type: Proxied = "On-Premise"
    location_id: LongText = ""
    timeout_ms: StrictInt = 30_000


class EmailServerChange(Shape):
    """What changes in an e-mail server."""

    address: LongText = ""
    proxy_type: Proxied = ""
    location_id: LongText = ""
    timeout_ms: StrictInt = 0


class Scheduler(Shape):
    """When an e-mail connection is polled; ``on_date`` as in 2026-12-01, times of day as in 07:30."""

    every_s: StrictInt | StrictFloat | None = None
    at: Text = ""
    not_before: Text = "00:00"
    not_after: Text = "24:00"
    on_date: Text | None = None
    weekdays: list[Day] = Field(default_factory=list, max_length=7)
    days_of_month: list[StrictInt] = Field(default_factory=list, max_length=31)
    time_zone: Text = "UTC"


class ConnectionSettings(Shape):
    """What an e-mail connection may say beside name, server, protection and credential.

    Without ``selection`` it is Only Unread by IMAP4; POP3 has none.
    """

    transport_protocol: Transported = "IMAP4"
    authentication: Authenticated = "Plain User Name/Password"
    folder: LongText = "INBOX"
    selection: Selected | None = None
    max_messages_per_poll: StrictInt | None = None
    lock_timeout_min: StrictInt = 15
    post_processing: Processed = "Mark as Read"
    archive_folder: LongText = ""
    remove_attachments: StrictBool = False
    include_original_mail: StrictBool = False
    decode_mime_headers: StrictBool = True
    automatically_disconnect: StrictBool = True
    partial_fetch: StrictBool = False
    skip_failed_message: StrictBool = True
    plain_fallback: StrictBool = False
    scheduler: Scheduler = Field(default_factory=lambda: Scheduler(every_s=60))


class EmailConnectionRequest(ConnectionSettings):
    """A new e-mail connection; ``server`` and ``credential`` are names."""

    name: Text
    server: Text
    protection: Protected
    credential: Text


class EmailConnectionChange(ConnectionSettings):
    """What changes in an e-mail connection: only what is given."""

    server: Text = ""
    protection: Protected = ""
    credential: Text = ""


class LastPoll(Shape):
    """How the newest poll ended, and when."""

    at: str
    succeeded: bool
    stage: str
    stored: int
    error: str
    hint: str
    java_text: str
    duration_ms: int


class EmailConnection(ConnectionSettings):
    """An e-mail connection, its traps, and its newest poll."""

    name: str
    server: str
    protection: Protected
    credential: str
    warnings: list[str]
    polling: bool
    last_poll: LastPoll | None


class EmailConnections(Shape):
    """All e-mail connections."""

    connections: list[EmailConnection]


class PollRequest(Shape):
    """Which e-mail connections to poll; without any, all."""

    connections: list[Text] = Field(default_factory=list, max_length=MOST_CONNECTIONS)


class PollResults(Shape):
    """How the polls ended, in the order in which they were asked for."""

    results: list[PollResult]


class RunningPoll(Shape):
    """A poll that has begun: since when, its step, and what it has brought so far."""

    connection: str
    since: str
    stage: str
    mails: int
    stored: int


class RunningPolls(Shape):
    """The polls that run now."""

    polls: list[RunningPoll]


class Inbox(Shape):
    """Mails of the inbox, oldest first, and how many there are behind the last one."""

    mails: list[InboxMail]
    more: int


class HeaderField(Shape):
    """One field of a mail's header."""

    name: str
    value: str


class Attachment(Shape):
    """An attachment of a mail; ``size`` in bytes, decoded."""

    name: str
    content_type: str
    size: int


class Property(Shape):
    """A property that an integration flow is given with a mail; ``size`` in bytes. The raw mail tells what is in it."""

    name: str
    size: int


class Message(Shape):
    """A mail as MaCo hands it on: by the settings of its e-mail connection, or by their defaults if that is gone."""

    headers: list[HeaderField]
    text: str
    attachments: list[Attachment]
    properties: list[Property]
    problems: list[str]


class Lock(Shape):
    """A lock that a poll holds."""

    host: str
    user: str
    folder: str
    created_at: str
    expires_at: str


class Locks(Shape):
    """The locks that are held now."""

    locks: list[Lock]


def given(request: Shape) -> dict[str, Any]:
    """Return what a request says itself, without what it leaves out."""
    return {name: getattr(request, name) for name in request.model_fields_set}
