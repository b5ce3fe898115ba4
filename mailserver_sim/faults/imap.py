"""What the faults do to an IMAP connection.

Three seams: the greeting, the command that is about to be run, and the bytes that go out. A fault at a command takes
the place of the command in the table; one in the bytes takes the place of the socket while one command is answered.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone

from mailserver_sim.faults.plan import Faults, Hit
from mailserver_sim.faults.table import LOGIN_ANSWERS
from mailserver_sim.imap.answers import Answer, no, ok
from mailserver_sim.imap.command import Command
from mailserver_sim.imap.selecting import examine
from mailserver_sim.imap.tokens import Arguments

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

Instead: TypeAlias = Callable[["ImapConnection", Arguments, Command, Hit], Awaitable[Answer]]
"""Answers a command in its place."""

_LITERAL = re.compile(rb"\{(\d+)\}\r\n")


class Outgoing(Protocol):
    """Something in the place of the socket, as far as writing goes."""

    def write(self, data: bytes) -> None:
        """Send bytes, or what becomes of them."""

    def finish(self) -> None:
        """Send now what is still to be sent."""


class ImapFaults:
    """The faults of one connection on the listener ``protocol``."""

    def __init__(self, faults: Faults, protocol: str) -> None:
        self._faults = faults
        self._protocol = protocol

    def strike(self, connection: ImapConnection, step: str) -> Hit | None:
        """Come to a step, and report it if a fault strikes there."""
        hit = self._faults.strike(step, self._protocol)
        if hit is not None:
            connection.reports.fault(hit)
        return hit

    def greets(self, connection: ImapConnection) -> bool:
        """Greet in the server's place where a fault wants another greeting."""
        if self.strike(connection, "greeting.bye"):
            connection.say_goodbye("Not now", "UNAVAILABLE")
            return True
        if self.strike(connection, "greeting.preauth"):
            connection.logged_in(connection.settings.accounts[0].user)
            connection.untagged(b"PREAUTH " + connection.settings.host_name.encode() + b" welcomes you back")
            return True
        return False

    def capabilities(self, connection: ImapConnection, names: list[str]) -> list[str]:
        """Take out STARTTLS where a fault does; once it did, it is gone for this connection."""
        if "STARTTLS" not in names:
            return names
        if connection.starttls_missing or self.strike(connection, "starttls.not_offered"):
            connection.starttls_missing = True
            return [name for name in names if name != "STARTTLS"]
        if connection.starttls_stripped or self.strike(connection, "starttls.stripped"):
            connection.starttls_stripped = True
            kept = [name for name in names if name not in ("STARTTLS", "LOGINDISABLED")]
            return [*kept, "AUTH=PLAIN", "AUTH=LOGIN"]
        return names

    def hang_up_in_handshake(self, connection: ImapConnection) -> Callable[[], None] | None:
        """Return what ends the connection once the client begins the handshake; None if nothing does."""
        hit = self.strike(connection, "handshake.broken")
        return None if hit is None else functools.partial(_end, connection, hit.parameters["how"])

    def command(self, connection: ImapConnection, name: str, command: Command) -> Command:
        """Return the command, or what takes its place this time."""
        if self._faults.is_idle:
            return command
        for step in (*_STEPS.get(name, ()), "answer.slow", "answer.dripping"):
            if hit := self.strike(connection, step):
                run = functools.partial(_run, instead=_INSTEAD[step], command=command, hit=hit)
                command = dataclasses.replace(command, run=run)
        if name == "FETCH" and any(self._faults.is_armed(step, self._protocol) for step in _IN_LITERALS):
            command = dataclasses.replace(command, run=functools.partial(_through_literals, command=command))
        return command


async def _run(
    connection: ImapConnection, arguments: Arguments, *, instead: Instead, command: Command, hit: Hit
) -> Answer:
    return await instead(connection, arguments, command, hit)


async def _refuse_starttls(connection: ImapConnection, _: Arguments, __: Command, hit: Hit) -> Answer:
    connection.reports.starttls("refused", "by a scripted fault")
    return Answer(hit.parameters["answer"], "TLS is not available")


async def _inject(connection: ImapConnection, arguments: Arguments, command: Command, hit: Hit) -> Answer:
    answer = await command.run(connection, arguments)
    return dataclasses.replace(answer, text=f"{answer.text}\r\n{hit.parameters['text']}")


async def _refuse_login(connection: ImapConnection, _: Arguments, __: Command, hit: Hit) -> Answer:
    in_clear, code = not connection.tls_active, hit.parameters["code"]
    connection.reports.login("", succeeded=False, in_clear=in_clear, detail="refused by a scripted fault")
    return no(LOGIN_ANSWERS[code], code)


async def _drop_after(connection: ImapConnection, arguments: Arguments, command: Command, hit: Hit) -> Answer:
    answer = await command.run(connection, arguments)
    connection.after_answer = functools.partial(_end, connection, hit.parameters["how"])
    return answer


async def _say_locked(connection: ImapConnection, _: Arguments, __: Command, ___: Hit) -> Answer:
    connection.close_mailbox()
    return no("The mailbox is locked", "INUSE")


async def _say_no_rights(connection: ImapConnection, _: Arguments, __: Command, ___: Hit) -> Answer:
    connection.close_mailbox()
    return no("You have no rights in this mailbox", "NOPERM")


async def _create_nothing(_: ImapConnection, __: Arguments, ___: Command, ____: Hit) -> Answer:
    return no("You may not create mailboxes", "NOPERM")


async def _open_read_only(connection: ImapConnection, arguments: Arguments, _: Command, __: Hit) -> Answer:
    answer = await examine(connection, arguments)
    return ok("SELECT completed", answer.code)


async def _say_over_quota(_: ImapConnection, __: Arguments, ___: Command, ____: Hit) -> Answer:
    return no("The mailbox is full", "OVERQUOTA")


async def _wait(connection: ImapConnection, arguments: Arguments, command: Command, hit: Hit) -> Answer:
    over: Deferred[None] = Deferred()
    _call_later(hit.parameters["delay_s"], lambda: over.callback(None))
    await over
    if connection.ending:
        raise ConnectionDone
    return await command.run(connection, arguments)


async def _drip(connection: ImapConnection, arguments: Arguments, command: Command, hit: Hit) -> Answer:
    connection.outgoing = drops = Dripping(connection, hit.parameters["bytes"], hit.parameters["pause_s"])
    try:
        return await command.run(connection, arguments)
    finally:
        drops.is_last = True


_STEPS: Mapping[str, tuple[str, ...]] = {
    "STARTTLS": ("starttls.refused", "starttls.injected"),
    "LOGIN": ("login.refused", "login.dropped"),
    "AUTHENTICATE": ("login.refused", "login.dropped"),
    "SELECT": ("mailbox.locked", "mailbox.no_rights", "mailbox.read_only"),
    "EXAMINE": ("mailbox.locked", "mailbox.no_rights"),
    "CREATE": ("mailbox.not_created",),
    "APPEND": ("mailbox.over_quota",),
    "COPY": ("mailbox.over_quota",),
    "MOVE": ("mailbox.over_quota",),
}
"""Which faults wait at which command."""
_INSTEAD: Mapping[str, Instead] = {
    "starttls.refused": _refuse_starttls,
    "starttls.injected": _inject,
    "login.refused": _refuse_login,
    "login.dropped": _drop_after,
    "mailbox.locked": _say_locked,
    "mailbox.no_rights": _say_no_rights,
    "mailbox.not_created": _create_nothing,
    "mailbox.read_only": _open_read_only,
    "mailbox.over_quota": _say_over_quota,
    "answer.slow": _wait,
    "answer.dripping": _drip,
}
_IN_LITERALS = ("literal.cut", "literal.wrong_length")


async def _through_literals(connection: ImapConnection, arguments: Arguments, *, command: Command) -> Answer:
    connection.outgoing = connection.outgoing or BrokenLiterals(connection)
    try:
        return await command.run(connection, arguments)
    finally:
        if isinstance(connection.outgoing, BrokenLiterals):
            connection.outgoing = None


class BrokenLiterals:
    """Looks for literals in what goes out, and cuts one off or gives it a wrong length."""

    def __init__(self, connection: ImapConnection) -> None:
        self._connection = connection
        self._left: int | None = None
        self._how = ""

    def write(self, data: bytes) -> None:
        """See Outgoing."""
        found = _LITERAL.search(data) if self._left is None else None
        if found is None:
            self._pass_on(data)
        elif cut := self._strike("literal.cut"):
            self._how, self._left = cut.parameters["how"], cut.parameters["bytes"]
            self._connection.socket.write(data[: found.end()])
            self._pass_on(data[found.end() :])
        elif wrong := self._strike("literal.wrong_length"):
            told = max(0, int(found[1]) + wrong.parameters["by"])
            self._pass_on(data[: found.start()] + b"{%d}\r\n" % told + data[found.end() :])
        else:
            self._pass_on(data)

    def finish(self) -> None:
        """See Outgoing: nothing is held back."""

    def _strike(self, step: str) -> Hit | None:
        return self._connection.faults.strike(self._connection, step)

    def _pass_on(self, data: bytes) -> None:
        if self._left is None:
            self._connection.socket.write(data)
            return
        self._connection.socket.write(data[: self._left])
        self._left -= len(data[: self._left])
        if not self._left and not self._connection.ending:
            _end(self._connection, self._how)


class Dripping:
    """Sends what goes out in drops, and holds back the connection's next command until the last one."""

    def __init__(self, connection: ImapConnection, size: int, pause_s: float) -> None:
        self._connection = connection
        self._size = size
        self._pause_s = pause_s
        self._waiting = bytearray()
        self._timer: Any = None
        self.is_last = False
        """Set when the command has run: what comes then is the end of its answer."""

    def write(self, data: bytes) -> None:
        """See Outgoing."""
        self._waiting += data
        self._connection.pauseProducing()
        if self._timer is None:
            self._drop()

    def finish(self) -> None:
        """See Outgoing."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._connection.outgoing = None
        self._connection.socket.write(bytes(self._waiting))
        self._waiting.clear()

    def _drop(self) -> None:
        self._connection.socket.write(bytes(self._waiting[: self._size]))
        del self._waiting[: self._size]
        if self._waiting:
            self._timer = _call_later(self._pause_s, self._drop)
            return
        self._timer = None
        if self.is_last:
            self._connection.outgoing = None
        self._connection.resumeProducing()


def _end(connection: ImapConnection, how: str) -> None:
    connection.break_off(reset=how == "reset")


def _call_later(delay_s: float, call: Callable[[], object]) -> Any:
    from twisted.internet import reactor  # not at import: see imap.transport

    return cast("Any", reactor).callLater(delay_s, call)
