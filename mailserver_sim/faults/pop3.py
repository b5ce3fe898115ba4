"""What the faults do to a POP3 connection: to its greeting, to CAPA, and to the command that is about to be run."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from mailserver_sim.faults.plan import Faults, Hit
from mailserver_sim.pop3.replies import Reply, err

if TYPE_CHECKING:
    from mailserver_sim.pop3.commands import Command
    from mailserver_sim.pop3.connection import Pop3Connection

Instead: TypeAlias = Callable[["Pop3Connection", bytes, "Command", Hit], Awaitable[Reply]]
"""Answers a command in its place."""


class Pop3Faults:
    """The faults of one connection on the listener ``protocol``."""

    def __init__(self, faults: Faults, protocol: str) -> None:
        self._faults = faults
        self._protocol = protocol
        self._gone: Hit | None = None
        """What took STLS out of the capabilities of this connection."""

    def strike(self, connection: Pop3Connection, step: str) -> Hit | None:
        """Come to a step, and report it if a fault strikes there."""
        hit = self._faults.strike(step, self._protocol)
        if hit is not None:
            connection.reports.fault(hit)
        return hit

    def greets(self, connection: Pop3Connection) -> bool:
        """Greet in the server's place where a fault wants another greeting."""
        if not self.strike(connection, "greeting.bye"):
            return False
        connection.say_goodbye("Not now")
        return True

    def capabilities(self, connection: Pop3Connection, names: list[str]) -> list[str]:
        """Take out STLS where a fault does; once it did, it is gone for this connection."""
        if "STLS" not in names:
            return names
        steps = ("starttls.not_offered", "starttls.stripped")
        self._gone = self._gone or next((hit for step in steps if (hit := self.strike(connection, step))), None)
        if self._gone is None:
            return names
        kept = [name for name in names if name != "STLS"]
        return kept if self._gone.step == "starttls.not_offered" else [*kept, "USER", "SASL PLAIN LOGIN"]

    def hang_up_in_handshake(self, connection: Pop3Connection) -> Callable[[], None] | None:
        """Return what ends the connection once the client begins the handshake; None if nothing does."""
        hit = self.strike(connection, "handshake.broken")
        return None if hit is None else functools.partial(_end, connection, hit)

    def command(self, connection: Pop3Connection, name: str, command: Command) -> Command:
        """Return the command, or what takes its place this time."""
        for step in _STEPS.get(name, ()):
            if hit := self.strike(connection, step):
                run = functools.partial(_run, instead=_INSTEAD[step], command=command, hit=hit)
                command = dataclasses.replace(command, run=run)
        return command


async def _run(connection: Pop3Connection, argument: bytes, *, instead: Instead, command: Command, hit: Hit) -> Reply:
    return await instead(connection, argument, command, hit)


async def _refuse_stls(connection: Pop3Connection, _: bytes, __: Command, ___: Hit) -> Reply:
    connection.reports.starttls("refused", "by a scripted fault")
    return err("TLS is not available")


async def _inject(connection: Pop3Connection, argument: bytes, command: Command, hit: Hit) -> Reply:
    reply = await command.run(connection, argument)
    return dataclasses.replace(reply, text=f"{reply.text}\r\n{hit.parameters['text']}")


async def _refuse_login(connection: Pop3Connection, _: bytes, __: Command, ___: Hit) -> Reply:
    in_clear = not connection.tls_active
    connection.reports.login("", succeeded=False, in_clear=in_clear, detail="refused by a scripted fault")
    return err("Wrong user name or password", "AUTH")


async def _drop_login(connection: Pop3Connection, argument: bytes, command: Command, hit: Hit) -> Reply:
    reply = await command.run(connection, argument)
    connection.send(bytes(reply))
    _end(connection, hit)
    return reply


async def _say_in_use(_: Pop3Connection, __: bytes, ___: Command, ____: Hit) -> Reply:
    return err("Another POP3 session has this mailbox open", "IN-USE")


async def _cut_off(connection: Pop3Connection, argument: bytes, command: Command, hit: Hit) -> Reply:
    reply = await command.run(connection, argument)
    if reply.lines is not None:
        whole = bytes(reply)
        connection.send(whole[: whole.index(b"\n") + 1 + hit.parameters["bytes"]])
        _end(connection, hit)
    return reply


_STEPS: Mapping[str, tuple[str, ...]] = {
    "STLS": ("starttls.refused", "starttls.injected"),
    "PASS": ("login.refused", "mailbox.locked", "login.dropped"),
    "AUTH": ("login.refused", "mailbox.locked", "login.dropped"),
    "RETR": ("literal.cut",),
}
"""Which faults wait at which command."""
_INSTEAD: Mapping[str, Instead] = {
    "starttls.refused": _refuse_stls,
    "starttls.injected": _inject,
    "login.refused": _refuse_login,
    "mailbox.locked": _say_in_use,
    "login.dropped": _drop_login,
    "literal.cut": _cut_off,
}


def _end(connection: Pop3Connection, hit: Hit) -> None:
    connection.break_off(reset=hit.parameters["how"] == "reset")
