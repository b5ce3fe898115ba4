"""The shapes of the API: what each answer and each request holds. The OpenAPI document is made from them.

No shape has a field for a secret. Times are seconds since 1970 as in the journal; dates of certificates are ISO 8601.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import ConfigDict, Field, RootModel

from maco_http.shapes import Shape
from maco_lab import sight
from maco_lab.client import ADDRESS

MAX_CONNECTIONS = 200
"""How many connections one answer lists."""

MAX_ENTRIES = 1_000
"""How many entries of the journal one answer has."""

MAX_MOMENTS = 100
"""How many moments of a hop one answer has."""

Recipient: TypeAlias = Annotated[str, Field(max_length=254, pattern=rf"^{ADDRESS}$")]
"""An address as ``maco-lab send`` takes it."""

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=254)]


class Listener(Shape):
    """Where a system listens, and the name of the certificate that it presents there."""

    protocol: str
    address: str
    certificate: str


class System(Shape):
    """One system of the landscape; ``party`` is the word that the journal has for it.

    ``pages`` is the address of the pages that administer it; empty if it has none.
    """

    name: str
    party: str
    role: str
    listeners: list[Listener]
    pages: str


class EmailConnection(Shape):
    """An e-mail connection of MaCo with the e-mail server that it names."""

    name: str
    server: str
    virtual: str
    proxy_type: str
    location_id: str
    transport_protocol: str
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
    """A system mapping of the access control, as it is now."""

    virtual: str
    internal: str
    protocol: str
    description: str


class Tunnel(Shape):
    """The tunnel of one subaccount; ``state`` is empty until the Cloud Connector has told one.

    One of a pair has a ``role``, master or shadow, and where it is as such; a shadow has no tunnel until it takes over.
    """

    cloud_connector: str
    role: str
    role_state: str
    subaccount: str
    location_id: str
    state: str
    reason: str
    changed_at: float | None
    mappings: list[SystemMapping]


class Tunnels(Shape):
    """Every tunnel of every Cloud Connector."""

    tunnels: list[Tunnel]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldSight(sight.Sight):
    """What ``maco_lab.sight`` found in a poll, and that in one sentence; the demo's JSON has the same names."""

    where_tls_ended: str


class Sight(RootModel[ToldSight]):
    """What the newest poll of an e-mail connection showed."""

    model_config = ConfigDict(frozen=True)


class Sights(Shape):
    """The sights of the e-mail connections that have been polled, in the order of the lab file."""

    sights: list[ToldSight]


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


class Piece(Shape):
    """Bytes that one end sent, or one TLS record, as they passed on one network.

    ``kind`` is "in clear", or which TLS record it is, and ``session`` between whom. ``hex`` has two characters for each
    byte shown and ``text`` one; a byte of a secret is a dot in both. Of ``size`` bytes the first ``shown`` are here.
    """

    at: float
    to_mail_server: bool
    kind: str
    session: str
    offset: int
    size: int
    shown: int
    hidden: int
    hex: str
    text: str


class Moment(Shape):
    """What passed on one network, and beside it what passed at the same moment on the next one."""

    at: float
    here: list[Piece]
    beside: list[Piece]


class HopSeen(Shape):
    """A network on the way; ``note`` says what an eavesdropper there lacks, empty if nothing."""

    hop: str
    note: str


class HopBytes(Shape):
    """What an eavesdropper saw of the newest poll of an e-mail connection on one network, and on the next one.

    Without taps there is nothing to show; ``why`` says how to turn them on. ``moments`` counts all that there are.
    """

    connection: str
    tapped: bool
    why: str
    hops: list[HopSeen]
    moments: int
    offset: int
    shown: list[Moment]


class JournalPart(Shape):
    """Entries of the journal in order; ``last`` is the number of the newest one that there is."""

    last: int
    entries: list[Entry]


class Scenario(Shape):
    """A teaching scenario: what it changes in which system, and what a poll must show then.

    ``why_not`` says why it cannot be switched on in this lab; it is empty if it can.
    """

    name: str
    title: str
    about: str
    system: str
    setting: str
    expect: str
    is_on: bool
    why_not: str


class Scenarios(Shape):
    """All teaching scenarios; ``since`` is when one was switched last, null while the lab runs as it was started."""

    scenarios: list[Scenario]
    since: float | None


class SwitchRequest(Shape):
    """Nothing needs to be said."""


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
    duplicate_of: int | None
    problems: list[str]
    unique_id: str


class PollResult(Shape):
    """How one poll ended; the keys are those of ``maco-lab poll --json``."""

    connection: str
    succeeded: bool
    stage: str
    stored: int
    error: str
    hint: str
    socks_status: int | None
    socks_reply: int | None
    alert_sent: str
    alert_received: str
    java_alert: str
    java_text: str
    server_answer: str
    mails: list[Mail]
    duration_ms: int
    vouched_by: str
    seen_by: dict[str, str]
    warnings: list[str]


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
