"""From an open connection to a logged-in IMAP session: greeting, TLS as Protection says, LOGIN.

Its rule: nothing that was heard in clear is believed. Capabilities are asked for again inside TLS, a server that is
"pre-authenticated" before STARTTLS is refused, and no credential leaves MaCo before Protection is satisfied
(docs/starttls-hardening.md).
"""

from __future__ import annotations

from maco_client import wording
from maco_client.failures import CommandRefused, StarttlsInjected
from maco_client.handshake import ServerHandshake
from maco_client.imap import Condition
from maco_client.key_store import KeyStore
from maco_client.reporter import Reporter
from maco_client.results import Progress
from maco_client.sasl.choice import NoMechanismError, choose
from maco_client.sasl.exchanges import Exchange
from maco_client.session import ImapSession
from maco_client.settings import EmailConnection, Protection
from maco_net.errors import HandshakeFacts
from maco_wire.observation import TlsSession

AUTH = "AUTH="  # RFC 3501, section 7.2.1: "AUTH=" and the name of a mechanism


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
        self._tls = ServerHandshake(connection.server.host, key_store=key_store, reporter=reporter, progress=progress)
        self._reporter = reporter
        self._progress = progress

    async def run(self) -> None:
        """Take the session up to the login; raises StepFailed or what the session raises."""
        handshake = await self._implicit_tls() if self._connection.protection is Protection.IMAPS else None
        self._progress.stage = "greeting"
        greeting = await self._tls.first_answer(TlsSession.IMAPS, handshake, self._session.read_greeting)
        authenticated = greeting.condition is Condition.PREAUTH
        self._progress.stage = "capability"
        capabilities = await self._session.capability()
        if self._connection.protection in (Protection.STARTTLS_MANDATORY, Protection.STARTTLS_OPTIONAL):
            capabilities = await self._negotiate_starttls(capabilities, authenticated=authenticated)
        if not authenticated:
            await self._login(capabilities)

    async def _implicit_tls(self) -> HandshakeFacts:
        self._progress.stage = "tls"
        return await self._tls.shake_hands("tls", TlsSession.IMAPS, self._session.begin_tls)

    async def _negotiate_starttls(self, capabilities: frozenset[str], *, authenticated: bool) -> frozenset[str]:
        """Return the capabilities that hold from here on."""
        self._progress.stage = "starttls"
        if authenticated:
            self._reporter.starttls("not_offered", "PREAUTH")
            raise wording.preauthenticated(self._connection)
        if "STARTTLS" not in capabilities:
            self._reporter.starttls("not_offered")
            if self._connection.protection is Protection.STARTTLS_MANDATORY:
                raise wording.starttls_not_offered(self._connection)
            return capabilities
        await self._ask_for_starttls()
        facts = await self._tls.shake_hands("starttls", TlsSession.IMAP_STARTTLS, self._session.go_on_in_tls)
        self._progress.stage = "capability"
        # Section 6.2.1: "the client MUST discard cached information about server capabilities".
        return await self._tls.first_answer(TlsSession.IMAP_STARTTLS, facts, self._session.capability)

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

    async def _login(self, capabilities: frozenset[str]) -> None:
        self._progress.stage = "login"
        in_clear = not self._session.is_encrypted
        user = self._connection.credential.user
        mechanisms = {each.removeprefix(AUTH) for each in capabilities if each.startswith(AUTH)}
        try:
            # RFC 3501, section 6.2.3: "a client implementation MUST NOT send a LOGIN command if the LOGINDISABLED
            # capability is advertised."
            exchange = choose(self._connection, mechanisms, login_command="LOGINDISABLED" not in capabilities)
        except NoMechanismError as error:
            detail = "LOGINDISABLED" if "LOGINDISABLED" in capabilities else str(error)
            self._reporter.login(user, succeeded=False, credentials_sent=False, in_clear=in_clear, detail=detail)
            raise wording.no_login_methods(self._connection, error.wanted) from error
        succeeded, detail = False, "" if exchange is None else exchange.detail
        try:
            await self._prove(exchange, has_initial_response="SASL-IR" in capabilities)
            succeeded = True
        except CommandRefused as error:
            detail = error.status.line_text
            raise
        finally:
            sent = self._session.secret_written
            self._reporter.login(user, succeeded=succeeded, credentials_sent=sent, in_clear=in_clear, detail=detail)

    async def _prove(self, exchange: Exchange | None, *, has_initial_response: bool) -> None:
        credential = self._connection.credential
        if exchange is None:
            await self._session.login(credential.user, credential.password)
            return
        # JavaMail uses an initial response for OAuth2 alone; PLAIN waits to be asked.
        initial_response = has_initial_response and credential.is_oauth2
        await self._session.authenticate(exchange, initial_response=initial_response)
