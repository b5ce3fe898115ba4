"""One poll of one e-mail connection, from dialling to LOGOUT, and what became of it.

Its rule: whatever a peer does wrong ends up in the result, in CPI's words; only the caller's own mistakes and defects
of this program are raised. A poll holds CPI's lock on host, user name and folder: a second one waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from maco_client import wording
from maco_client.dialer import Resolve, as_named, dial
from maco_client.failures import InboxError, SessionError, StepFailed
from maco_client.imap import cut
from maco_client.inbox import Inbox
from maco_client.key_store import KeyStore
from maco_client.reporter import DescribeCertificate, Reporter
from maco_client.results import PollResult, Progress
from maco_client.retrieval import DEFAULT_MAX_MAIL_BYTES, FaultPoint, Retrieval
from maco_client.session import ImapSession
from maco_client.settings import EmailConnection, SocksProxy
from maco_client.sign_in import SignIn
from maco_client.token import TokenSource
from maco_net.errors import NetError
from maco_wire.canary import Canary
from maco_wire.exceptions import RemoteProtocolError
from maco_wire.observation import Record

LONGEST_ERROR = 1_000
"""Characters of a result's ``error``: a mail server may say 64 KiB."""


def _no_fault(_: str) -> None:
    """Go on: nothing is injected outside tests."""


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
        fault_point: FaultPoint = _no_fault,
    ) -> None:
        self._connection = connection
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

    async def poll(self) -> PollResult:
        """Poll once; waits first while another poll of the same host, user name and folder runs."""
        connection = self._connection
        async with self._inbox.poll_lock(connection.server.name, connection.credential.user, connection.folder):
            started = time.monotonic()
            progress = Progress()
            reporter = Reporter(self._record, self._describe, self._canaries)
            failure = await self._attempt(reporter, progress)
            result = self._result(progress, failure, round((time.monotonic() - started) * 1000))
        reporter.poll_finished(result)
        return result

    async def _attempt(self, reporter: Reporter, progress: Progress) -> StepFailed | None:
        """Run the steps and translate what stops them: the one place where errors become words."""
        try:
            await self._run(reporter, progress)
        except (StepFailed, SessionError, NetError, RemoteProtocolError) as error:
            return wording.session_failed(error, progress.stage, self._connection)
        except (InboxError, OSError) as error:
            return wording.machine_failed(error, progress.stage)
        return None

    async def _run(self, reporter: Reporter, progress: Progress) -> None:
        connection = self._connection
        dialled = await dial(
            connection,
            proxy=self._proxy,
            tokens=self._tokens,
            tap=reporter,
            resolve=self._resolve,
            on_socket=reporter.on_socket,
        )
        session = ImapSession(dialled.stream, timeout_s=connection.server.timeout_s, tap=reporter, early=dialled.early)
        try:
            await SignIn(session, connection, key_store=self._key_store, reporter=reporter, progress=progress).run()
            await Retrieval(
                session,
                connection,
                inbox=self._inbox,
                reporter=reporter,
                progress=progress,
                max_mail_bytes=self._max_mail_bytes,
                fault_point=self._fault_point,
            ).run()
        except asyncio.CancelledError:
            session.abort()
            raise
        finally:
            await session.aclose()
        progress.stage = "done"

    def _result(self, progress: Progress, failure: StepFailed | None, duration_ms: int) -> PollResult:
        return PollResult(
            connection=self._connection.name,
            succeeded=failure is None,
            stage=failure.stage if failure else progress.stage,
            stored=progress.stored,
            error=cut(failure.error, LONGEST_ERROR) if failure else "",
            hint=failure.hint if failure else "",
            socks_reply=failure.socks_reply if failure else None,
            mails=tuple(progress.mails),
            duration_ms=duration_ms,
            vouched_by=progress.vouched_by,
        )
