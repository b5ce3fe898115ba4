"""APPEND (RFC 3501, section 6.3.11), of several messages at once (RFC 3502), also with UTF-8 in headers (RFC 6855)."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import TRY_CREATE, Answer, no, ok
from mailserver_sim.imap.command import AFTER_LOGIN, Command, Commands
from mailserver_sim.imap.mailboxes import read_mailbox
from mailserver_sim.imap.storing import storable
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.wire import parse_date_time, uid_set
from mailserver_sim.store.errors import NoSuchMailbox
from mailserver_sim.store.values import Flags, NewMessage

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

_QUOTED_DATE = re.compile(rb'"[^"]*"')


async def append(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Add messages to a mailbox, all of them or none; OK comes after the commit."""
    mailbox = read_mailbox(arguments)
    messages = [_message(arguments)]
    while not arguments.at_end():
        messages.append(_message(arguments))
    if not all(message.raw for message in messages):
        # RFC 3502, section 6.3.11: with a literal of no bytes the client takes everything back.
        return no("A message of no bytes: nothing was appended", "CANNOT")
    try:
        stored = await connection.wait(connection.store.append_all(connection.user, mailbox, messages))
    except NoSuchMailbox:
        return TRY_CREATE
    for each, message in zip(stored, messages, strict=True):
        connection.reports.mail_accepted(each, message.raw)
    # RFC 4315, section 3: with MULTIAPPEND, APPENDUID has a set of UIDs.
    return ok("APPEND completed", f"APPENDUID {stored[0].uid_validity} {uid_set(each.uid for each in stored)}")


def _message(arguments: Arguments) -> NewMessage:
    """Read flags, date and bytes of one message."""
    arguments.space()
    flags: Flags = frozenset()
    if arguments.next_is(b"("):
        flags = storable(arguments.parenthesized(arguments.flag))
        arguments.space()
    date = dt.datetime.now(dt.UTC)
    if arguments.next_is(b'"'):
        date = parse_date_time(arguments.match(_QUOTED_DATE, "A date-time")[0])
        arguments.space()
    return NewMessage(_bytes(arguments), flags, date)


def _bytes(arguments: Arguments) -> bytes:
    """Read a literal, or ``UTF8 (~{...}...)`` from a client that has enabled UTF8=ACCEPT (RFC 6855, section 4)."""
    if not arguments.skip(b"UTF8 (~"):
        return arguments.string()
    if not arguments.utf8:
        raise CommandSyntaxError("UTF8 needs ENABLE UTF8=ACCEPT before it", "CLIENTBUG")
    raw = arguments.string()
    arguments.require(b")")
    return raw


COMMANDS: Commands = {
    "APPEND": Command(append, AFTER_LOGIN),
}
