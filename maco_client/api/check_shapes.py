"""The shapes of the connectivity tests."""

from __future__ import annotations

from pydantic import Field, StrictBool, StrictInt

from maco_client.api.shapes import Authenticated, Certificate, LongText, Protected, Proxied, Text
from maco_http.shapes import Shape

LONGEST_CHECK_MS = 60_000
"""The longest timeout of a test."""


class HostRequest(Shape):
    """Where a test goes to, and by which way."""

    host: LongText
    port: StrictInt = Field(ge=1, le=65_535)
    proxy_type: Proxied = "On-Premise"
    location_id: LongText = ""
    timeout_ms: StrictInt = Field(default=30_000, ge=1, le=LONGEST_CHECK_MS)
    validate_certificate: StrictBool = True


class ImapCheckRequest(HostRequest):
    """An IMAP test: how to log in, and what to look at then; ``folder`` is counted if it is given."""

    protection: Protected
    authentication: Authenticated = "Plain User Name/Password"
    credential: Text
    list_folders: StrictBool = False
    folder: LongText = ""


class TlsCheckRequest(HostRequest):
    """A TLS test."""

    proxy_type: Proxied = "Internet"


class ConnectorCheckRequest(Shape):
    """A Cloud Connector test; an empty location ID is that of the Cloud Connector without one."""

    location_id: LongText = ""
    timeout_ms: StrictInt = Field(default=30_000, ge=1, le=LONGEST_CHECK_MS)


class TlsSeen(Shape):
    """What a test saw of TLS; ``chain`` is what the server sent, leaf first, and empty without TLS by MaCo."""

    succeeded: bool
    error: str
    hint: str
    java_text: str
    tls_version: str
    cipher: str
    vouched_by: str
    chain: list[Certificate]
    chain_pem: str
    duration_ms: int


class MailboxContent(Shape):
    """How many mails a folder holds, and how many of them are unread."""

    folder: str
    total: int
    unread: int


class ImapCheck(TlsSeen):
    """What an IMAP test came to; ``stage`` is the step of a poll at which it stopped, done if it went through."""

    stage: str
    folders: list[str]
    content: MailboxContent | None


class TlsCheck(TlsSeen):
    """What a TLS test came to; ``root_pem`` is the root, if the server sent it, to be imported into the key store."""

    root_pem: str


class ConnectorCheck(Shape):
    """What a Cloud Connector test came to."""

    succeeded: bool
    error: str
    hint: str
    socks_reply: int | None
