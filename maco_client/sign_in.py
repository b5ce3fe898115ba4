"""From an open connection to a logged-in IMAP session: greeting, TLS as Protection says, LOGIN.

Its rule: nothing that was heard in clear is believed. Capabilities are asked for again inside TLS, a server that is
"pre-authenticated" before STARTTLS is refused where STARTTLS is mandatory, and no credential leaves MaCo before
Protection is satisfied.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from maco_client import wording
from maco_client.failures import CommandRefused, StarttlsInjected
from maco_client.imap import Condition
from maco_client.key_store import KeyStore
from maco_client.reporter import Reporter
from maco_client.results import Progress, Stage
from maco_client.session import ImapSession
from maco_client.settings import EmailConnection, Protection
from maco_client.tls_wording import tls_failed
from maco_net.errors import HandshakeError, HandshakeFacts, PeerAlert
from maco_wire.observation import TlsSession

_T = TypeVar("_T")


class SignIn:
    """Signs a session in for one e-mail connection."""

    def __init__(
        self,
        session: ImapSession,
        connection: EmailConnection,
        *,
        key_store: KeyStore,
        reporter: Reporter,
        progress: Progress,
    ) -> None:
        self._session = session
        self._connection = connection
        self._key_store = key_store
        self._reporter = reporter
        self._progress = progress

    async def run(self) -> None:
        """Take the session up to the login; raises StepFailed or what the session raises."""
        handshake = await self._implicit_tls() if self._connection.protection is Protection.IMAPS else None
        self._progress.stage = "greeting"
        greeting = await self._first_answer(TlsSession.IMAPS, handshake, self._session.read_greeting)
        authenticated = greeting.condition is Condition.PREAUTH
        self._progress.stage = "capability"
        capabilities = await self._session.capability()
        if self._connection.protection in (Protection.STARTTLS_MANDATORY, Protection.STARTTLS_OPTIONAL):
            capabilities = await self._negotiate_starttls(capabilities, authenticated=authenticated)
        if not authenticated:
            await self._login(capabilities)

    async def _implicit_tls(self) -> HandshakeFacts:
        self._progress.stage = "tls"
        return await self._handshake("tls", TlsSession.IMAPS)

    async def _negotiate_starttls(self, capabilities: frozenset[str], *, authenticated: bool) -> frozenset[str]:
        """Return the capabilities that hold from here on."""
        self._progress.stage = "starttls"
        # RFC 3501, section 6.2.1: STARTTLS belongs to the not authenticated state, so PREAUTH rules it out.
        if authenticated or "STARTTLS" not in capabilities:
            self._reporter.starttls("not_offered", "PREAUTH" if authenticated else "")
            if self._connection.protection is Protection.STARTTLS_MANDATORY:
                raise wording.starttls_not_offered(self._connection)
            return capabilities
        await self._ask_for_starttls()
        facts = await self._handshake("starttls", TlsSession.IMAP_STARTTLS)
        self._progress.stage = "capability"
        # Section 6.2.1: "the client MUST discard cached information about server capabilities".
        return await self._first_answer(TlsSession.IMAP_STARTTLS, facts, self._session.capability)

    async def _ask_for_starttls(self) -> None:
        self._reporter.starttls("asked")
        try:
            await self._session.starttls()
        except CommandRefused as error:
            self._reporter.starttls("refused", error.status.line_text)
            raise
        except StarttlsInjected as error:
            self._reporter.starttls("injected", f"{error.count} bytes")
            raise
        self._reporter.starttls("accepted")

    async def _handshake(self, stage: Stage, kind: TlsSession) -> HandshakeFacts:
        context, host = self._key_store.context(), self._connection.server.host
        begin = self._session.begin_tls if kind is TlsSession.IMAPS else self._session.go_on_in_tls
        try:
            facts = await begin(context, host)
        except HandshakeError as error:
            self._reporter.handshake(kind, error.facts, host, succeeded=False)
            chain = self._reporter.describe(error.facts.peer_chain)
            has_anchors = bool(self._key_store.aliases)
            raise tls_failed(error.facts, stage, host, chain, datetime.now(UTC), has_anchors=has_anchors) from error
        self._progress.vouched_by = self._key_store.vouches_for(facts.peer_chain) or ""
        return facts

    async def _first_answer(
        self, kind: TlsSession, facts: HandshakeFacts | None, ask: Callable[[], Awaitable[_T]]
    ) -> _T:
        """Return what the server says first inside TLS, and report the handshake only then.

        In TLS 1.3 the server judges the client's certificate (or the lack of one) after the client's own handshake is
        over; its alert comes instead of the first answer.
        """
        host, succeeded = self._connection.server.host, True
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
                self._reporter.handshake(kind, facts, host, succeeded=succeeded, vouched_by=vouched_by)

    async def _login(self, capabilities: frozenset[str]) -> None:
        self._progress.stage = "login"
        in_clear = not self._session.is_encrypted
        credential = self._connection.credential
        # RFC 3501, section 6.2.3: "a client implementation MUST NOT send a LOGIN command if the LOGINDISABLED
        # capability is advertised."
        if "LOGINDISABLED" in capabilities:
            self._reporter.login(
                credential.user, succeeded=False, credentials_sent=False, in_clear=in_clear, detail="LOGINDISABLED"
            )
            raise wording.no_login_methods(self._connection)
        succeeded, detail = False, ""
        try:
            await self._session.login(credential.user, credential.password)
            succeeded = True
        except CommandRefused as error:
            detail = error.status.line_text
            raise
        finally:
            self._reporter.login(
                credential.user, succeeded=succeeded, credentials_sent=True, in_clear=in_clear, detail=detail
            )
