"""From an open connection to a logged-in POP3 session: greeting, TLS as Protection says, USER and PASS or SASL.

Its rule is that of IMAP's ``sign_in``: nothing that was heard in clear is believed. Capabilities are asked for again
inside TLS, and no credential leaves MaCo before Protection is satisfied (docs/starttls-hardening.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from maco_client.errand import Errand
from maco_client.failures import StarttlsInjected, StepFailed
from maco_client.handshake import ServerHandshake
from maco_client.pop3 import wording
from maco_client.pop3.session import Pop3Session, ReplyRefused
from maco_client.sasl.choice import NoMechanismError, choose_for_pop3
from maco_client.sasl.exchanges import Exchange
from maco_client.settings import Protection
from maco_net.errors import HandshakeFacts
from maco_wire.observation import TlsSession

Capabilities: TypeAlias = Mapping[str, tuple[str, ...]] | None
"""What CAPA told; None where the server does not know CAPA."""


class Pop3SignIn:
    """Signs a session in for one poll."""

    def __init__(self, session: Pop3Session, errand: Errand) -> None:
        self._session = session
        self._connection = errand.connection
        self._reporter = errand.reporter
        self._progress = errand.progress
        self._tls = ServerHandshake(
            errand.connection.server.host,
            key_store=errand.key_store,
            reporter=errand.reporter,
            progress=errand.progress,
        )

    async def run(self) -> None:
        """Take the session up to the login; raises StepFailed or what the session raises."""
        handshake = await self._implicit_tls() if self._connection.protection is Protection.POP3S else None
        self._progress.stage = "greeting"
        await self._tls.first_answer(TlsSession.POP3S, handshake, self._session.read_greeting)
        self._progress.stage = "capability"
        capabilities: Capabilities = await self._session.capa()
        if self._connection.protection.is_starttls:
            capabilities = await self._negotiate_stls(capabilities)
        await self._login(capabilities)

    async def _implicit_tls(self) -> HandshakeFacts:
        self._progress.stage = "tls"
        return await self._tls.shake_hands("tls", TlsSession.POP3S, self._session.begin_tls)

    async def _negotiate_stls(self, capabilities: Capabilities) -> Capabilities:
        """Return the capabilities that hold from here on."""
        self._progress.stage = "starttls"
        if "STLS" not in (capabilities or ()):
            self._reporter.starttls("not_offered")
            if self._connection.protection is Protection.STARTTLS_MANDATORY:
                raise wording.stls_not_offered(self._connection)
            return capabilities
        await self._ask_for_stls()
        try:
            facts = await self._tls.shake_hands("starttls", TlsSession.POP3_STLS, self._session.go_on_in_tls)
        except StepFailed as error:
            raise wording.tls_failed(error) from error
        self._progress.stage = "capability"
        # RFC 2595, section 4: "the client MUST discard cached information about server capabilities".
        return await self._tls.first_answer(TlsSession.POP3_STLS, facts, self._session.capa)

    async def _ask_for_stls(self) -> None:
        self._reporter.starttls("asked")
        try:
            await self._session.stls()
        except ReplyRefused as error:
            self._reporter.starttls("refused", error.reply.text)
            raise
        except StarttlsInjected as error:
            self._reporter.starttls("injected", f"{error.count} bytes")
            raise
        self._reporter.starttls("accepted")

    async def _login(self, capabilities: Capabilities) -> None:
        self._progress.stage = "login"
        in_clear = not self._session.is_encrypted
        user = self._connection.credential.user
        # RFC 2449, section 6.3: CAPA names USER where there is USER. Who does not know CAPA has nothing else.
        user_command = capabilities is None or "USER" in capabilities
        mechanisms = () if capabilities is None else capabilities.get("SASL", ())
        try:
            exchange = choose_for_pop3(self._connection, mechanisms, user_command=user_command)
        except NoMechanismError as error:
            self._reporter.login(user, succeeded=False, credentials_sent=False, in_clear=in_clear, detail=str(error))
            raise wording.no_login_methods(self._connection, error.wanted) from error
        succeeded, detail = False, "" if exchange is None else exchange.detail
        try:
            await self._prove(exchange)
            succeeded = True
        except ReplyRefused as error:
            detail = error.reply.text
            raise
        finally:
            sent = self._session.secret_written
            self._reporter.login(user, succeeded=succeeded, credentials_sent=sent, in_clear=in_clear, detail=detail)

    async def _prove(self, exchange: Exchange | None) -> None:
        if exchange is not None:
            await self._session.authenticate(exchange)
            return
        credential = self._connection.credential
        await self._session.login(credential.user, credential.password)
