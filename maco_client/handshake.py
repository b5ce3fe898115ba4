"""MaCo's TLS handshake with a mail server, whichever the protocol: shaken, judged, reported, told in Java's words."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

from maco_client.key_store import KeyStore
from maco_client.reporter import Reporter
from maco_client.results import Progress
from maco_client.tls_wording import tls_failed
from maco_net.errors import HandshakeError, HandshakeFacts, PeerAlert
from maco_wire.observation import TlsSession

_T = TypeVar("_T")


class ServerHandshake:
    """The handshake of one session with ``host``; ``progress`` is told which anchor vouched."""

    def __init__(self, host: str, *, key_store: KeyStore, reporter: Reporter, progress: Progress) -> None:
        self._host = host
        self._key_store = key_store
        self._reporter = reporter
        self._progress = progress

    async def shake_hands(
        self,
        stage: Literal["tls", "starttls"],
        kind: TlsSession,
        begin: Callable[[ssl.SSLContext, str], Awaitable[HandshakeFacts]],
    ) -> HandshakeFacts:
        """Hold the server to the key store's profile, before anything is said inside TLS; raises StepFailed."""
        verification = self._key_store.verification()
        try:
            facts = await begin(verification.context, self._host)
            verification.check(facts)
        except HandshakeError as error:
            verdict = verification.java_verdict(error.facts, self._host)
            self._reporter.handshake(
                kind, error.facts, self._host, succeeded=False, java_alert=verdict.alert if verdict else ""
            )
            chain = self._reporter.describe(error.facts.peer_chain)
            raise tls_failed(error.facts, stage, verdict, chain) from error
        self._progress.vouched_by = verification.vouched_by(facts)
        return facts

    async def first_answer(
        self, kind: TlsSession, facts: HandshakeFacts | None, ask: Callable[[], Awaitable[_T]]
    ) -> _T:
        """Return what the server says first inside TLS, and report the handshake only then.

        In TLS 1.3 the server judges the client's certificate (or the lack of one) after the client's own handshake is
        over; its alert comes instead of the first answer. Without ``facts`` there is no TLS, and nothing to report.
        """
        succeeded = True
        try:
            return await ask()
        except PeerAlert as error:
            succeeded = False
            if facts is not None:
                facts = dataclasses.replace(facts, error=str(error), alert_received=error.alert)
            raise
        finally:
            if facts is not None:
                vouched_by = self._progress.vouched_by if succeeded else ""
                self._reporter.handshake(kind, facts, self._host, succeeded=succeeded, vouched_by=vouched_by)
