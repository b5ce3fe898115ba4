"""One poll of one e-mail connection, from dialling to the goodbye, and what became of it.

Its rule: whatever a peer does wrong ends up in the result, in CPI's words; only the caller's own mistakes and defects
of this program are raised. A poll holds CPI's lock on host, user name and folder, and ends when its Lock Timeout does,
so that two polls never deal with the same mail. Without Automatically Disconnect the session stays for the next poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from maco_client import wording
from maco_client.batches import DEFAULT_MAX_MAIL_BYTES
from maco_client.dialer import Resolve, as_named, dial
from maco_client.errand import Errand
from maco_client.failures import NOTHING_SEEN, InboxError, PollLocked, SessionError, StepFailed
from maco_client.fault_points import FaultPoint, no_fault
from maco_client.imap import cut
from maco_client.inbox import Inbox
from maco_client.inbox_tables.locks import LockPlace
from maco_client.key_store import KeyStore
from maco_client.masking import masking
from maco_client.reporter import DescribeCertificate, Reporter
from maco_client.results import PollResult, Progress
from maco_client.settings import EmailConnection, SocksProxy, traps
from maco_client.token import TokenSource
from maco_client.transports import TRANSPORTS, MailSession
from maco_net.errors import NetError
from maco_wire.canary import Canary
from maco_wire.exceptions import RemoteProtocolError
from maco_wire.observation import Record

SECONDS_PER_MINUTE = 60.0
LONGEST_ERROR = 1_000
"""Characters of a result's ``error``: a mail server may say 64 KiB."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A session that stays open between polls, and the anchor that ended the path of the server's certificate."""

    session: MailSession
    vouched_by: str


class Poller:
    """Polls one e-mail connection.

    ``proxy`` and ``tokens`` serve Proxy Type On-Premise; ``resolve`` says where internet hosts really are. Mails above
    ``max_mail_bytes`` stay on the server and make the poll fail after everything else was fetched.
    """

    def __init__(
        self,
        connection: EmailConnection,
        *,
        proxy: SocksProxy | None,
        tokens: TokenSource | None,
        key_store: KeyStore,
        inbox: Inbox,
        record: Record,
        describe_certificate: DescribeCertificate,
        canaries: Iterable[Canary] = (),
        resolve: Resolve = as_named,
        max_mail_bytes: int = DEFAULT_MAX_MAIL_BYTES,
        fault_point: FaultPoint = no_fault,
    ) -> None:
        self._connection = connection
        self._masked = masking(connection.credential, connection.server)
        self._proxy = proxy
        self._tokens = tokens
        self._key_store = key_store
        self._inbox = inbox
        self._record = record
        self._describe = describe_certificate
        self._canaries = tuple(canaries)
        self._resolve = resolve
        self._max_mail_bytes = max_mail_bytes
        self._fault_point = fault_point
        self._kept: _Kept | None = None
        self.progress: Progress | None = None
        """How far a poll that runs has got; None while none runs."""
        self._transport = TRANSPORTS[connection.transport_protocol]
        self._keeps_sessions = self._transport.outlives_poll and not connection.automatically_disconnect

    async def aclose(self) -> None:
        """Close the session that was kept for the next poll, if there is one, and keep none any more."""
        self._keeps_sessions = False
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept.session.stream.aclose()

    async def poll(self) -> PollResult:
        """Poll once; waits first while another poll of the same host, user name and folder runs."""
        progress = self.progress = Progress()
        reporter = Reporter(self._record, self._describe, self._canaries, self._transport.reported, masked=self._masked)
        try:
            failure = await self._attempt(reporter, progress)
        finally:
            self.progress = None
        result = self._result(progress, failure)
        reporter.poll_finished(result)
        return result

    async def _attempt(self, reporter: Reporter, progress: Progress) -> StepFailed | None:
        """Run the steps and translate what stops them: the one place where errors become words."""
        try:
            await self._in_lock(reporter, progress)
        except PollLocked as error:
            return wording.poll_locked(error, self._connection)
        except (StepFailed, SessionError, NetError, RemoteProtocolError) as error:
            return self._transport.failed(error, progress.stage, self._connection)
        except (InboxError, OSError) as error:
            return wording.machine_failed(error, progress.stage)
        return None

    async def _in_lock(self, reporter: Reporter, progress: Progress) -> None:
        connection = self._connection
        place = LockPlace(connection.server.host, connection.credential.user, connection.folder)
        seconds = connection.lock_timeout_min * SECONDS_PER_MINUTE
        async with self._inbox.poll_lock(place, seconds) as lock:
            progress.begin()
            self._fault_point("locked")
            try:
                async with asyncio.timeout(seconds) as limit:
                    await self._run(self._errand(lock, reporter, progress))
            except TimeoutError:
                if limit.expired():
                    raise wording.lock_lost(connection) from None
                raise

    def _errand(self, lock: str, reporter: Reporter, progress: Progress) -> Errand:
        return Errand(
            connection=self._connection,
            key_store=self._key_store,
            inbox=self._inbox,
            lock=lock,
            reporter=reporter,
            progress=progress,
            max_mail_bytes=self._max_mail_bytes,
            fault_point=self._fault_point,
        )

    async def _run(self, errand: Errand) -> None:
        session, progress = await self._signed_in(errand), errand.progress
        retrieval = session.retrieval(errand)
        async with _closed_on_failure(session):
            await retrieval.run()
            if self._keeps_sessions:
                self._kept = _Kept(session, progress.vouched_by)
            else:
                await session.logout()
                await session.stream.aclose()
        retrieval.require_all_taken()
        progress.stage = "done"

    async def _signed_in(self, errand: Errand) -> MailSession:
        """Return the session that was kept if it still lives, else a new one."""
        reporter = errand.reporter
        kept, self._kept = self._kept, None
        if kept is not None and await _still_lives(kept.session, reporter):
            errand.progress.vouched_by = kept.vouched_by
            return kept.session
        server = errand.connection.server
        dialled = await dial(
            server,
            proxy=self._proxy,
            tokens=self._tokens,
            tap=reporter,
            resolve=self._resolve,
            on_socket=reporter.on_socket,
        )
        session = self._transport.session(dialled, server.timeout_s, reporter)
        async with _closed_on_failure(session):
            await session.sign_in(errand)
        return session

    def _result(self, progress: Progress, failure: StepFailed | None) -> PollResult:
        seen = failure.evidence if failure else NOTHING_SEEN
        return PollResult(
            connection=self._connection.name,
            succeeded=failure is None,
            stage=failure.stage if failure else progress.stage,
            stored=progress.stored,
            error=cut(self._masked(failure.error), LONGEST_ERROR) if failure else "",
            hint=failure.hint if failure else "",
            socks_status=seen.socks_status,
            socks_reply=seen.socks_reply,
            alert_sent=seen.alert_sent,
            alert_received=seen.alert_received,
            java_alert=seen.java_alert,
            java_text=cut(self._masked(seen.java_text), LONGEST_ERROR),
            server_answer=cut(self._masked(seen.server_answer), LONGEST_ERROR),
            mails=tuple(progress.mails),
            duration_ms=progress.duration_ms,
            vouched_by=progress.vouched_by,
            warnings=tuple(traps(self._connection)),
        )


@asynccontextmanager
async def _closed_on_failure(session: MailSession) -> AsyncIterator[None]:
    """Leave the session open only if the block succeeds; cut it when the poll is cancelled."""
    try:
        yield
    except asyncio.CancelledError:
        session.stream.abort()
        raise
    except BaseException:
        await session.stream.aclose()
        raise


async def _still_lives(session: MailSession, reporter: Reporter) -> bool:
    """Ask as JavaMail does, by NOOP; a session that does not answer is closed."""
    session.stream.tap = reporter
    reporter.goes_on(*session.stream.addresses)
    try:
        async with _closed_on_failure(session):
            await session.noop()
    except (SessionError, NetError, RemoteProtocolError):
        return False
    return True
