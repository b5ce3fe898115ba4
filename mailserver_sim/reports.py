"""What the mail server reports of one connection; protocol-independent, and never a secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from maco_net.socket_bytes import SocketBytes
from maco_wire.canary import Canary, CanaryScanner
from maco_wire.observation import (
    Address,
    CanarySeen,
    CertificateSummary,
    Direction,
    FaultStruck,
    Handshake,
    Login,
    MailAccepted,
    Party,
    Problem,
    Record,
    SocketClosed,
    Starttls,
    TlsSession,
)
from mailserver_sim.faults.plan import Hit
from mailserver_sim.headers import subject_of
from mailserver_sim.store.values import Stored

PARTY = Party.MAIL_SERVER
CLIENT_STORE = "mail server: client certificate authorities"

StarttlsStep = Literal["asked", "accepted", "refused", "not_offered", "injected"]


LONGEST_TEXT = 256
"""How much of a text that a peer chose is reported."""


def shortened(text: str) -> str:
    """Return ``text`` with at most ``LONGEST_TEXT`` characters; an ellipsis is in place of the rest."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


@dataclass(frozen=True)
class Reporting:
    """Where reports go, how a certificate is described, and the planted secrets to look for."""

    record: Record
    describe_certificate: Callable[[bytes], CertificateSummary]
    canaries: tuple[Canary, ...] = ()

    def problem(self, text: str, *, local: Address) -> None:
        """Report what concerns a whole port."""
        self.record(Problem(PARTY, local=local, peer=None, text=text))

    def mail_accepted(self, stored: Stored, raw: bytes, *, local: Address | None, peer: Address | None) -> None:
        """Report a mail that has been committed."""
        self.record(
            MailAccepted(
                PARTY,
                local=local,
                peer=peer,
                account=stored.account,
                mailbox=shortened(stored.mailbox),
                uid=stored.uid,
                size=stored.size,
                subject=shortened(subject_of(raw)),
            )
        )


class ConnectionReports:
    """Reports about one connection, which carry both its addresses."""

    def __init__(
        self, reporting: Reporting, protocol: Literal["IMAP", "SMTP", "POP3"], *, local: Address, peer: Address
    ) -> None:
        self._reporting = reporting
        self._protocol = protocol
        self.local = local
        self.peer = peer
        self._scanners: dict[Direction, CanaryScanner] = {
            "to_mail_server": CanaryScanner(reporting.canaries),
            "to_maco": CanaryScanner(reporting.canaries),
        }

    def plaintext(self, direction: Direction, data: bytes) -> None:
        """Look for planted secrets in plaintext that passed through this server."""
        if not self._reporting.canaries:
            return
        for sighting in self._scanners[direction].receive_data(data):
            self._reporting.record(
                CanarySeen(
                    PARTY,
                    local=self.local,
                    peer=self.peer,
                    canary=sighting.number,
                    name=sighting.name,
                    direction=direction,
                    encoding=sighting.encoding,
                )
            )

    def starttls(self, step: StarttlsStep, detail: str = "") -> None:
        """Report a step of STARTTLS."""
        self._reporting.record(
            Starttls(
                PARTY,
                local=self.local,
                peer=self.peer,
                protocol=self._protocol,
                step=step,
                role="server",
                detail=detail,
            )
        )

    def login(
        self, user: str, *, succeeded: bool, in_clear: bool, credentials_sent: bool = True, detail: str = ""
    ) -> None:
        """Report an attempt to log in."""
        self._reporting.record(
            Login(
                PARTY,
                local=self.local,
                peer=self.peer,
                protocol=self._protocol,
                role="server",
                user=shortened(user),
                succeeded=succeeded,
                credentials_sent=credentials_sent,
                in_clear=in_clear,
                detail=detail,
            )
        )

    def handshake(self, session: TlsSession, facts: HandshakeFacts, *, succeeded: bool, error: str = "") -> None:
        """Report a TLS handshake of this connection."""
        chain = tuple(self._reporting.describe_certificate(der) for der in facts.peer_chain)
        self._reporting.record(
            Handshake(
                PARTY,
                local=self.local,
                peer=self.peer,
                session=session,
                role="server",
                succeeded=succeeded,
                version=facts.version,
                cipher=facts.cipher,
                server_name=shortened(facts.server_name),
                peer_chain=chain,
                verified_against=CLIENT_STORE if chain and succeeded else "",
                error=error,
                alert_sent=facts.alert_sent,
                alert_received=facts.alert_received,
            )
        )

    def socket_closed(self, carried: SocketBytes) -> None:
        """Report how many bytes the connection has carried."""
        self._reporting.record(
            SocketClosed(PARTY, carried.sent, carried.received, carried.peer_ended, local=self.local, peer=self.peer)
        )

    def fault(self, hit: Hit) -> None:
        """Report that a scripted fault struck here."""
        self._reporting.record(FaultStruck(PARTY, local=self.local, peer=self.peer, step=hit.step, hit=hit.number))

    def mail_accepted(self, stored: Stored, raw: bytes) -> None:
        """Report a mail that came over this connection and has been committed."""
        self._reporting.mail_accepted(stored, raw, local=self.local, peer=self.peer)

    def problem(self, text: str) -> None:
        """Report what nothing else covers."""
        self._reporting.record(Problem(PARTY, local=self.local, peer=self.peer, text=text))


@dataclass(frozen=True)
class HandshakeFacts:
    """What one end learned in a TLS handshake; ``peer_chain`` holds DER, alerts are names of RFC 8446, section 6."""

    version: str = ""
    cipher: str = ""
    server_name: str = ""
    peer_chain: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    alert_sent: str = ""
    alert_received: str = ""
