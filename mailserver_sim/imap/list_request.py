"""The arguments of LIST: plain, or extended by options (RFC 5258, RFC 5819, RFC 6154)."""

from __future__ import annotations

from dataclasses import dataclass

from mailserver_sim.imap.mailboxes import read_status_items
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError
from mailserver_sim.imap.wire import parse_mailbox_name

MOST_PATTERNS = 50

# RFC 5258, section 3.1: what selects names ("base" options), and what only changes how others do.
_SELECTING = frozenset({"SUBSCRIBED", "SPECIAL-USE"})
_SELECTION_OPTIONS = _SELECTING | {"REMOTE", "RECURSIVEMATCH"}
_RETURN_OPTIONS = frozenset({"SUBSCRIBED", "CHILDREN", "SPECIAL-USE"})
_PLAIN_RETURN = frozenset({"CHILDREN", "SPECIAL-USE"})


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What a LIST asks for; ``patterns`` have the reference before them, ``status`` are the items of RFC 5819."""

    patterns: tuple[str, ...]
    selection: frozenset[str] = frozenset()
    returned: frozenset[str] = _PLAIN_RETURN
    status: tuple[str, ...] = ()
    asks_for_delimiter: bool = False


def parse_list(arguments: Arguments) -> ListRequest:
    """Read the arguments of LIST. Raises CommandSyntaxError."""
    arguments.space()
    selection: frozenset[str] | None = None
    if arguments.next_is(b"("):
        selection = _selection(arguments)
        arguments.space()
    reference = parse_mailbox_name(arguments.astring(), utf8=arguments.utf8)
    arguments.space()
    several = arguments.next_is(b"(")
    patterns = tuple(reference + pattern for pattern in _patterns(arguments))
    if arguments.at_end() and selection is None and not several:
        # RFC 3501, section 6.3.8: an empty name "is a special request to return the hierarchy delimiter".
        return ListRequest(patterns, asks_for_delimiter=patterns == (reference,))
    returned, status = _return_options(arguments)
    arguments.end()
    selection = selection or frozenset()
    # RFC 5258, section 3.1: the SUBSCRIBED selection option "implies the SUBSCRIBED return option".
    return ListRequest(patterns, selection, returned | (selection & _RETURN_OPTIONS), status)


def _selection(arguments: Arguments) -> frozenset[str]:
    options = frozenset(option.upper() for option in arguments.parenthesized(arguments.atom))
    if options - _SELECTION_OPTIONS:
        raise CommandSyntaxError(f"Unknown selection option; known: {' '.join(sorted(_SELECTION_OPTIONS))}")
    if "RECURSIVEMATCH" in options and not options & _SELECTING:
        # RFC 5258, section 3.1: it "MUST NOT occur as the only selection option (or only with REMOTE)".
        raise CommandSyntaxError("RECURSIVEMATCH needs an option that selects")
    return options


def _patterns(arguments: Arguments) -> list[str]:
    def pattern() -> str:
        return parse_mailbox_name(arguments.list_mailbox(), utf8=arguments.utf8)

    if not arguments.next_is(b"("):
        return [pattern()]
    patterns = arguments.parenthesized(pattern)
    if not 0 < len(patterns) <= MOST_PATTERNS:
        raise CommandSyntaxError(f"One to {MOST_PATTERNS} patterns were expected")
    return patterns


def _return_options(arguments: Arguments) -> tuple[frozenset[str], tuple[str, ...]]:
    if arguments.at_end():
        return frozenset(), ()
    arguments.space()
    arguments.require(b"RETURN")
    arguments.space()
    status: list[str] = []

    def option() -> str:
        name = arguments.atom().upper()
        if name == "STATUS":  # RFC 5819, section 2
            arguments.space()
            status.extend(read_status_items(arguments))
        elif name not in _RETURN_OPTIONS:
            raise CommandSyntaxError(f"Unknown return option; known: STATUS {' '.join(sorted(_RETURN_OPTIONS))}")
        return name

    return frozenset(arguments.parenthesized(option)) - {"STATUS"}, tuple(dict.fromkeys(status))
