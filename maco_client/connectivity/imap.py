"""The IMAP connectivity test: the steps of a poll up to the login, and what the mailbox holds; nothing is fetched."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from maco_client import wording
from maco_client.connectivity.unverified import UnverifyingKeyStore
from maco_client.dialer import dial
from maco_client.failures import SessionError, StepFailed
from maco_client.key_store import KeyStore
from maco_client.masking import Masked, masking
from maco_client.reach import Reach
from maco_client.reporter import Reporter
from maco_client.results import Progress
from maco_client.session import ImapSession
from maco_client.settings import EmailConnection
from maco_client.sign_in import SignIn
from maco_net.errors import HandshakeFacts, NetError
from maco_wire.exceptions import RemoteProtocolError
from maco_wire.observation import TlsSession

MOST_FOLDERS = 1_000


@dataclass(frozen=True, slots=True)
class MailboxContent:
    """How many mails a folder holds, and how many of them are unread."""

    folder: str
    total: int
    unread: int


@dataclass(frozen=True, slots=True)
class ImapCheck:
    """What the test came to; ``chain`` is what the mail server sent (DER, leaf first), empty without TLS by MaCo."""

    succeeded: bool
    stage: str
    error: str = ""
    hint: str = ""
    java_text: str = ""
    tls_version: str = ""
    cipher: str = ""
    vouched_by: str = ""
    chain: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    folders: tuple[str, ...] = ()
    content: MailboxContent | None = None
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is tested: the way to log in, whether certificates count, and which folder to look into (empty: none)."""

    connection: EmailConnection
    validate_certificate: bool = True
    list_folders: bool = False
    folder: str = ""


async def check_imap(wanted: Wanted, reach: Reach, key_store: KeyStore) -> ImapCheck:
    """Run the test. What a peer does wrong ends up in the result, in the words of a poll."""
    began = time.monotonic()
    progress = Progress(stage="dial")
    masked = masking(wanted.connection.credential, wanted.connection.server)
    reporter = _ChainReporter(reach, masked)
    found = ImapCheck(succeeded=False, stage="")
    try:
        found = await _run(wanted, reach, _asked(wanted, key_store), reporter, progress)
    except (StepFailed, SessionError, NetError, RemoteProtocolError) as error:
        failure = wording.session_failed(error, progress.stage, wanted.connection)
        found = ImapCheck(
            succeeded=False,
            stage=failure.stage,
            error=masked(failure.error),
            hint=failure.hint,
            # Of a folder it is what a poll would log: the product's test tool is none.
            java_text=failure.evidence.java_text if progress.stage in ("starttls", "tls") else "",
        )
    return dataclasses.replace(
        found,
        tls_version=reporter.facts.version if reporter.facts else "",
        cipher=reporter.facts.cipher if reporter.facts else "",
        chain=reporter.facts.peer_chain if reporter.facts else (),
        vouched_by=progress.vouched_by,
        duration_ms=round((time.monotonic() - began) * 1000),
    )


def _asked(wanted: Wanted, key_store: KeyStore) -> KeyStore:
    return key_store if wanted.validate_certificate else UnverifyingKeyStore({})


async def _run(wanted: Wanted, reach: Reach, key_store: KeyStore, reporter: Reporter, progress: Progress) -> ImapCheck:
    connection = wanted.connection
    dialled = await dial(
        connection.server, proxy=reach.proxy, tokens=reach.tokens, tap=reporter, on_socket=reporter.on_socket
    )
    session = ImapSession(dialled.stream, timeout_s=connection.server.timeout_s, tap=reporter, early=dialled.early)
    try:
        await SignIn(session, connection, key_store=key_store, reporter=reporter, progress=progress).run()
        folders = await _folders(session, progress) if wanted.list_folders else ()
        content = await _content(session, wanted.folder, progress) if wanted.folder else None
        progress.stage = "logout"
        await session.logout()
    except asyncio.CancelledError:
        session.abort()
        raise
    finally:
        await session.aclose()
    return ImapCheck(succeeded=True, stage="done", folders=folders, content=content)


async def _folders(session: ImapSession, progress: Progress) -> tuple[str, ...]:
    progress.stage = "folder"
    return tuple(sorted(each.mailbox for each in await session.list_folders("*"))[:MOST_FOLDERS])


async def _content(session: ImapSession, folder: str, progress: Progress) -> MailboxContent:
    """Count by EXAMINE, which leaves every flag as it is (RFC 3501, section 6.3.2)."""
    progress.stage = "select"
    opened = await session.examine(folder)
    progress.stage = "search"
    unread = await session.uid_search("UNSEEN", opened.exists) if opened.exists else ()
    return MailboxContent(folder, opened.exists, len(unread))


class _ChainReporter(Reporter):
    """Reports as a poll does, and keeps what was seen of the handshake."""

    def __init__(self, reach: Reach, masked: Masked) -> None:
        super().__init__(reach.record, reach.describe_certificate, reach.canaries, masked=masked)
        self.facts: HandshakeFacts | None = None

    def handshake(self, session: TlsSession, facts: HandshakeFacts, name: str, **more: Any) -> None:
        """See Reporter."""
        self.facts = facts
        super().handshake(session, facts, name, **more)
