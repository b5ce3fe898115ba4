"""One command at a time: feed the reader, act on what it finds, wait for the store and for further lines.

What a command does is the subclass's business (``connection``).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from mailserver_sim.imap.answers import Answer, bad
from mailserver_sim.imap.reader import CommandReader, CommandReceived, LineReceived, LineTooLong, LiteralAnnounced, Part
from mailserver_sim.imap.tls import ServerTls
from mailserver_sim.imap.tokens import Arguments
from mailserver_sim.imap.transport import ImapTransport
from mailserver_sim.reports import Reporting
from mailserver_sim.settings import MailServerSettings

ResultT = TypeVar("ResultT")

MOST_UNREAD = 256 * 1024
"""Bytes of further commands that may wait behind a running one."""

# tag = 1*<any ASTRING-CHAR except "+">
_TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]+')
_log = logging.getLogger(__name__)


class CommandPump(ImapTransport):
    """From bytes to commands and back to bytes."""

    def __init__(
        self, settings: MailServerSettings, reporting: Reporting, tls: ServerTls, *, implicit_tls: bool
    ) -> None:
        super().__init__(settings, reporting, tls, implicit_tls=implicit_tls)
        self.reader = CommandReader(self.settings.max_line_bytes)
        self._busy = False
        self._pumping = False
        self._paused = False
        self._line_waiter: Deferred[bytes] | None = None

    # For the subclass to say what happens with a command.

    async def carry_out(self, arguments: Arguments) -> None:
        """Carry out one command, from its tag to its answer."""

    def refuse_literal(self, start: bytes, announced: LiteralAnnounced) -> Answer | None:
        """Return why a literal of the command that begins with ``start`` is not wanted; None when it is."""

    # What happens to the connection.

    def plaintext_received(self, data: bytes) -> None:
        """Feed the reader and act on what it finds."""
        self.reader.receive_data(data)
        self._pump()

    def writable_again(self) -> None:
        """Take commands again."""
        self._pump()

    def connection_ended(self) -> None:
        """End the command that waits for a line."""
        self.reader.discard()
        waiter, self._line_waiter = self._line_waiter, None
        if waiter is not None:
            waiter.errback(Failure(ConnectionDone()))

    # What commands use.

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
                self._start(self.carry_out(Arguments(parts)))
        return True

    def _decide(self, announced: LiteralAnnounced) -> None:
        start = _text(announced.parts[0])
        refusal = self.refuse_literal(start, announced)
        if refusal is None:
            self.reader.accept_literal()
            if announced.client_waits:
                self.send(b"+ Ready for literal data\r\n")
        elif announced.client_waits:
            self.reader.refuse_literal()
            self.send_answer(tag_of(start), refusal)
        else:
            # RFC 7888, section 4: the bytes come whatever is answered; closing is the way not to read them.
            self.say_goodbye(refusal.text, "TOOBIG")

    def _refuse_line(self, start: bytes) -> None:
        text = f"The line is longer than {self.settings.max_line_bytes} bytes"
        self.send_answer(tag_of(start), bad(text, "LIMIT"))
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


def _text(part: Part) -> bytes:
    return part if isinstance(part, bytes) else b""


def tag_of(text: bytes) -> bytes:
    """Return the tag that ``text`` begins with, ``*`` where it has none."""
    found = _TAG.match(text)
    return found[0] if found is not None else b"*"
