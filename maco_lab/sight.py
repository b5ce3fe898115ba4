"""From the journal to the answer: who did TLS with whom on one polled connection, and who held what in clear.

Pure: entries in, values out. Nothing is concluded from settings. Operating systems give a port to one connection after
another, so what is joined by address is also bounded in time (``_Joined``). A TLS session is named only when a party
reported its handshake; whether both ends reported the same one is part of the answer. A party held a secret in clear
only if it saw the secret itself in the bytes that passed through it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from maco_lab.journal import Entry
from maco_wire.observation import (
    Address,
    CanarySeen,
    ClientHelloPassed,
    Handshake,
    Hop,
    Observation,
    Party,
    PollFinished,
    SocketClosed,
    Starttls,
    StreamClosed,
    StreamOpened,
    StreamRefused,
    TlsSession,
    TokenRefused,
)

PATH = (Party.MACO, Party.CONNECTIVITY, Party.CLOUD_CONNECTOR, Party.MAIL_SERVER)
IMPOSTOR = "impostor"
"""What one in the mail server's place calls itself in what it observes (``Observation.system``)."""

HOPS = (Hop.CLOUD_NETWORK, Hop.TUNNEL, Hop.CUSTOMER_LAN)

_O = TypeVar("_O", bound=Observation)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Session:
    """One TLS session, put together from what its ends reported.

    ``agreed`` tells that both ends reported it with the same version and cipher. ``verified_against`` is the store of
    the client that vouched for the server.
    """

    kind: TlsSession
    client: Party
    server: Party
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
    """What went wrong, in the words of either end; empty if nothing did, or that end told nothing."""
    server_saw: str
    hops: tuple[Hop, ...]
    """The networks that the session crosses."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A canary, and the parties that saw it in clear."""

    name: str
    held_by: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one poll of one e-mail connection showed."""

    connection: str
    succeeded: bool
    stage: str
    stored: int
    error: str
    hint: str
    virtual: str
    internal: str
    protocol: str
    """The mapping's protocol as the connector reported it: TCP or TCPS; empty if no connection was opened."""
    connector: str
    """The Cloud Connector that carried it, and its location ID; empty if none did."""
    sessions: tuple[Session, ...]
    secrets: tuple[Secret, ...]
    client_hello_seen_by: tuple[Party, ...]
    """Relaying parties that saw MaCo's ClientHello pass: TLS that is not theirs."""
    refusals: tuple[str, ...]
    """What the other parties said when the connection failed, each with its party's name."""
    impostor: bool
    """Whether an impostor answered in the mail server's place, by its own word."""

    def called(self, party: Party) -> str:
        """Return what a party is called, to a person: where an impostor answered, it is no mail server."""
        return IMPOSTOR.capitalize() if self.impostor and party is Party.MAIL_SERVER else party.value

    @property
    def mail_session(self) -> Session | None:
        """The TLS session whose server is the mail server, if there was one."""
        return next((each for each in self.sessions if each.server is Party.MAIL_SERVER), None)

    def covering(self, hop: Hop) -> tuple[Session, ...]:
        """Return the established sessions that protect a hop, the outermost first."""
        return tuple(each for each in self.sessions if each.succeeded and hop in each.hops)


@dataclass(frozen=True, slots=True)
class Way:
    """The sockets and counts of one poll: what it takes to find its bytes in other records of the same run.

    Addresses are those of the end that dialled on each hop; None where nobody did, or nobody reported it.
    """

    maco: Address | None
    tunnel: Address | None
    lan: Address | None
    trace_id: str | None
    virtual_host: str
    protocol: str
    passed_on: Mapping[Party, tuple[int, int]]
    """Payload bytes that a relaying party passed on: to the mail server, to MaCo."""
    closed: Mapping[Party, SocketClosed]
    """What the sockets of MaCo and the mail server have carried, TLS and SOCKS5 too."""
    server_names: Mapping[TlsSession, str]
    """The name that the client of each session asked for."""
    held: Mapping[int, tuple[Party, ...]]
    """By canary: who reported to have seen it in clear."""


def sight_of(entries: Sequence[Entry], connection: str) -> Sight | None:
    """Return what the newest finished poll of ``connection`` showed; None if there is none."""
    joined = _joined(entries, connection)
    return joined.sight() if joined else None


def way_of(entries: Sequence[Entry], connection: str) -> Way | None:
    """Return the sockets of the newest finished poll of ``connection``; None if there is none."""
    joined = _joined(entries, connection)
    return joined.way() if joined else None


def observations_of(entries: Sequence[Entry], connection: str) -> Sequence[Observation]:
    """Return what all parties reported of the newest finished poll of ``connection``; nothing if there is none.

    The tunnel that it went through is not part of it.
    """
    joined = _joined(entries, connection)
    return joined.observations() if joined else ()


def _joined(entries: Sequence[Entry], connection: str) -> _Joined | None:
    observations = [entry.observation for entry in entries]
    for at in range(len(observations) - 1, -1, -1):
        finished = observations[at]
        if isinstance(finished, PollFinished) and finished.connection == connection:
            return _Joined(observations, at, finished)
    return None


class _Joined:
    """The observations that belong to one poll, joined over the hops by addresses and trace ID.

    On MaCo's side, everything of a poll lies between the end of the poll that had the same address before and its own
    end. On the customer's LAN, it lies between the end of the trace that had the same address before and the begin
    of the next one. Trace IDs are never used again.
    """

    def __init__(self, observations: Sequence[Observation], at: int, finished: PollFinished) -> None:
        self._all = observations
        self._finished = finished
        self._maco: Address | None = finished.local
        self._cloud_side = observations[self._previous_end(at) : at + 1]
        self._trace = self._trace_id()
        self._at_connector = _last(o for o in self._traced(StreamOpened) if o.party is Party.CLOUD_CONNECTOR)
        self._lan: Address | None = self._lan_address()
        self._on_lan = self._lan_window()

    def _previous_end(self, at: int) -> int:
        """Return the index behind the end of the poll that had MaCo's address before; 0 if there was none."""
        for i in range(at - 1, -1, -1):
            if isinstance(self._all[i], PollFinished) and self._all[i].local == self._maco:
                return i + 1
        return 0

    def _lan_window(self) -> Sequence[Observation]:
        """Return what lies between the ends of this trace's neighbours at the connector's address on the LAN."""
        if self._lan is None:
            return ()
        others = {o.trace_id for o in self._all if lan_of(o) == self._lan and o.trace_id != self._trace}
        own = [i for i, o in enumerate(self._all) if o.trace_id == self._trace]
        foreign = [i for i, o in enumerate(self._all) if _is_at_connector(o) and o.trace_id in others]
        before = [i + 1 for i in foreign if i < own[0]]
        after = [i for i in foreign if i > own[-1]]
        return self._all[max(before, default=0) : min(after, default=len(self._all))]

    def sight(self) -> Sight:
        opened = self._at_connector
        return Sight(
            connection=self._finished.connection,
            succeeded=self._finished.succeeded,
            stage=self._finished.stage,
            stored=self._finished.stored,
            error=self._finished.error,
            hint=self._finished.hint,
            virtual=f"{opened.virtual_host}:{opened.virtual_port}" if opened else "",
            internal=f"{opened.internal_host}:{opened.internal_port}" if opened else "",
            protocol=opened.protocol if opened else "",
            connector=_connector(opened) if opened else "",
            sessions=tuple(self._sessions()),
            secrets=self._secrets(),
            client_hello_seen_by=_in_path_order(o.party for o in self._traced(ClientHelloPassed)),
            refusals=tuple(self._refusals()),
            impostor=any(map(is_impostor, self._of_this_poll(Observation))),
        )

    def way(self) -> Way:
        opened = _last(self._traced(StreamOpened))
        refused = {o.party: (0, 0) for o in self._traced(StreamRefused)}
        closed = {o.party: (o.bytes_to_mail_server, o.bytes_to_maco) for o in self._traced(StreamClosed)}
        handshakes = [o for o in self._of_this_poll(Handshake) if o.role == "client"]
        if self._at_connector:
            handshakes += self._tunnel_handshakes(self._at_connector)
        return Way(
            maco=self._maco,
            tunnel=self._at_connector.local if self._at_connector else None,
            lan=self._lan,
            trace_id=self._trace,
            virtual_host=opened.virtual_host if opened else "",
            protocol=self._at_connector.protocol if self._at_connector else "",
            passed_on=refused | closed,
            closed={o.party: o for o in self._of_this_poll(SocketClosed)},
            server_names={o.session: o.server_name for o in handshakes},
            held={number: self._holders(number) for number in {o.canary for o in self._of_this_poll(CanarySeen)}},
        )

    def observations(self) -> list[Observation]:
        """Return what is told of this poll; a proxy that refused to talk gave it no trace ID."""
        untraced = [
            o
            for o in self._cloud_side
            if o.party is Party.CONNECTIVITY and o.trace_id is None and self._maco and o.peer == self._maco
        ]
        return [*untraced, *self._of_this_poll(Observation), *([] if self._maco else [self._finished])]

    def _holders(self, canary: int) -> tuple[Party, ...]:
        return _in_path_order(o.party for o in self._of_this_poll(CanarySeen) if o.canary == canary)

    def _traced(self, kind: type[_O]) -> list[_O]:
        if self._trace is None:
            return []
        return [o for o in self._all if isinstance(o, kind) and o.trace_id == self._trace]

    def _trace_id(self) -> str | None:
        """Return the trace ID that the SOCKS5 proxy gave to the connection that MaCo dialled."""
        at_proxy = [
            o for o in self._cloud_side if isinstance(o, StreamOpened | StreamRefused) and o.party is Party.CONNECTIVITY
        ]
        matching = [o for o in at_proxy if self._maco is not None and o.peer == self._maco]
        return matching[-1].trace_id if matching else None

    def _lan_address(self) -> Address | None:
        """Return the connector's end of the connection to the back end."""
        if self._at_connector and self._at_connector.back_end:
            return self._at_connector.back_end[0]
        return _last(address for o in self._traced(Handshake) if (address := lan_of(o)))

    def _sessions(self) -> Iterable[Session]:
        if self._at_connector and (tunnel := self._tunnel(self._at_connector)):
            yield tunnel
        of_this_poll = self._of_this_poll(Handshake)
        at_mail_server = _last(o for o in of_this_poll if o.party is Party.MAIL_SERVER)
        client = _last(o for o in of_this_poll if o.role == "client" and o.session is not TlsSession.TUNNEL)
        if client:
            yield _session(client, at_mail_server, Party.MAIL_SERVER)

    def _tunnel(self, opened: StreamOpened) -> Session | None:
        """Return the session of the tunnel that carried the stream: the last one at its address before it."""
        client = _last(self._tunnel_handshakes(opened))
        if client is None:
            return None
        return _session(client, _last(o for o in self._tunnels(opened) if _is_other_end(o, client)), Party.CONNECTIVITY)

    def _tunnel_handshakes(self, opened: StreamOpened) -> list[Handshake]:
        """Return the connector's own at the address that the stream came by."""
        return [o for o in self._tunnels(opened) if o.party is Party.CLOUD_CONNECTOR and o.local == opened.local]

    def _tunnels(self, opened: StreamOpened) -> list[Handshake]:
        before = self._all[: self._all.index(opened)]
        return [o for o in before if isinstance(o, Handshake) and o.session is TlsSession.TUNNEL]

    def _of_this_poll(self, kind: type[_O]) -> list[_O]:
        at_maco = [o for o in self._cloud_side if o.party is Party.MACO and self._maco and o.local == self._maco]
        at_mail_server = [o for o in self._on_lan if o.party is Party.MAIL_SERVER and o.peer == self._lan]
        return [o for o in (*at_maco, *self._traced(Observation), *at_mail_server) if isinstance(o, kind)]

    def _secrets(self) -> tuple[Secret, ...]:
        seen = self._of_this_poll(CanarySeen)
        names = sorted({(o.canary, o.name) for o in seen})
        return tuple(Secret(name, self._holders(number)) for number, name in names)

    def _refusals(self) -> Iterable[str]:
        for refused in self._traced(StreamRefused):
            nearest = f" (nearest mapping: {refused.nearest})" if refused.nearest else ""
            yield f"{refused.party}: {refused.reason}{nearest}"
        for refusal in self._cloud_side:
            if isinstance(refusal, TokenRefused) and self._maco is not None and refusal.peer == self._maco:
                yield f"{refusal.party}: token refused: {refusal.reason}"
        for step in self._of_this_poll(Starttls):
            if step.step in {"refused", "not_offered", "injected"}:
                detail = f" ({step.detail})" if step.detail else ""
                yield f"{step.party}: {step.command} {step.step.replace('_', ' ')}{detail}"


def is_impostor(seen: Observation) -> bool:
    """Tell whether this is from somebody in the mail server's place, by its own word."""
    return (seen.party, seen.system) == (Party.MAIL_SERVER, IMPOSTOR)


def _is_at_connector(seen: Observation) -> bool:
    return seen.party is Party.CLOUD_CONNECTOR and seen.trace_id is not None


def lan_of(seen: Observation) -> Address | None:
    """Return the connector's own address on the customer's LAN, if this observation tells it."""
    match seen:
        case StreamOpened(party=Party.CLOUD_CONNECTOR, back_end=(own, _)):
            return own
        case Handshake(party=Party.CLOUD_CONNECTOR, session=TlsSession.BACK_END):
            return seen.local
    return None


def _is_other_end(seen: Handshake, client: Handshake) -> bool:
    return seen.party is Party.CONNECTIVITY and seen.peer == client.local


def _session(client: Handshake, server: Handshake | None, server_party: Party) -> Session:
    presented = client.peer_chain[0].subject if client.peer_chain else ""
    agreed = server is not None and (server.version, server.cipher) == (client.version, client.cipher)
    return Session(
        kind=client.session,
        client=client.party,
        server=server_party,
        succeeded=client.succeeded and (server is None or server.succeeded),
        agreed=agreed and client.succeeded,
        version=client.version,
        cipher=client.cipher,
        server_name=client.server_name,
        presented=presented,
        verified_against=client.verified_against,
        name_checked=client.name_checked,
        error=client.error or (server.error if server else ""),
        alert=client.alert_sent or (server.alert_received if server else ""),
        client_saw=_trouble(client),
        server_saw=_trouble(server) if server else "",
        hops=_between(client.party, server_party),
    )


def _between(client: Party, server: Party) -> tuple[Hop, ...]:
    """Return the networks between two systems; the tunnel's client is the Cloud Connector, which dials out."""
    first, last = sorted((PATH.index(client), PATH.index(server)))
    return HOPS[first:last]


def _trouble(seen: Handshake) -> str:
    alerts = {"sent": seen.alert_sent, "received": seen.alert_received}
    told = [seen.error, *(f"{how} the alert {alert}" for how, alert in alerts.items() if alert)]
    return "; ".join(each for each in told if each)


def _connector(opened: StreamOpened) -> str:
    location = f"location ID {opened.location_id}" if opened.location_id else "no location ID"
    return f"{opened.system or 'Cloud Connector'} ({location})"


def _in_path_order(parties: Iterable[Party]) -> tuple[Party, ...]:
    found = set(parties)
    return tuple(party for party in PATH if party in found)


def _last(found: Iterable[_T]) -> _T | None:
    """Return the newest of what was found."""
    result = None
    for each in found:
        result = each
    return result
