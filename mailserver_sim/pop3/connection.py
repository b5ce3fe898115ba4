"""One POP3 connection: cut lines, run one command at a time, send the replies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from maco_wire.observation import TlsSession
from mailserver_sim.admission import Admission
from mailserver_sim.credentials import MOST_REFUSED_LOGINS
from mailserver_sim.faults.pop3 import Pop3Faults
from mailserver_sim.imap.connection import ImapServices
from mailserver_sim.imap.transport import ImapTransport
from mailserver_sim.pop3.commands import COMMANDS, run
from mailserver_sim.pop3.maildrop import Maildrop, MaildropLocks
from mailserver_sim.pop3.replies import err, ok
from mailserver_sim.store.errors import StoreError
from mailserver_sim.store.values import INBOX

ResultT = TypeVar("ResultT")

LONGEST_LINE = 12288
"""RFC 5034, section 4: what a client answers to a challenge may be so long; commands are far shorter."""
MOST_UNREAD = 64 * 1024
"""Bytes of further commands that may wait behind a running one (PIPELINING)."""
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Pop3Services(ImapServices):
    """What all POP3 connections of a server share."""

    maildrops: MaildropLocks = field(default_factory=MaildropLocks)


class Pop3Connection(ImapTransport):
    """The session of one client."""

    reported_protocol: ClassVar[Literal["IMAP", "POP3"]] = "POP3"
    tls_sessions: ClassVar[tuple[TlsSession, TlsSession]] = (TlsSession.POP3S, TlsSession.POP3_STLS)

    def __init__(self, services: Pop3Services, admission: Admission, *, implicit_tls: bool) -> None:
        super().__init__(services.settings, services.reporting, services.tls, implicit_tls=implicit_tls)
        self.services = services
        self.named_user = ""
        """What USER said."""
        self.user = ""
        self.maildrop: Maildrop | None = None
        self.faults = Pop3Faults(services.faults, "pop3s" if implicit_tls else "pop3")
        self._admission = admission
        self._received = bytearray()
        self._refused_logins = 0
        self._busy = False
        self._pumping = False
        self._paused = False
        self._line_waiter: Deferred[bytes] | None = None

    # What happens to the connection.

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Count this connection among the server's."""
        self.services.connections.add(self)
        self._admission.admit(self)
        super().connectionMade()

    def ready(self) -> None:
        """Greet; without a timestamp, so there is no APOP, which needs passwords in clear on the server."""
        if self.faults.greets(self):
            return
        self.send(bytes(ok(f"{self.settings.host_name} ready")))

    def plaintext_received(self, data: bytes) -> None:
        """Cut lines and act on them."""
        if self.user and not self.congested:  # who writes and never reads is not at work
            self.resetTimeout()
        self._received += data
        self._pump()

    def writable_again(self) -> None:
        """Take commands again."""
        if self.user:
            self.resetTimeout()
        self._pump()

    def hang_up_in_handshake(self) -> Callable[[], None] | None:
        """Ask the scripted faults."""
        return self.faults.hang_up_in_handshake(self)

    def timeoutConnection(self) -> None:  # noqa: N802 - Twisted's name
        """End without a word and without removing anything (RFC 1939, section 3)."""
        self.end_connection()

    def say_goodbye(self, text: str, code: str = "SYS/TEMP") -> None:
        """Say why, and end the connection; what still comes in is thrown away."""
        if self.ending:
            return
        self.send(bytes(err(text, code if "/" in code else "SYS/TEMP")))
        self.end_connection()

    def connection_ended(self) -> None:
        """Let go of the maildrop, and end the command that waits for a line."""
        self._received.clear()
        self.services.maildrops.release(self.user, self)
        waiter, self._line_waiter = self._line_waiter, None
        if waiter is not None:
            waiter.errback(Failure(ConnectionDone()))

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's name
        """Count this connection no longer."""
        super().connectionLost(reason)
        self.services.connections.discard(self)
        self._admission.leave(self)

    # What commands use.

    @property
    def password_allowed(self) -> bool:
        """Tell whether a password may be sent: under TLS, or to an old server that has no STLS."""
        return self.tls_active or not self.settings.offer_starttls

    @property
    def trailing_bytes(self) -> int:
        """Return how much has come behind the running command."""
        return len(self._received)

    async def wait(self, future: asyncio.Future[ResultT]) -> ResultT:
        """Wait for the store; commands are driven by Twisted, which awaits only its own kind."""
        result: ResultT = await Deferred.fromFuture(future)
        return result

    async def next_line(self) -> bytes:
        """Return the next line as it is, instead of taking it for a command."""
        waiting: Deferred[bytes] = Deferred()
        self._line_waiter = waiting
        self._pump()
        line: bytes = await waiting
        return line

    async def open_maildrop(self, user: str) -> bool:
        """Log in and lock the user's messages; False when another session has them."""
        if not self.services.maildrops.take(user, self):
            return False
        self.user = user
        store = self.services.store
        inbox = await self.wait(store.find_mailbox(user, INBOX))
        self.maildrop = Maildrop(inbox, await self.wait(store.message_table(inbox.id)))
        self.setTimeout(self.settings.idle_timeout_s)
        return True

    def count_refused_login(self) -> None:
        """Take note of a refused login; after some the connection ends."""
        self._refused_logins += 1

    # From bytes to commands.

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._may_act() and (line := self._cut()) is not None:
                self._act_on(line)
        finally:
            self._pumping = False
        self._hold_back()

    def _may_act(self) -> bool:
        return not self.ending and not self.congested and (not self._busy or self._line_waiter is not None)

    def _cut(self) -> bytes | None:
        end = self._received.find(b"\n", 0, LONGEST_LINE)
        if end < 0:
            if len(self._received) >= LONGEST_LINE:
                self.say_goodbye(f"The line is longer than {LONGEST_LINE} bytes", "SYS/PERM")
            return None
        line = bytes(self._received[:end]).removesuffix(b"\r")
        del self._received[: end + 1]
        return line

    def _act_on(self, line: bytes) -> None:
        waiter, self._line_waiter = self._line_waiter, None
        if waiter is not None:
            waiter.callback(line)
            return
        self._busy = True
        self._start(self._carry_out(line))

    def _hold_back(self) -> None:
        """Read no more while nothing can be acted on and more than enough is waiting."""
        full = not self._may_act() and not self.ending and len(self._received) > MOST_UNREAD
        if full != self._paused:
            self._paused = full
            (self.socket.pauseProducing if full else self.socket.resumeProducing)()

    def _start(self, command: Coroutine[Deferred[Any], Any, None]) -> None:
        Deferred.fromCoroutine(command).addBoth(self._command_done)

    def _command_done(self, result: object) -> None:
        self._busy = False
        if isinstance(result, Failure) and result.check(ConnectionDone) is None:
            _log.error("a POP3 command failed through a defect of this program: %s", result.getTraceback())
            self.reports.problem("a POP3 command failed through a defect of this program; see the log")
            self.say_goodbye("Internal error")
        if not self.ending:
            self._pump()

    async def _carry_out(self, line: bytes) -> None:
        word, _, argument = line.partition(b" ")
        name = word.decode("latin-1").upper()
        command = COMMANDS.get(name)
        if command is not None:
            command = self.faults.command(self, name, command)
        try:
            reply = await run(self, command, argument) if command else err("Unknown command")
        except StoreError as error:
            self.reports.problem(str(error))
            reply = err("The mail store failed", "SYS/TEMP")
        if self.ending:
            return
        await self.send_large(bytes(reply))
        if self._refused_logins >= MOST_REFUSED_LOGINS:
            self.say_goodbye("Too many refused logins")
        elif command is not None and command.then is not None and reply.succeeded and not self.ending:
            command.then(self)
