"""The transport protocols by which mail is read, as a poll needs them: to sign in, to fetch, and to go.

A poll knows nothing else of what is spoken. Whoever adds a protocol adds a ``MailSession`` and a row of ``TRANSPORTS``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, Protocol, TypeAlias

from maco_client import wording
from maco_client.dialer import Dialled
from maco_client.errand import Errand
from maco_client.failures import SessionError, StepFailed
from maco_client.mail_stream import MailStream, Tap
from maco_client.pop3 import wording as pop3_wording
from maco_client.pop3.retrieval import Pop3Retrieval
from maco_client.pop3.session import Pop3Session
from maco_client.pop3.sign_in import Pop3SignIn
from maco_client.retrieval import Retrieval
from maco_client.session import ImapSession
from maco_client.settings import EmailConnection, TransportProtocol
from maco_client.sign_in import SignIn
from maco_net.errors import NetError
from maco_wire.exceptions import RemoteProtocolError

Ended: TypeAlias = StepFailed | SessionError | NetError | RemoteProtocolError
"""What ends a session before its time."""


class Retrieves(Protocol):
    """Fetches the mails of one poll."""

    async def run(self) -> None:
        """Fetch; raises StepFailed or what the session raises."""

    def require_all_taken(self) -> None:
        """Raise StepFailed if mails stay on the server that should not."""


class MailSession(ABC):
    """One session with a mail server; ``stream`` is the connection that it goes over."""

    stream: MailStream

    @abstractmethod
    async def sign_in(self, errand: Errand) -> None:
        """Take the session up to the login; raises StepFailed or what the session raises."""

    @abstractmethod
    def retrieval(self, errand: Errand) -> Retrieves:
        """Return what fetches over the session that is signed in."""

    @abstractmethod
    async def noop(self) -> None:
        """Ask whether the server is still there."""

    @abstractmethod
    async def logout(self) -> None:
        """Say goodbye."""


class _Imap(MailSession):
    def __init__(self, dialled: Dialled, timeout_s: float, tap: Tap) -> None:
        self.stream = self._session = ImapSession(dialled.stream, timeout_s=timeout_s, tap=tap, early=dialled.early)

    async def sign_in(self, errand: Errand) -> None:
        await SignIn(
            self._session,
            errand.connection,
            key_store=errand.key_store,
            reporter=errand.reporter,
            progress=errand.progress,
        ).run()

    def retrieval(self, errand: Errand) -> Retrieves:
        return Retrieval(self._session, errand)

    async def noop(self) -> None:
        await self._session.noop()

    async def logout(self) -> None:
        await self._session.logout()


class _Pop3(MailSession):
    def __init__(self, dialled: Dialled, timeout_s: float, tap: Tap) -> None:
        self.stream = self._session = Pop3Session(dialled.stream, timeout_s=timeout_s, tap=tap, early=dialled.early)

    async def sign_in(self, errand: Errand) -> None:
        await Pop3SignIn(self._session, errand).run()

    def retrieval(self, errand: Errand) -> Retrieves:
        return Pop3Retrieval(self._session, errand)

    async def noop(self) -> None:
        await self._session.noop()

    async def logout(self) -> None:
        await self._session.logout()


@dataclass(frozen=True, slots=True)
class Transport:
    """A transport protocol.

    ``reported`` is its name in observations, ``outlives_poll`` whether a session is of use to the next poll, and
    ``failed`` puts what ended a session at a stage into the product's words.
    """

    reported: Literal["IMAP", "POP3"]
    session: Callable[[Dialled, float, Tap], MailSession]
    outlives_poll: bool
    failed: Callable[[Ended, str, EmailConnection], StepFailed]


TRANSPORTS: Mapping[TransportProtocol, Transport] = MappingProxyType(
    {
        TransportProtocol.IMAP4: Transport("IMAP", _Imap, outlives_poll=True, failed=wording.session_failed),
        # RFC 1939, section 6: what is marked goes when the session ends, and a session sees nothing that came later.
        TransportProtocol.POP3: Transport("POP3", _Pop3, outlives_poll=False, failed=pop3_wording.session_failed),
    }
)
