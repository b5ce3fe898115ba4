"""Send one mail, from dialling to QUIT, by the same ways, checks and reports as mails are read.

Its rule is that of a poll: whatever a peer does wrong ends up in the result, in JavaMail's words; only the caller's own
mistakes are raised. As in JavaMail one recipient that is refused keeps the mail from all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

from maco_client.dialer import Resolve, as_named, dial
from maco_client.failures import NOTHING_SEEN, SessionError, StarttlsInjected, StepFailed
from maco_client.handshake import ServerHandshake
from maco_client.imap import cut
from maco_client.key_store import KeyStore
from maco_client.masking import masking
from maco_client.reporter import LONGEST_TEXT, DescribeCertificate, Reporter
from maco_client.results import Progress
from maco_client.sasl.choice import NoMechanismError, choose_for_smtp
from maco_client.settings import Credential, SocksProxy
from maco_client.smtp import wording
from maco_client.smtp.choices import SendingProtection
from maco_client.smtp.message import OutgoingMail
from maco_client.smtp.replies import Reply
from maco_client.smtp.results import RefusedRecipient, SendResult
from maco_client.smtp.session import READY, ReplyRefused, SmtpSession
from maco_client.smtp.settings import SendingConnection
from maco_client.smtp.traps import sending_traps
from maco_client.token import TokenSource
from maco_net.errors import HandshakeFacts, NetError
from maco_wire.canary import Canary
from maco_wire.exceptions import RemoteProtocolError
from maco_wire.observation import Record, TlsSession

SERVICE_ENDS = 421  # RFC 5321, section 4.2.3: "Service not available, closing transmission channel"


class MailSender:
    """Sends mails by one connection; ``proxy`` and ``tokens`` serve Proxy Type On-Premise."""

    def __init__(
        self,
        connection: SendingConnection,
        *,
        proxy: SocksProxy | None,
        tokens: TokenSource | None,
        key_store: KeyStore,
        record: Record,
        describe_certificate: DescribeCertificate,
        canaries: Iterable[Canary] = (),
        resolve: Resolve = as_named,
    ) -> None:
        self._connection = connection
        self._proxy = proxy
        self._tokens = tokens
        self._key_store = key_store
        self._record = record
        self._describe = describe_certificate
        self._canaries = tuple(canaries)
        self._resolve = resolve

    async def send(self, mail: OutgoingMail) -> SendResult:
        """Send one mail, and report what became of it, even when it is broken off."""
        reporter = Reporter(self._record, self._describe, self._canaries, "SMTP")
        attempt = _Attempt(self._connection, self._key_store, reporter)
        started = time.monotonic()
        failure: StepFailed | None = None
        try:
            await self._run(attempt, reporter, mail)
        except (StepFailed, SessionError, NetError, RemoteProtocolError) as error:
            failure = wording.session_failed(error, attempt.stage, in_clear=attempt.hears_in_clear)
        except asyncio.CancelledError:
            failure = wording.broken_off(attempt.stage)
            raise
        finally:
            result = self._result(attempt, mail, failure, time.monotonic() - started)
            reporter.send_finished(result)
        return result

    def _result(self, attempt: _Attempt, mail: OutgoingMail, failure: StepFailed | None, seconds: float) -> SendResult:
        if attempt.receipt is not None:  # what goes wrong behind it, in QUIT, is of no account
            failure = None
        evidence, masked = failure.evidence if failure else NOTHING_SEEN, attempt.masked
        return SendResult(
            connection=self._connection.name,
            succeeded=failure is None,
            outcome="sent" if failure is None else "unknown" if attempt.is_unanswered else "not sent",
            stage=failure.stage if failure else "done",
            answer=masked(attempt.receipt.text) if attempt.receipt else "",
            error=masked(failure.error) if failure else "",
            hint=failure.hint if failure else "",
            recipients=mail.recipients,
            refused=tuple(attempt.refused),
            message_id=mail.message_id,
            size=len(mail.message),
            socks_status=evidence.socks_status,
            socks_reply=evidence.socks_reply,
            alert_sent=evidence.alert_sent,
            alert_received=evidence.alert_received,
            java_alert=evidence.java_alert,
            java_text=evidence.java_text,
            server_answer=masked(evidence.server_answer),
            vouched_by=attempt.progress.vouched_by,
            duration_ms=round(seconds * 1000),
            warnings=tuple(sending_traps(self._connection)),
        )

    async def _run(self, attempt: _Attempt, reporter: Reporter, mail: OutgoingMail) -> None:
        server = self._connection.server
        dialled = await dial(
            server,
            proxy=self._proxy,
            tokens=self._tokens,
            tap=reporter,
            resolve=self._resolve,
            on_socket=reporter.on_socket,
        )
        session = SmtpSession(
            dialled.stream, timeout_s=server.timeout_s, tap=reporter, masked=attempt.masked, early=dialled.early
        )
        try:
            await attempt.run(session, mail)
        except asyncio.CancelledError:
            session.abort()
            raise
        finally:
            await session.aclose()


class _Attempt:
    """One dialogue; ``stage`` is how far it has got."""

    def __init__(self, connection: SendingConnection, key_store: KeyStore, reporter: Reporter) -> None:
        self.stage = "dial"
        self.progress = Progress()
        self.refused: list[RefusedRecipient] = []
        self.is_unanswered = False
        self.receipt: Reply | None = None
        """What the server said when it took the mail: from then on nothing keeps it from being sent."""
        self.hears_in_clear = connection.protection.is_starttls
        """Whether TLS is to come: what the server says till then can be anybody's."""
        self._connection = connection
        self._reporter = reporter
        self.masked = masking(connection.credential, connection.server)
        self._tls = ServerHandshake(
            connection.server.host, key_store=key_store, reporter=reporter, progress=self.progress
        )

    async def run(self, session: SmtpSession, mail: OutgoingMail) -> None:
        """Go all the way, up to QUIT."""
        extensions = await self._greet(session)
        if self._connection.credential is not None:
            await self._login(session, self._connection.credential, extensions)
        self.stage = "sender"
        await session.mail_from(mail.sender, *self._parameters(mail, extensions))
        self.stage = "recipients"
        await self._name_recipients(session, mail.recipients)
        self.stage = "data"
        await session.begin_data()
        self.stage = "content"
        await session.send_content(mail.message)
        self.stage = "receipt"
        self.is_unanswered = True
        try:
            self.receipt = await session.end_data()
        except ReplyRefused:
            self.is_unanswered = False
            raise
        self.stage = "done"
        await session.quit()

    def _parameters(self, mail: OutgoingMail, extensions: Mapping[str, tuple[str, ...]]) -> list[str]:
        """Return what MAIL says of the mail; raises StepFailed for one that this server must not be given."""
        parameters = []
        for is_needed, extension, parameter in (
            (mail.needs_8bitmime, "8BITMIME", "BODY=8BITMIME"),  # RFC 6152, section 3
            (mail.needs_smtputf8, "SMTPUTF8", "SMTPUTF8"),  # RFC 6531, section 3.4
        ):
            if is_needed:
                if extension not in extensions:
                    raise wording.extension_missing(extension)
                parameters.append(parameter)
        return parameters

    async def _name_recipients(self, session: SmtpSession, recipients: Sequence[str]) -> None:
        """Name everybody; one who is refused keeps the mail from all, but each refusal is told."""
        for each in recipients:
            try:
                await session.rcpt_to(each)
            except ReplyRefused as error:
                answer = cut(error.reply.text, LONGEST_TEXT)
                self.refused.append(RefusedRecipient(each, answer))
                if error.reply.code == SERVICE_ENDS:
                    break
        if self.refused:
            await session.quit()
            raise wording.recipients_refused(self.refused)

    async def _greet(self, session: SmtpSession) -> dict[str, tuple[str, ...]]:
        """Return the extensions that hold from here on, inside TLS where there is TLS."""
        facts = None
        if self._connection.protection is SendingProtection.SMTPS:
            facts = await self._handshake("tls", TlsSession.SMTPS, session)
        self.stage = "greeting"
        greeting = await self._tls.first_answer(TlsSession.SMTPS, facts, session.read_greeting)
        if greeting.code != READY:
            raise wording.bad_greeting(self.masked(greeting.text), in_clear=self.hears_in_clear)
        self.stage = "ehlo"
        extensions = await session.ehlo()
        if self._connection.protection.is_starttls:
            return await self._starttls(session, extensions)
        return extensions

    async def _starttls(
        self, session: SmtpSession, extensions: dict[str, tuple[str, ...]]
    ) -> dict[str, tuple[str, ...]]:
        self.stage = "starttls"
        if "STARTTLS" not in extensions:
            self._reporter.starttls("not_offered")
            if self._connection.protection is SendingProtection.STARTTLS_MANDATORY:
                raise wording.starttls_not_offered()
            return extensions
        self._reporter.starttls("asked")
        try:
            await session.starttls()
        except ReplyRefused as error:
            self._reporter.starttls("refused", error.reply.text)
            raise
        except StarttlsInjected as error:
            self._reporter.starttls("injected", f"{error.count} bytes")
            raise
        self._reporter.starttls("accepted")
        facts = await self._handshake("starttls", TlsSession.SMTP_STARTTLS, session)
        self.hears_in_clear = False
        self.stage = "ehlo"
        # RFC 3207, section 4.2: "The client MUST discard any knowledge obtained from the server".
        return await self._tls.first_answer(TlsSession.SMTP_STARTTLS, facts, session.ehlo)

    async def _handshake(self, stage: str, kind: TlsSession, session: SmtpSession) -> HandshakeFacts:
        self.stage = stage
        try:
            return await self._tls.shake_hands("starttls" if stage == "starttls" else "tls", kind, session.begin_tls)
        except StepFailed as error:
            raise wording.tls_failed(error, self._connection.server) from error

    async def _login(
        self, session: SmtpSession, credential: Credential, extensions: dict[str, tuple[str, ...]]
    ) -> None:
        self.stage = "login"
        in_clear = not session.is_encrypted
        try:
            exchange = choose_for_smtp(self._connection, credential, extensions.get("AUTH", ()))
        except NoMechanismError as error:
            self._reporter.login(
                credential.user, succeeded=False, credentials_sent=False, in_clear=in_clear, detail=str(error)
            )
            raise wording.no_mechanism(error) from error
        succeeded, detail = False, exchange.detail
        try:
            await session.authenticate(exchange)
            succeeded = True
        except ReplyRefused as error:
            detail = error.reply.text
            raise
        finally:
            self._reporter.login(
                credential.user,
                succeeded=succeeded,
                credentials_sent=session.secret_written,
                in_clear=in_clear,
                detail=detail,
            )
