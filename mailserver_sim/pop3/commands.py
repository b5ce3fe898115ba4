"""The commands of RFC 1939 with those of RFC 2449 and, in ``authenticating``, of RFC 2595 and 5034."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from mailserver_sim.pop3 import authenticating
from mailserver_sim.pop3.maildrop import Maildrop, NoSuchMessage
from mailserver_sim.pop3.replies import Reply, err, ok, top
from mailserver_sim.sasl import login_allowed, offered
from mailserver_sim.store.errors import StoreError

if TYPE_CHECKING:
    from mailserver_sim.pop3.connection import Pop3Connection

LONGEST_NUMBER = 10
_GONE = "No such message"


@dataclass(frozen=True, slots=True)
class Command:
    """How a command is carried out; ``then`` follows when the reply that it succeeded has been sent.

    ``logged_in`` is the state it belongs to: False is RFC 1939's AUTHORIZATION, True its TRANSACTION, None both.
    """

    run: Callable[[Pop3Connection, bytes], Awaitable[Reply]]
    logged_in: bool | None
    then: Callable[[Pop3Connection], None] | None = None


async def run(connection: Pop3Connection, command: Command, argument: bytes) -> Reply:
    """Carry out a command if the state of the session is the right one."""
    if command.logged_in is not None and command.logged_in is not (connection.maildrop is not None):
        return err("Log in first" if command.logged_in else "You are logged in already")
    try:
        return await command.run(connection, argument)
    except NoSuchMessage:
        return err(_GONE)


async def capa(connection: Pop3Connection, _argument: bytes) -> Reply:
    """List what the server can do (RFC 2449, section 5)."""
    names = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER"]
    if connection.maildrop is None:
        if connection.password_allowed:
            names += ["USER"] if login_allowed(connection.settings) else []
            names.append("SASL " + " ".join(offered(connection.settings)))
        elif connection.settings.offer_starttls:
            names.append("STLS")
    names.append("IMPLEMENTATION maco-lab")
    return ok("Capabilities follow", _lines(connection.faults.capabilities(connection, names)))


async def noop(_connection: Pop3Connection, _argument: bytes) -> Reply:
    """Do nothing."""
    return ok("Nothing done")


async def stat(connection: Pop3Connection, _argument: bytes) -> Reply:
    """Count the messages and their bytes."""
    count, size = _maildrop(connection).total()
    return ok(f"{count} {size}")


async def list_sizes(connection: Pop3Connection, argument: bytes) -> Reply:
    """Tell the size of one message, or of each."""
    return _listing(_maildrop(connection), argument, _maildrop(connection).size)


async def uidl(connection: Pop3Connection, argument: bytes) -> Reply:
    """Tell the unique identifier of one message, or of each."""
    return _listing(_maildrop(connection), argument, _maildrop(connection).unique_id)


async def retr(connection: Pop3Connection, argument: bytes) -> Reply:
    """Send a message. Its flags stay: what a POP3 client has read it usually deletes."""
    return await _message(connection, _number(argument), None)


async def top_of(connection: Pop3Connection, argument: bytes) -> Reply:
    """Send the header of a message and some lines of its body."""
    number, _, count = argument.partition(b" ")
    return await _message(connection, _number(number), _number(count))


async def dele(connection: Pop3Connection, argument: bytes) -> Reply:
    """Mark a message as deleted; it goes when the session ends with QUIT."""
    _maildrop(connection).mark(_number(argument))
    return ok("Marked as deleted")


async def rset(connection: Pop3Connection, _argument: bytes) -> Reply:
    """Take all marks back."""
    _maildrop(connection).unmark_all()
    return ok("Nothing is marked as deleted")


async def quit_session(connection: Pop3Connection, _argument: bytes) -> Reply:
    """Remove what is marked (RFC 1939, section 6, the UPDATE state); OK comes after the commit."""
    maildrop = connection.maildrop
    try:
        if maildrop is not None and maildrop.deleted:
            await connection.wait(connection.services.store.remove(maildrop.mailbox.id, maildrop.deleted))
    except StoreError as error:
        connection.reports.problem(str(error))
        connection.say_goodbye("What is marked was not removed")
    return ok("Goodbye")


async def _message(connection: Pop3Connection, number: int, lines: int | None) -> Reply:
    maildrop = _maildrop(connection)
    store = connection.services.store
    content = await connection.wait(store.read_content(maildrop.mailbox.id, maildrop.uid(number)))
    if content is None:  # an IMAP session has removed it
        raise NoSuchMessage
    sent = content.raw if lines is None else top(content.header, content.body, lines)
    return ok(f"{maildrop.size(number)} octets", sent)


def _listing(maildrop: Maildrop, argument: bytes, told: Callable[[int], object]) -> Reply:
    if argument:
        number = _number(argument)
        return ok(f"{number} {told(number)}")
    listed = [f"{number} {told(number)}" for number in maildrop.numbers()]
    return ok(f"{len(listed)} messages", _lines(listed))


def _lines(texts: list[str]) -> bytes:
    return "".join(f"{text}\r\n" for text in texts).encode("ascii", "replace")


def _number(argument: bytes) -> int:
    """Read a number. Raises NoSuchMessage: there is no message of such a number either."""
    if not argument.isdigit() or len(argument) > LONGEST_NUMBER:
        raise NoSuchMessage
    return int(argument)


def _maildrop(connection: Pop3Connection) -> Maildrop:
    assert connection.maildrop is not None  # the table lets these commands run after the login only
    return connection.maildrop


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "CAPA": Command(capa, None),
        "QUIT": Command(quit_session, None, lambda connection: connection.end_connection()),
        "STLS": Command(authenticating.stls, False, lambda connection: connection.start_tls()),
        "USER": Command(authenticating.user, False),
        "PASS": Command(authenticating.password, False),
        "AUTH": Command(authenticating.auth, False),
        "NOOP": Command(noop, True),
        "STAT": Command(stat, True),
        "LIST": Command(list_sizes, True),
        "UIDL": Command(uidl, True),
        "RETR": Command(retr, True),
        "TOP": Command(top_of, True),
        "DELE": Command(dele, True),
        "RSET": Command(rset, True),
    }
)
