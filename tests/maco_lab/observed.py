"""Hand-made observations of one polled connection, as the parties report it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from maco_lab.journal import Entry
from maco_wire.observation import (
    Address,
    CanarySeen,
    CertificateSummary,
    ClientHelloPassed,
    Handshake,
    Observation,
    Party,
    PollFinished,
    StreamClosed,
    StreamOpened,
    StreamRefused,
    TlsSession,
)

TUNNEL: tuple[Address, Address] = (("127.0.0.1", 41000), ("127.0.0.1", 20011))
LEAF = CertificateSummary("CN=mail.stadtwerke.example", "CN=Intermediate", "ab" * 32, ("mail.stadtwerke.example",))
CIPHER = "TLS_AES_256_GCM_SHA384"


def entries(*parts: Iterable[Observation]) -> list[Entry]:
    """Number observations as the journal does."""
    seen = [observation for part in parts for observation in part]
    return [Entry(number, 1700000000.0 + number, each) for number, each in enumerate(seen, 1)]


def tunnel() -> list[Observation]:
    """Return both ends' view of the tunnel's handshake."""
    local, peer = TUNNEL
    common = {"session": TlsSession.TUNNEL, "succeeded": True, "version": "TLSv1.3", "cipher": CIPHER}
    return [
        Handshake(
            Party.CLOUD_CONNECTOR,
            role="client",
            local=local,
            peer=peer,
            peer_chain=(LEAF,),
            verified_against="Cloud Connector's view of the cloud",
            name_checked="connectivitytunnel.lab.example",
            **common,  # type: ignore[arg-type]  # mypy sees one type for all values
        ),
        Handshake(
            Party.CONNECTIVITY,
            role="server",
            local=peer,
            peer=local,
            verified_against="cloud clients",
            **common,  # type: ignore[arg-type]  # as above
        ),
    ]


class Connection:
    """The parties' observations of one polled connection; ``maco`` and ``lan`` are the client ports of its hops."""

    def __init__(self, name: str, *, maco: int, lan: int, trace: str, protocol: Literal["TCP", "TCPS"] = "TCP") -> None:
        self.name = name
        self.trace = trace
        self.protocol = protocol
        self.at_maco: Address = ("127.0.0.1", maco)
        self.at_proxy: Address = ("127.0.0.1", 20004)
        self.on_lan: Address = ("127.0.0.1", lan)
        self.at_mail_server: Address = ("127.0.0.1", 3143)

    def opened(self) -> list[Observation]:
        """Return the connector's and the cloud side's view of the opened connection."""
        return [
            StreamOpened(
                Party.CLOUD_CONNECTOR,
                "virtual",
                143,
                internal_host="real",
                internal_port=143,
                protocol=self.protocol,
                back_end=(self.on_lan, self.at_mail_server),
                trace_id=self.trace,
                local=TUNNEL[0],
                peer=TUNNEL[1],
            ),
            StreamOpened(
                Party.CONNECTIVITY, "virtual", 143, trace_id=self.trace, local=self.at_proxy, peer=self.at_maco
            ),
        ]

    def refused(self, reason: str, *, nearest: str = "") -> list[Observation]:
        """Return the refusal as the connector and the cloud side report it."""
        return [
            StreamRefused(Party.CLOUD_CONNECTOR, "virtual", 143, reason, nearest=nearest, trace_id=self.trace),
            StreamRefused(
                Party.CONNECTIVITY,
                "virtual",
                143,
                "the Cloud Connector refused",
                reply=4,
                trace_id=self.trace,
                local=self.at_proxy,
                peer=self.at_maco,
            ),
        ]

    def closed(self) -> list[Observation]:
        return [
            StreamClosed(Party.CONNECTIVITY, 1, 2, trace_id=self.trace),
            StreamClosed(Party.CLOUD_CONNECTOR, 1, 2, trace_id=self.trace),
        ]

    def by_maco(self, *, error: str = "", cipher: str = CIPHER) -> Handshake:
        return Handshake(
            Party.MACO,
            session=TlsSession.IMAP_STARTTLS,
            role="client",
            succeeded=not error,
            version="TLSv1.3",
            cipher=cipher,
            peer_chain=(LEAF,),
            verified_against="" if error else "MaCo key store: mail-root",
            name_checked="mail.stadtwerke.example",
            error=error,
            alert_sent="unknown_ca" if error else "",
            local=self.at_maco,
            peer=self.at_proxy,
        )

    def by_connector(self, *, error: str = "") -> Handshake:
        return Handshake(
            Party.CLOUD_CONNECTOR,
            session=TlsSession.BACK_END,
            role="client",
            succeeded=not error,
            version="TLSv1.3",
            cipher=CIPHER,
            peer_chain=(LEAF,),
            verified_against="" if error else "Cloud Connector's back-end trust store",
            error=error,
            trace_id=self.trace,
            local=self.on_lan,
            peer=self.at_mail_server,
        )

    def by_mail_server(self, session: TlsSession, *, error: str = "", alert: str = "") -> Handshake:
        return Handshake(
            Party.MAIL_SERVER,
            session=session,
            role="server",
            succeeded=not error,
            version="TLSv1.3",
            cipher=CIPHER,
            error=error,
            alert_received=alert,
            local=self.at_mail_server,
            peer=self.on_lan,
        )

    def client_hello(self) -> list[Observation]:
        return [
            ClientHelloPassed(party, "mail.stadtwerke.example", 10, trace_id=self.trace)
            for party in (Party.CONNECTIVITY, Party.CLOUD_CONNECTOR)
        ]

    def secret(self, *parties: Party, number: int = 1, name: str = "mailbox password of strom") -> list[Observation]:
        """Return the sightings of a secret by these parties."""
        where: dict[Party, dict[str, object]] = {
            Party.MACO: {"local": self.at_maco, "peer": self.at_proxy},
            Party.CONNECTIVITY: {"trace_id": self.trace},
            Party.CLOUD_CONNECTOR: {"trace_id": self.trace},
            Party.MAIL_SERVER: {"local": self.at_mail_server, "peer": self.on_lan},
        }
        return [
            CanarySeen(party, number, name, "to_mail_server", **where[party])  # type: ignore[arg-type]  # mixed values
            for party in parties
        ]

    def finished(self, *, stored: int = 1, stage: str = "done", error: str = "", hint: str = "") -> list[Observation]:
        return [
            PollFinished(
                Party.MACO,
                self.name,
                not error,
                stage,
                0 if error else stored,
                error,
                hint,
                local=self.at_maco,
                peer=self.at_proxy,
            )
        ]


def way_a(connection: Connection) -> list[Observation]:
    """Return everything of a poll by way A: STARTTLS by MaCo, end to end."""
    return [
        *connection.opened(),
        *connection.client_hello(),
        connection.by_maco(),
        connection.by_mail_server(TlsSession.IMAP_STARTTLS),
        *connection.secret(Party.MACO, Party.MAIL_SERVER),
        *connection.finished(),
        *connection.closed(),
    ]


def way_b(connection: Connection) -> list[Observation]:
    """Return everything of a poll by way B: TLS by the Cloud Connector."""
    return [
        connection.by_mail_server(TlsSession.IMAPS),
        connection.by_connector(),
        *connection.opened(),
        *connection.secret(*Party),
        *connection.finished(),
        *connection.closed(),
    ]


def plain(connection: Connection) -> list[Observation]:
    """Return everything of a poll without any TLS with the mail server."""
    return [*connection.opened(), *connection.secret(*Party), *connection.finished(), *connection.closed()]
