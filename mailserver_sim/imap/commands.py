"""The table of all commands, by name; the families are in their own modules."""

from __future__ import annotations

from mailserver_sim.imap import (
    authenticating,
    fetching,
    idling,
    listing,
    mailboxes,
    messages,
    searching,
    selecting,
    session,
    sorting,
)
from mailserver_sim.imap.command import Commands

COMMANDS: Commands = {
    **session.COMMANDS,
    **authenticating.COMMANDS,
    **mailboxes.COMMANDS,
    **listing.COMMANDS,
    **selecting.COMMANDS,
    **messages.COMMANDS,
    **fetching.COMMANDS,
    **searching.COMMANDS,
    **sorting.COMMANDS,
    **idling.COMMANDS,
}

UID_COMMANDS: Commands = {
    **messages.UID_COMMANDS,
    **fetching.UID_COMMANDS,
    **searching.UID_COMMANDS,
    **sorting.UID_COMMANDS,
}
"""The commands that may stand behind ``UID`` (RFC 3501, section 6.4.8, and RFC 4315 for EXPUNGE)."""
