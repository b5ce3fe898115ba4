"""The shape of the lab file's section ``maco``: MaCo's key store, security material, e-mail servers and connections.

The words are those of MaCo's screens and of the mail adapter behind them; what the values mean is in ``maco_client``.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from maco_client.settings.email_connection import DEFAULT_LOCK_TIMEOUT_MIN, LONGEST_LOCK_TIMEOUT_MIN
from maco_lab.lab_section import Certificate, Name, Port, Seconds, Section
from maco_lab.sending_model import SendingConnection


class Credential(Section):
    """Security material: a "User Credentials" artifact, or an OAuth2 one with an access token."""

    name: Name
    user: Name
    password: SecretStr = SecretStr("")
    access_token: SecretStr = SecretStr("")


class EmailServer(Section):
    """Say where the mail server is reached ("Configure Email Server")."""

    name: Name
    address: Name
    proxy_type: Literal["On-Premise", "Internet"]
    location_id: str = ""
    timeout_ms: Annotated[int, Field(ge=1, le=3_600_000, strict=True)] = 30_000


class Scheduler(Section):
    """Say when an e-mail connection is polled (tab Scheduler)."""

    every_s: Seconds | None = None
    at: str = ""
    not_before: str = "00:00"
    not_after: str = "24:00"
    on_date: dt.date | None = None
    weekdays: list[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]] = Field(default_factory=list)
    days_of_month: list[Annotated[int, Field(ge=1, le=31, strict=True)]] = Field(default_factory=list)
    time_zone: Name = "UTC"


class EmailConnection(Section):
    """Say how mail is read from an e-mail server ("Configure Email Connection")."""

    name: Name
    server: Name
    protection: Literal["Off", "STARTTLS Mandatory", "STARTTLS Optional", "IMAPS", "POP3S"]
    credential: Name
    transport_protocol: Literal["IMAP4", "POP3"] = "IMAP4"
    authentication: Literal["Encrypted User/Password", "Plain User Name/Password", "OAuth2 Authorization Code"] = (
        "Plain User Name/Password"
    )
    folder: Name = "INBOX"
    selection: Literal["All Mails", "Only Unread"] | None = None
    max_messages_per_poll: Annotated[int, Field(ge=1, strict=True)] | None = None
    lock_timeout_min: Annotated[int, Field(ge=1, le=LONGEST_LOCK_TIMEOUT_MIN, strict=True)] = DEFAULT_LOCK_TIMEOUT_MIN
    post_processing: Literal["Archive", "Archive and Mark as Read", "Delete", "Mark as Read", "Leave on Server"] = (
        "Mark as Read"
    )
    archive_folder: str = ""
    remove_attachments: bool = False
    include_original_mail: bool = False
    decode_mime_headers: bool = True
    automatically_disconnect: bool = True
    partial_fetch: bool = False
    skip_failed_message: bool = True
    plain_fallback: bool = False
    scheduler: Scheduler | None = None


class Api(Section):
    """MaCo's own API, on 127.0.0.1 only."""

    serve: bool = True
    port: Port = 8027


class MaCo(Section):
    """SAP Market Communication, as far as mail goes."""

    client: Name
    client_secret: SecretStr | None = None
    key_store: dict[Name, Certificate] = Field(default_factory=dict)
    verification: Literal["java", "openssl"] = "java"
    credentials: list[Credential] = Field(default_factory=list)
    email_servers: list[EmailServer] = Field(default_factory=list)
    email_connections: list[EmailConnection] = Field(default_factory=list)
    sending_connections: list[SendingConnection] = Field(default_factory=list)
    poll_every_s: Seconds = 60
    api: Api = Api()
