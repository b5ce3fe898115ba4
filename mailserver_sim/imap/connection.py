"""One IMAP connection: feed the reader, run one command at a time, send the answers."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from mailserver_sim.admission import Admission
from mailserver_sim.credentials import MOST_REFUSED_LOGINS, Credentials
from mailserver_sim.imap.answers import Answer, bad, no, refusal
from mailserver_sim.imap.command import Command, State
from mailserver_sim.imap.commands import COMMANDS, UID_COMMANDS
from mailserver_sim.imap.reader import CommandReader, CommandReceived, LineReceived, LineTooLong, LiteralAnnounced, Part
from mailserver_sim.imap.tls import ServerTls
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.transport import ImapTransport
from mailserver_sim.imap.view import SelectedView
from mailserver_sim.open_connections import OpenConnections
from mailserver_sim.reports import Reporting
from mailserver_sim.settings import MailServerSettings
from mailserver_sim.store.errors import MailboxError, StoreError
from mailserver_sim.store.store import Store
from mailserver_sim.store.values import Change, Content, Listener

ResultT = TypeVar("ResultT")

MOST_UNREAD = 256 * 1024
"""Bytes of further commands that may wait behind a running one."""

# tag = 1*<any ASTRING-CHAR except "+">
_TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+')
_TAG_AND_NAME = re.compile(rb'([^\x00-\x20\x7f-\xff(){%*"\\+]+) ([A-Za-z]+)')
_APPEND = re.compile(rb"\S+ APPEND ", re.IGNORECASE)
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class ImapServices:
    """What all IMAP connections of a server share."""

    settings: MailServerSettings
    store: Store
    credentials: Credentials
    reporting: Reporting
    tls: ServerTls
    connections: OpenConnections


class ImapConnection(ImapTransport):
    """The session of one client."""

    def __init__(self, services: ImapServices, admission: Admission, *, implicit_tls: bool) -> None:
        super().__init__(services.settings, services.reporting, services.tls, implicit_tls=implicit_tls)
        self.store = services.store
        self.credentials = services.credentials
        self.session_state = State.NOT_AUTHENTICATED
        self.user = ""
        self.view: SelectedView | None = None
        self.reader = CommandReader(self.settings.max_line_bytes)
        self.running_tag = b""
        """The tag of the command that is being carried out."""
        self.mailbox_changed: Callable[[], None] | None = None
        """Called at every change of the selected mailbox; without it the client is told with its next command."""
        self.after_answer: Callable[[], None] | None = None
        """Called once, when the answer to the running command has been sent."""
        self.last_content: tuple[tuple[int, int], Content] | None = None
        """The message fetched last, by mailbox and UID."""
        self._connections = services.connections
        self._admission = admission
        self._refused_logins = 0
        self._busy = False
        self._pumping = False
        self._paused = False
        self._line_waiter: Deferred[bytes] | None = None
        self._watched: tuple[int, Listener] | None = None

    # What happens to the connection.

    def ready(self) -> None:
        """Send the greeting, with the capabilities (RFC 3501, section 7.1)."""
        code = f"CAPABILITY {' '.join(self.capability_names())}"
        self.send_answer(b"*", Answer("OK", f"{self.settings.host_name} ready", code))

    def connectionMade(self) -> None:  # noqa: N802 - Twisted's name
        """Count this connection among the server's."""
        self._connections.add(self)
        self._admission.admit(self)
        super().connectionMade()

    def plaintext_received(self, data: bytes) -> None:
        """Feed the reader and act on what it finds."""
        if self.user and not self.congested:  # who writes and never reads is not at work
            self.resetTimeout()
        self.reader.receive_data(data)
        self._pump()

    def writable_again(self) -> None:
        """Tell what happened in the meantime and take commands again."""
        if self.user:
            self.resetTimeout()
        if self.mailbox_changed is not None:
            self.mailbox_changed()
        self._pump()

    def connection_ended(self) -> None:
        """Leave the mailbox, and end the command that waits for a line."""
        self.reader.discard()
        self.close_mailbox()
        waiter, self._line_waiter = self._line_waiter, None
        if waiter is not None:
            waiter.errback(Failure(ConnectionDone()))

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's name
        """Count this connection no longer."""
        super().connectionLost(reason)
        self._connections.discard(self)
        self._admission.leave(self)

    # What commands use.

    @property
    def password_allowed(self) -> bool:
        """Tell whether a password may be sent: under TLS, or to an old server that has no STARTTLS."""
        return self.tls_active or not self.settings.offer_starttls

    def capability_names(self) -> list[str]:
        """Return what is announced in the present state."""
        names = ["IMAP4rev1", "ID", "IDLE", "LITERAL-", "NAMESPACE", "SASL-IR", "UIDPLUS", "UNSELECT", "CHILDREN"]
        names += ["ESEARCH", "SEARCHRES", "WITHIN", "SORT", "ESORT", "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES"]
        names += ["LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE"]
        names.append(f"APPENDLIMIT={self.settings.max_message_bytes}")
        if self.session_state is not State.NOT_AUTHENTICATED:
            return names
        if self.password_allowed:
            return [*names, "AUTH=PLAIN", "AUTH=LOGIN"]
        # RFC 3501, section 6.2.3: LOGINDISABLED, and no AUTH= that would send a password, until TLS is on.
        return [*names, "STARTTLS", "LOGINDISABLED"]

    async def wait(self, future: asyncio.Future[ResultT]) -> ResultT:
        """Wait for the store; commands are driven by Twisted, which awaits only its own kind."""
        result: ResultT = await Deferred.fromFuture(future)
        return result

    async def let_others_run(self) -> None:
        """Give the other connections a turn in the middle of long work, and this client time to read.

        Raises ConnectionDone when this connection has come to its end meanwhile.
        """
        turn: Deferred[None] = Deferred()
        asyncio.get_running_loop().call_soon(turn.callback, None)
        await turn
        await self.until_writable()
        if self.ending:
            raise ConnectionDone

    async def next_line(self) -> bytes:
        """Return the next line as it is, instead of taking it for a command."""
        self.reader.expect_line()
        waiting: Deferred[bytes] = Deferred()
        self._line_waiter = waiting
        self._pump()
        line: bytes = await waiting
        return line

    def logged_in(self, user: str) -> None:
        """Enter the authenticated state."""
        self.user = user
        self.session_state = State.AUTHENTICATED
        self.setTimeout(self.settings.idle_timeout_s)

    def count_refused_login(self) -> None:
        """Take note of a refused login; after some the connection ends behind the answer."""
        self._refused_logins += 1
        if self._refused_logins >= MOST_REFUSED_LOGINS:
            self.after_answer = lambda: self.say_goodbye("Too many refused logins")

    def watch_mailbox(self, mailbox_id: int) -> list[Change]:
        """Begin to follow a mailbox; the returned list collects what happens until ``open_mailbox``."""
        early: list[Change] = []

        def on_change(change: Change) -> None:
            if self.view is None:
                early.append(change)
                return
            self.view.apply(change, mine=change.origin is self)
            if self.mailbox_changed is not None and not self.congested:
                self.mailbox_changed()

        self._watched = (mailbox_id, on_change)
        self.store.watch(mailbox_id, on_change)
        return early

    def open_mailbox(self, view: SelectedView) -> None:
        """Make a mailbox the selected one."""
        self.view = view
        self.session_state = State.SELECTED

    def close_mailbox(self) -> None:
        """Return to the authenticated state."""
        if self._watched is not None:
            self.store.unwatch(*self._watched)
            self._watched = None
        self.view = self.last_content = None
        if self.session_state is State.SELECTED:
            self.session_state = State.AUTHENTICATED

    def tell_changes(self, *, may_expunge: bool = True) -> None:
        """Send what has happened in the selected mailbox."""
        if self.view is not None:
            for line in self.view.untagged(expunge_allowed=may_expunge):
                self.untagged(line)

    def send_answer(self, tag: bytes, answer: Answer) -> None:
        """Send the answer to a command."""
        self.send(answer.line(tag) + b"\r\n")

    # From events to commands.

    def _pump(self) -> None:
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._may_act() and self._act_on_next():
                pass
        finally:
            self._pumping = False
        self._hold_back()

    def _may_act(self) -> bool:
        """Tell whether the next event may be looked at: one command at a time, and none whose answer would pile up."""
        return not self.ending and not self.congested and (not self._busy or self._line_waiter is not None)

    def _hold_back(self) -> None:
        """Read no more while nothing can be acted on and more than enough is waiting."""
        full = not self._may_act() and not self.ending and self.reader.buffered > MOST_UNREAD
        if full != self._paused:
            self._paused = full
            if full:
                self.socket.pauseProducing()
            else:
                self.socket.resumeProducing()

    def _act_on_next(self) -> bool:
        event = self.reader.next_event()
        match event:
            case None:
                return False
            case LineReceived(line=line):
                waiter, self._line_waiter = self._line_waiter, None
                assert waiter is not None  # only next_line makes the reader return a line
                waiter.callback(line)
            case LiteralAnnounced():
                self._decide(event)
            case LineTooLong(start=start):
                self._refuse_line(start)
            case CommandReceived(parts=parts):
                self._busy = True
                self._start(self._carry_out(Arguments(parts)))
        return True

    def _decide(self, announced: LiteralAnnounced) -> None:
        start = _text(announced.parts[0])
        is_append = bool(self.user) and _APPEND.match(start) is not None
        limit = self.settings.max_message_bytes if is_append else self.settings.max_literal_bytes
        if announced.total <= limit:
            self.reader.accept_literal()
            if announced.client_waits:
                self.send(b"+ Ready for literal data\r\n")
        elif announced.client_waits:
            self.reader.refuse_literal()
            answer = no(f"More than {limit} bytes", "TOOBIG") if is_append else bad("The literal is too long")
            self.send_answer(_tag_of(start), answer)
        else:
            # RFC 7888, section 4: the bytes come whatever is answered; closing is the way not to read them.
            self.say_goodbye(f"A literal of more than {limit} bytes", "TOOBIG")

    def _refuse_line(self, start: bytes) -> None:
        text = f"The line is longer than {self.settings.max_line_bytes} bytes"
        self.send_answer(_tag_of(start), bad(text))
        self.say_goodbye(text)

    def _start(self, command: Coroutine[Deferred[Any], Any, None]) -> None:
        Deferred.fromCoroutine(command).addBoth(self._command_done)

    def _command_done(self, result: object) -> None:
        self._busy = False
        if isinstance(result, Failure) and result.check(ConnectionDone) is None:
            _log.error("an IMAP command failed through a defect of this program: %s", result.getTraceback())
            self.reports.problem("an IMAP command failed through a defect of this program; see the log")
            self.say_goodbye("Internal error", "SERVERBUG")
        if not self.ending:
            self._pump()

    async def _carry_out(self, arguments: Arguments) -> None:
        try:
            found = arguments.match(_TAG_AND_NAME, "A tag and a command")
        except CommandSyntaxError as error:
            self.send_answer(_tag_of(arguments.peek()), bad(error.text))
            return
        self.running_tag = found[1]
        answer, may_expunge = await self._answer_to(found[2].decode("ascii").upper(), arguments)
        if not self.ending:
            self.tell_changes(may_expunge=may_expunge)
            self.send_answer(found[1], answer)
        then, self.after_answer = self.after_answer, None
        if then is not None and not self.ending:
            then()

    async def _answer_to(self, name: str, arguments: Arguments) -> tuple[Answer, bool]:
        """Return the answer and whether removed messages may be told before it."""
        try:
            command = self._lookup(name, arguments)
            return await command.run(self, arguments), command.may_expunge
        except CommandSyntaxError as error:
            return bad(error.text), False
        except MailboxError as error:
            return refusal(error), False
        except StoreError as error:
            self.reports.problem(str(error))
            return no("The mail store failed", "SERVERBUG"), False

    def _lookup(self, name: str, arguments: Arguments) -> Command:
        table = COMMANDS
        if name == "UID":
            arguments.space()
            name, table = arguments.atom().upper(), UID_COMMANDS
        command = table.get(name)
        if command is None:
            raise CommandSyntaxError("Unknown command")
        if self.session_state not in command.states:
            raise CommandSyntaxError(f"{name} is not possible in the state {self.session_state.value}")
        return command


def _text(part: Part) -> bytes:
    return part if isinstance(part, bytes) else b""


def _tag_of(text: bytes) -> bytes:
    """Return the tag that ``text`` begins with, ``*`` where it has none."""
    found = _TAG.match(text)
    return found[0] if found is not None else b"*"
