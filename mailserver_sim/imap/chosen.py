"""Which messages of the selected mailbox a command means: by message sequence number, or by UID."""

from __future__ import annotations

from mailserver_sim.imap.sequence import SAVED, SequenceSet, parse_sequence_set
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.view import SelectedView


def read_sequence_set(arguments: Arguments) -> SequenceSet:
    """Read a sequence set behind a space."""
    arguments.space()
    return parse_sequence_set(arguments.sequence_set())


def chosen_uids(view: SelectedView, numbers: SequenceSet, *, by_uid: bool) -> list[int]:
    """Return the UIDs that are meant, in ascending order.

    "A non-existent unique identifier is ignored without any error message" (RFC 3501, section 6.4.8). "The server
    should respond with a tagged BAD response to a command that uses a message sequence number greater than the number
    of messages in the selected mailbox. This includes "*" if the selected mailbox is empty" (section 9, seq-number).
    """
    if numbers is SAVED:
        return sorted(uid for uid in view.saved if uid in view.uids)
    if by_uid:
        return numbers.among(view.uids)
    count = len(view.uids)
    if numbers.exceeds(count):
        raise CommandSyntaxError(f"There are only {count} messages")
    ranges = numbers.up_to(count).ranges if count else ()
    return [uid for low, high in ranges for uid in view.uids[low - 1 : high]]
