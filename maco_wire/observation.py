"""What the parties report: frozen values, one class for each kind of thing that can be observed.

A party calls ``record(observation)`` with what only it can know. The values carry no time and no sequence number (the
journal adds both) and no secret: a canary is named by its number, never by its value. ``as_fields`` turns one into the
flat mapping that the journal writes; its keys are the stable schema described in ``docs/journal.md``.
``maco_wire.observation_fields`` turns such a mapping into the value again.

Outside the tunnel, observations of two parties are joined by socket addresses (``local`` of one is ``peer`` of the
other); inside it, by the trace ID that the SOCKS5 proxy gave to the connection.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

Address: TypeAlias = tuple[str, int]
"""A socket address: numeric host and port."""

Role: TypeAlias = Literal["client", "server"]

Direction: TypeAlias = Literal["to_mail_server", "to_maco"]
"""Which way bytes travel, named by their destination."""


class Party(enum.StrEnum):
    """The systems of the landscape."""

    MACO = "MaCo"
    CONNECTIVITY = "Connectivity service"
    CLOUD_CONNECTOR = "Cloud Connector"
    MAIL_SERVER = "Mail server"


class Hop(enum.StrEnum):
    """The three networks between MaCo and the mail server."""

    CLOUD_NETWORK = "cloud network"
    TUNNEL = "tunnel"
    CUSTOMER_LAN = "customer LAN"


class TlsSession(enum.StrEnum):
    """Which TLS session a handshake belongs to, by what it protects."""

    TUNNEL = "tunnel"
    IMAP_STARTTLS = "IMAP STARTTLS"
    IMAPS = "IMAP over TLS"
    SMTP_STARTTLS = "SMTP STARTTLS"
    SMTPS = "SMTP over TLS"
    POP3_STLS = "POP3 STLS"
    POP3S = "POP3 over TLS"
    BACK_END = "TCP TLS to the back end"


_EMPTY = (None, (), "")


def _means(field: dataclasses.Field[Any]) -> bool:
    """Tell whether an empty value of this field says something, because it has another default."""
    return field.default is not dataclasses.MISSING and field.default not in _EMPTY


@dataclass(frozen=True, slots=True)
class CertificateSummary:
    """One certificate as a person names it; the fingerprint is SHA-256 in lower-case hex."""

    subject: str
    issuer: str
    fingerprint: str
    dns_names: tuple[str, ...] = ()
    not_before: str = ""
    not_after: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """The common part: who saw it, and on which connection.

    ``local`` and ``peer`` are the two ends of the socket the party saw it on, from that party's side. ``system`` names
    the one that saw it where a landscape may have several of its kind, Cloud Connectors, and who is in the mail
    server's place.
    """

    kind: ClassVar[str]

    party: Party
    trace_id: str | None = dataclasses.field(default=None, kw_only=True)
    local: Address | None = dataclasses.field(default=None, kw_only=True)
    peer: Address | None = dataclasses.field(default=None, kw_only=True)
    system: str | None = dataclasses.field(default=None, kw_only=True)

    def as_fields(self) -> dict[str, Any]:
        """Return the observation as plain data: strings, numbers, lists and mappings; empty values left out."""
        values = dataclasses.asdict(self)
        shown = (field.name for field in dataclasses.fields(self) if values[field.name] not in _EMPTY or _means(field))
        return {"kind": self.kind} | {name: values[name] for name in shown}


@dataclass(frozen=True, slots=True)
class Handshake(Observation):
    """One end's view of one TLS handshake, succeeded or failed.

    ``verified_against`` names the store that vouched for the peer (empty: this end did not verify the peer).
    ``name_checked`` is the name the peer's certificate was compared with, if it was. ``alert_sent`` and
    ``alert_received`` are TLS alert names of RFC 8446, section 6, in lower case with underscores; ``java_alert`` is the
    one that the real product, which is written in Java, would send where OpenSSL sent ``alert_sent`` or none.
    """

    kind: ClassVar[str] = "handshake"

    session: TlsSession
    role: Role
    succeeded: bool
    version: str = ""
    cipher: str = ""
    server_name: str = ""
    peer_chain: tuple[CertificateSummary, ...] = ()
    verified_against: str = ""
    name_checked: str = ""
    client_certificate: str = ""
    error: str = ""
    verify_code: int | None = None
    alert_sent: str = ""
    alert_received: str = ""
    java_alert: str = ""


@dataclass(frozen=True, slots=True)
class TokenRefused(Observation):
    """The Connectivity service refused a token; ``reason`` never repeats the token."""

    kind: ClassVar[str] = "token_refused"

    reason: str


@dataclass(frozen=True, slots=True)
class StreamOpened(Observation):
    """A connection towards a virtual host was opened, as this party sees it.

    The Cloud Connector fills ``internal_host``, ``internal_port``, ``protocol`` and ``back_end`` (the socket pair of
    its connection to the mail server); the cloud side never knows them.
    """

    kind: ClassVar[str] = "stream_opened"

    virtual_host: str
    virtual_port: int
    subaccount: str = ""
    location_id: str = ""
    internal_host: str = ""
    internal_port: int | None = None
    protocol: str = ""
    back_end: tuple[Address, Address] | None = None
    """(local, peer) of the connection to the back end."""


@dataclass(frozen=True, slots=True)
class StreamRefused(Observation):
    """A connection was refused; ``reply`` is the SOCKS5 reply code, ``reason`` says which rule or step failed."""

    kind: ClassVar[str] = "stream_refused"

    virtual_host: str
    virtual_port: int
    reason: str
    subaccount: str = ""
    location_id: str = ""
    reply: int | None = None
    nearest: str = ""
    rule: Literal["", "access_control", "limit"] = ""
    """Which rule of the Cloud Connector refused it; empty if a step failed, and for the other parties."""


@dataclass(frozen=True, slots=True)
class ConnectionChecked(Observation):
    """A Cloud Connector has checked whether it reaches an internal system, on saving a mapping or on demand.

    ``reason`` is ``reachable``, or the step that failed; ``peer_chain`` is what the server sent, where TLS was tried.
    """

    kind: ClassVar[str] = "connection_checked"

    internal_host: str
    internal_port: int
    protocol: str
    reachable: bool
    reason: str
    text: str
    peer_chain: tuple[CertificateSummary, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamClosed(Observation):
    """A relayed connection ended; counts are payload bytes that this party passed on each way."""

    kind: ClassVar[str] = "stream_closed"

    bytes_to_mail_server: int
    bytes_to_maco: int
    ended_by: Literal["end", "reset", "truncated", "timeout", "shutdown"] = "end"


@dataclass(frozen=True, slots=True)
class SocketClosed(Observation):
    """An end of the way, MaCo or the mail server, closed its TCP connection: the bytes of the socket as they were.

    So TLS and SOCKS5 count too, which is what an eavesdropper counts. Unless ``peer_ended`` before, bytes may have come
    that nobody received. Without counts the system of that end does not tell them.
    """

    kind: ClassVar[str] = "socket_closed"

    bytes_sent: int | None = None
    bytes_received: int | None = None
    peer_ended: bool = False


@dataclass(frozen=True, slots=True)
class TunnelState(Observation):
    """A tunnel changed its state; values as in the Cloud Connector's own API (``tunnel.state``)."""

    kind: ClassVar[str] = "tunnel_state"

    state: Literal["Connected", "ConnectFailure", "Disconnected"]
    subaccount: str
    location_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TunnelConnections(Observation):
    """Of a tunnel with several TLS connections one came up, was lost or could not be dialled; ``up`` are up now.

    A tunnel with one connection has nothing to say beyond its ``TunnelState``.
    """

    kind: ClassVar[str] = "tunnel_connections"

    subaccount: str
    location_id: str
    up: int
    configured: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HaState(Observation):
    """One of a pair of Cloud Connectors (master and shadow) changed its role or state; values as in SAP's own API.

    A master is ALONE, BINDING, CONNECTED or BROKEN; a shadow INITIAL, DISCONNECTED, DISCONNECTING, HANDSHAKE, INITSYNC,
    READY or LOST.
    """

    kind: ClassVar[str] = "ha_state"

    role: Literal["master", "shadow"]
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CanarySeen(Observation):
    """A planted secret passed through this party in clear: number and name, never the value.

    ``encoding`` tells how it was written: ``plain``, ``base64`` or ``quoted-printable``.
    """

    kind: ClassVar[str] = "canary_seen"

    canary: int
    name: str
    direction: Direction
    encoding: str = "plain"


@dataclass(frozen=True, slots=True)
class ClientHelloPassed(Observation):
    """A TLS ClientHello passed through this party inside a connection that it merely copies."""

    kind: ClassVar[str] = "client_hello_passed"

    server_name: str
    offset: int
    """How many bytes had passed in that direction before it."""


@dataclass(frozen=True, slots=True)
class Starttls(Observation):
    """One step of a STARTTLS negotiation (POP3 calls it STLS), as seen by one end.

    ``injected`` means that plaintext arrived behind the command or its answer; ``detail`` counts its bytes.
    """

    kind: ClassVar[str] = "starttls"

    protocol: Literal["IMAP", "SMTP", "POP3"]
    step: Literal["asked", "accepted", "refused", "not_offered", "injected"]
    role: Role
    detail: str = ""

    @property
    def command(self) -> str:
        """What the protocol calls it."""
        return "STLS" if self.protocol == "POP3" else "STARTTLS"


@dataclass(frozen=True, slots=True)
class Login(Observation):
    """A login attempt; ``in_clear`` tells whether it was without TLS.

    ``credentials_sent`` tells whether bytes that carry the secret were written, or have come, in whatever form: not so
    where AUTHENTICATE is refused before the secret was asked for, nor by CRAM-MD5, whose digest is no secret.
    ``in_clear`` speaks of this party's own connection: behind a TCP TLS mapping MaCo sends in clear and the mail
    server receives under TLS.
    """

    kind: ClassVar[str] = "login"

    protocol: Literal["IMAP", "SMTP", "POP3"]
    role: Role
    user: str
    succeeded: bool
    credentials_sent: bool
    in_clear: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MailAccepted(Observation):
    """The mail server has committed a mail to its store and answers 250 (or OK to an APPEND)."""

    kind: ClassVar[str] = "mail_accepted"

    account: str
    mailbox: str
    uid: int
    size: int
    """Bytes of the stored mail."""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class MailFetched(Observation):
    """MaCo has committed a mail to its inbox. ``already_known`` means that its identity was there before.

    ``duplicate_of`` is the number in the inbox of the first mail that was the same, ``problems`` what is wrong with the
    mail itself. By POP3 ``unique_id`` is what the server calls the mail; ``uid`` is MaCo's own number for it then.
    """

    kind: ClassVar[str] = "mail_fetched"

    connection: str
    folder: str
    uid_validity: int
    uid: int
    size: int
    subject: str = ""
    already_known: bool = False
    duplicate_of: int | None = None
    problems: tuple[str, ...] = ()
    unique_id: str = ""


@dataclass(frozen=True, slots=True)
class PollFinished(Observation):
    """One poll of one e-mail connection ended.

    ``stage`` is where it stopped when it failed (``lock``, ``dial``, ``token``, ``socks``, ``greeting``,
    ``capability``, ``starttls``, ``tls``, ``login``, ``folder``, ``select``, ``search``, ``fetch``, ``store``,
    ``post_process``, ``logout``), ``done`` otherwise; ``error`` is the text a MaCo user would search for, ``hint``
    the setting to look at. The rest is what was on the wire where it stopped, as far as it came to that.
    """

    kind: ClassVar[str] = "poll_finished"

    connection: str
    succeeded: bool
    stage: str
    stored: int = 0
    error: str = ""
    hint: str = ""
    socks_status: int | None = None
    socks_reply: int | None = None
    alert_sent: str = ""
    alert_received: str = ""
    java_alert: str = ""
    java_text: str = ""
    server_answer: str = ""
    duration_ms: int = 0
    warnings: tuple[str, ...] = ()
    """What is allowed in the settings of the e-mail connection but rarely meant."""


@dataclass(frozen=True, slots=True)
class SendFinished(Observation):
    """One mail was sent by MaCo, or was not; ``outcome`` is ``unknown`` where the server gave no answer at its end.

    ``stage`` is where it stopped when it failed (``dial``, ``token``, ``socks``, ``tls``, ``greeting``, ``ehlo``,
    ``starttls``, ``login``, ``sender``, ``recipients``, ``data``, ``content``, ``receipt``), ``done`` otherwise;
    ``answer`` is what the mail server said when it took the mail. The rest is as in PollFinished.
    """

    kind: ClassVar[str] = "send_finished"

    connection: str
    succeeded: bool
    outcome: Literal["sent", "not sent", "unknown"]
    stage: str
    recipients: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    """Those recipients that the mail server does not take, each with its answer."""
    message_id: str = ""
    size: int = 0
    answer: str = ""
    error: str = ""
    hint: str = ""
    socks_status: int | None = None
    socks_reply: int | None = None
    alert_sent: str = ""
    alert_received: str = ""
    java_alert: str = ""
    java_text: str = ""
    server_answer: str = ""
    duration_ms: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MacoConfigured(Observation):
    """An entry of MaCo's configuration was changed at run time; it counts from the next poll on."""

    kind: ClassVar[str] = "maco_configured"

    entry: Literal["key store entry", "credential", "e-mail server", "e-mail connection", "sending connection"]
    name: str
    change: Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class PartyProcess(Observation):
    """A process of its own that a party runs in was started, or ended without being told to; ``reason`` says how."""

    kind: ClassVar[str] = "party_process"

    state: Literal["started", "ended"]
    name: str
    """Which one: a landscape may have several Cloud Connectors."""
    pid: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FaultStruck(Observation):
    """The mail server misbehaves as it was told to: a scripted fault struck for the ``hit``-th time."""

    kind: ClassVar[str] = "fault_struck"

    step: str
    hit: int


@dataclass(frozen=True, slots=True)
class Problem(Observation):
    """Something a peer or a setting got wrong that is not covered by another observation."""

    kind: ClassVar[str] = "problem"

    text: str


Record: TypeAlias = Callable[[Observation], None]
"""What a party is given to report with. It may be called from any thread and never blocks for long."""
