"""ENABLE (RFC 5161): extensions that change what a client is sent begin only when it says that it knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, ok
from mailserver_sim.imap.command import AFTER_LOGIN, Command, Commands
from mailserver_sim.imap.tokens import Arguments

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

CONDSTORE = "CONDSTORE"
"""RFC 7162: FETCH responses that nobody asked for have MODSEQ."""
UTF8_ACCEPT = "UTF8=ACCEPT"
"""RFC 6855: mailbox names are UTF-8 in both directions."""
EXTENSIONS = (CONDSTORE, UTF8_ACCEPT)


async def enable(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Enable what is known, and pass over what is not (section 3.1)."""
    names: list[str] = []
    while not names or not arguments.at_end():
        arguments.space()
        names.append(arguments.atom().upper())
    enabled = [name for name in dict.fromkeys(names) if name in EXTENSIONS and name not in connection.enabled]
    connection.enabled.update(enabled)
    connection.untagged(" ".join(["ENABLED", *enabled]).encode("ascii"))
    return ok("ENABLE completed")


COMMANDS: Commands = {
    "ENABLE": Command(enable, AFTER_LOGIN),
}
