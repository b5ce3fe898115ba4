"""The table of all commands, by name; the families are in their own modules."""

from __future__ import annotations

from mailserver_sim.imap import (
    appending,
    authenticating,
    enabling,
    fetching,
    idling,
    listing,
    mailboxes,
    messages,
    quota,
    searching,
    selecting,
    session,
    sorting,
    storing,
)
from mailserver_sim.imap.command import Commands

COMMANDS: Commands = {
    **session.COMMANDS,
    **authenticating.COMMANDS,
    **mailboxes.COMMANDS,
    **listing.COMMANDS,
    **selecting.COMMANDS,
    **appending.COMMANDS,
    **messages.COMMANDS,
    **storing.COMMANDS,
    **fetching.COMMANDS,
    **searching.COMMANDS,
    **sorting.COMMANDS,
    **idling.COMMANDS,
    **enabling.COMMANDS,
    **quota.COMMANDS,
}

UID_COMMANDS: Commands = {
    **messages.UID_COMMANDS,
    **storing.UID_COMMANDS,
    **fetching.UID_COMMANDS,
    **searching.UID_COMMANDS,
    **sorting.UID_COMMANDS,
}
"""The commands that may stand behind ``UID`` (RFC 3501, section 6.4.8, and RFC 4315 for EXPUNGE)."""
