"""The shapes of the API: what each answer and each request holds. The OpenAPI document is made from them.

No shape has a field for a secret. Times are seconds since 1970 as in the journal; dates of certificates are ISO 8601.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import Field

from maco_http.shapes import Shape
from maco_lab.client import ADDRESS

MAX_CONNECTIONS = 200
"""How many connections one answer lists."""

MAX_ENTRIES = 1_000
"""How many entries of the journal one answer has."""

Recipient: TypeAlias = Annotated[str, Field(max_length=254, pattern=rf"^{ADDRESS}$")]
"""An address as ``maco-lab send`` takes it."""

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=254)]


class Listener(Shape):
    """Where a system listens, and the name of the certificate that it presents there."""

    protocol: str
    address: str
    certificate: str


class System(Shape):
    """One system of the landscape; ``party`` is the word that the journal has for it."""

    name: str
    party: str
    role: str
    listeners: list[Listener]


class EmailConnection(Shape):
    """An e-mail connection of MaCo with the e-mail server that it names."""

    name: str
    server: str
    virtual: str
    proxy_type: str
    location_id: str
    protection: str
    folder: str


class Landscape(Shape):
    """The systems in the order of the path, and the networks between them."""

    lab: str
    systems: list[System]
    hops: list[str]
    email_connections: list[EmailConnection]
    mailboxes: list[str]
    poll_every_s: float


class Certificate(Shape):
    """A certificate as a person names it; the fingerprint is SHA-256."""

    subject: str
    issuer: str
    fingerprint: str
    dns_names: list[str]
    not_before: str
    not_after: str


class Trusted(Shape):
    """A certificate in a trust store, under its alias or its name in the lab file."""

    name: str
    certificate: Certificate


class TrustStore(Shape):
    """Whom one system trusts, and when it asks this store."""

    system: str
    store: str
    judges: str
    trusts_all: bool
    certificates: list[Trusted]


class Presented(Shape):
    """What a system presents, and which of the stores that may have to judge it hold an end of its path."""

    system: str
    purpose: str
    certificate: Certificate
    chain: list[Certificate]
    path_ends_in: list[str]
    path_ends_not_in: list[str]


class Trust(Shape):
    """All trust stores side by side, and all that they may have to judge."""

    stores: list[TrustStore]
    presented: list[Presented]


class SystemMapping(Shape):
    """A system mapping of the access control, as the lab file has it."""

    virtual: str
    internal: str
    protocol: str
    description: str


class Tunnel(Shape):
    """The tunnel of one subaccount; ``state`` is empty until the Cloud Connector has told one."""

    cloud_connector: str
    subaccount: str
    location_id: str
    state: str
    reason: str
    changed_at: float | None
    mappings: list[SystemMapping]


class Tunnels(Shape):
    """Every tunnel of every Cloud Connector."""

    tunnels: list[Tunnel]


class TlsSession(Shape):
    """A TLS session as its ends reported it; docs/commands.md and the demo's JSON use the same names."""

    kind: str
    client: str
    server: str
    succeeded: bool
    agreed: bool
    version: str
    cipher: str
    server_name: str
    presented: str
    verified_against: str
    name_checked: str
    error: str
    alert: str
    client_saw: str
    server_saw: str
    hops: list[str]


class Secret(Shape):
    """A planted secret, and the parties that saw it in clear."""

    name: str
    held_by: list[str]


class Sight(Shape):
    """What the newest poll of an e-mail connection showed."""

    connection: str
    succeeded: bool
    stage: str
    stored: int
    error: str
    hint: str
    virtual: str
    internal: str
    protocol: str
    connector: str
    sessions: list[TlsSession]
    secrets: list[Secret]
    client_hello_seen_by: list[str]
    refusals: list[str]
    where_tls_ended: str


class Sights(Shape):
    """The sights of the e-mail connections that have been polled, in the order of the lab file."""

    sights: list[Sight]


Entry: TypeAlias = dict[str, Any]
"""An entry of the journal, with the keys of docs/journal.md."""


class Connection(Shape):
    """One connection on its way through the landscape; ``id`` is its trace ID, if the SOCKS5 proxy gave it one."""

    id: str
    email_connection: str
    virtual: str
    began: float
    ended: float | None
    outcome: str
    entries: int


class Connections(Shape):
    """The newest connections, the newest first."""

    connections: list[Connection]


class Timeline(Shape):
    """A connection with what every party observed of it, in order."""

    connection: Connection
    timeline: list[Entry]


class JournalPart(Shape):
    """Entries of the journal in order; ``last`` is the number of the newest one that there is."""

    last: int
    entries: list[Entry]


class PollRequest(Shape):
    """Which e-mail connections to poll; all of them if none is named."""

    connections: list[Name] = Field(default_factory=list, max_length=100)


class Mail(Shape):
    """A mail that a poll dealt with."""

    inbox_id: int
    uid_validity: int
    uid: int
    size: int
    subject: str
    already_known: bool
    post_processed: bool


class PollResult(Shape):
    """How one poll ended; the keys are those of ``maco-lab poll --json``."""

    connection: str
    succeeded: bool
    stage: str
    stored: int
    error: str
    hint: str
    socks_reply: int | None
    mails: list[Mail]
    duration_ms: int
    vouched_by: str


class PollResults(Shape):
    """How every poll ended."""

    results: list[PollResult]


class MailRequest(Shape):
    """Whom to send a sample market message."""

    to: Recipient


class MailSent(Shape):
    """The mail that the mail server has accepted."""

    to: str
    subject: str
