"""What MaCo reports of one poll: only what it knows itself, with the socket it saw it on, and no secret.

What a peer has said is cut: whoever writes observations down must not be filled by it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

from maco_client.imap import cut
from maco_client.key_store import KEY_STORE_NAME
from maco_client.masking import Masked, as_it_is
from maco_client.results import PollResult
from maco_client.smtp.results import SendResult
from maco_net.connected_socket import ConnectedSocket
from maco_net.errors import HandshakeFacts
from maco_net.tcp import TcpStream
from maco_wire.canary import Canary, CanaryScanner
from maco_wire.observation import (
    Address,
    CanarySeen,
    CertificateSummary,
    Direction,
    Handshake,
    Login,
    MailFetched,
    Party,
    PollFinished,
    Record,
    SendFinished,
    SocketClosed,
    Starttls,
    TlsSession,
)

LONGEST_TEXT = 256
"""Characters of a peer's text in an observation."""
MOST_NAMES = 100
"""Names of a certificate in an observation."""

DescribeCertificate: TypeAlias = Callable[[bytes], CertificateSummary]
Protocol: TypeAlias = Literal["IMAP", "SMTP", "POP3"]
StarttlsStep: TypeAlias = Literal["asked", "accepted", "refused", "not_offered", "injected"]


class Reporter:
    """Reports one poll, or one mail that is sent; also the tap that looks for canaries in what passes above TLS."""

    def __init__(
        self,
        record: Record,
        describe: DescribeCertificate,
        canaries: Iterable[Canary],
        protocol: Protocol = "IMAP",
        *,
        masked: Masked = as_it_is,
    ) -> None:
        self._protocol: Protocol = protocol
        self._masked = masked
        self._record = record
        self._describe = describe
        planted = tuple(canaries)
        self._to_mail_server = CanaryScanner(planted)
        self._to_maco = CanaryScanner(planted)
        self._socket: dict[str, Any] = {}

    def on_socket(self, stream: TcpStream) -> None:
        """Say from now on that things were seen on this connection, and when it is closed how much it has carried."""
        self._socket = {"local": stream.local_address, "peer": stream.peer_address}
        stream.when_closed = self._closed

    def goes_on(self, local: Address, peer: Address) -> None:
        """Say from now on that things were seen on a connection that an earlier poll has opened."""
        self._socket = {"local": local, "peer": peer}

    def _closed(self, connection: ConnectedSocket) -> None:
        carried = connection.carried()
        self._record(SocketClosed(Party.MACO, carried.sent, carried.received, carried.peer_ended, **self._socket))

    def describe(self, chain: Iterable[bytes]) -> tuple[CertificateSummary, ...]:
        """Name the certificates of a chain."""
        return tuple(_shortened(self._describe(each)) for each in chain)

    def sent(self, data: bytes) -> None:
        """See Tap."""
        self._scan(self._to_mail_server, data, "to_mail_server")

    def received(self, data: bytes) -> None:
        """See Tap."""
        self._scan(self._to_maco, data, "to_maco")

    def _scan(self, scanner: CanaryScanner, data: bytes, direction: Direction) -> None:
        for each in scanner.receive_data(data):
            self._record(
                CanarySeen(
                    Party.MACO,
                    canary=each.number,
                    name=each.name,
                    direction=direction,
                    encoding=each.encoding,
                    **self._socket,
                )
            )

    def handshake(
        self,
        session: TlsSession,
        facts: HandshakeFacts,
        name: str,
        *,
        succeeded: bool,
        vouched_by: str = "",
        java_alert: str = "",
    ) -> None:
        """Report MaCo's view of a handshake.

        ``name`` is what the certificate was compared with, ``vouched_by`` the alias of the anchor that ended its path,
        ``java_alert`` what the real MaCo would send.
        """
        store = f"{KEY_STORE_NAME}: {vouched_by}" if vouched_by else KEY_STORE_NAME
        self._record(
            Handshake(
                Party.MACO,
                session=session,
                role="client",
                succeeded=succeeded,
                version=facts.version,
                cipher=facts.cipher,
                server_name=facts.server_name,
                peer_chain=self.describe(facts.peer_chain),
                verified_against=store if succeeded else "",
                name_checked=name,
                error=cut(facts.error, LONGEST_TEXT),
                verify_code=facts.verify_code,
                alert_sent=facts.alert_sent,
                alert_received=facts.alert_received,
                java_alert=java_alert,
                **self._socket,
            )
        )

    def starttls(self, step: StarttlsStep, detail: str = "") -> None:
        """Report a step of the STARTTLS negotiation."""
        self._record(
            Starttls(
                Party.MACO,
                protocol=self._protocol,
                step=step,
                role="client",
                detail=cut(self._masked(detail), LONGEST_TEXT),
                **self._socket,
            )
        )

    def login(self, user: str, *, succeeded: bool, credentials_sent: bool, in_clear: bool, detail: str = "") -> None:
        """Report a login attempt; ``in_clear`` means without TLS on MaCo's own connection."""
        self._record(
            Login(
                Party.MACO,
                protocol=self._protocol,
                role="client",
                user=user,
                succeeded=succeeded,
                credentials_sent=credentials_sent,
                in_clear=in_clear,
                detail=cut(self._masked(detail), LONGEST_TEXT),
                **self._socket,
            )
        )

    def mail_fetched(self, connection: str, folder: str, uid_validity: int, uid: int, **known: Any) -> None:
        """Report a mail that is in the inbox; ``known`` holds its other fields."""
        self._record(
            MailFetched(
                Party.MACO,
                connection=connection,
                folder=folder,
                uid_validity=uid_validity,
                uid=uid,
                **known,
                **self._socket,
            )
        )

    def poll_finished(self, result: PollResult) -> None:
        """Report how the poll ended."""
        self._record(
            PollFinished(
                Party.MACO,
                connection=result.connection,
                succeeded=result.succeeded,
                stage=result.stage,
                stored=result.stored,
                error=result.error,
                hint=result.hint,
                socks_status=result.socks_status,
                socks_reply=result.socks_reply,
                alert_sent=result.alert_sent,
                alert_received=result.alert_received,
                java_alert=result.java_alert,
                java_text=result.java_text,
                server_answer=result.server_answer,
                duration_ms=result.duration_ms,
                warnings=result.warnings,
                **self._socket,
            )
        )

    def send_finished(self, result: SendResult) -> None:
        """Report what became of a mail that was to be sent."""
        self._record(
            SendFinished(
                Party.MACO,
                connection=result.connection,
                succeeded=result.succeeded,
                outcome=result.outcome,
                stage=result.stage,
                recipients=result.recipients,
                refused=tuple(f"{each.address}: {each.answer}" for each in result.refused),
                message_id=result.message_id,
                size=result.size,
                answer=cut(result.answer, LONGEST_TEXT),
                error=result.error,
                hint=result.hint,
                socks_status=result.socks_status,
                socks_reply=result.socks_reply,
                alert_sent=result.alert_sent,
                alert_received=result.alert_received,
                java_alert=result.java_alert,
                java_text=result.java_text,
                server_answer=result.server_answer,
                duration_ms=result.duration_ms,
                warnings=result.warnings,
                **self._socket,
            )
        )


def _shortened(certificate: CertificateSummary) -> CertificateSummary:
    return dataclasses.replace(
        certificate,
        subject=cut(certificate.subject, LONGEST_TEXT),
        issuer=cut(certificate.issuer, LONGEST_TEXT),
        dns_names=tuple(cut(name, LONGEST_TEXT) for name in certificate.dns_names[:MOST_NAMES]),
    )
