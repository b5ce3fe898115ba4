"""Which names LIST and LSUB tell of, and what of them (RFC 3501, sections 6.3.8 and 6.3.9; RFC 5258; RFC 6154)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mailserver_sim.imap.list_request import ListRequest
from mailserver_sim.store.values import DELIMITER, MailboxInfo


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the answer; ``has_subscribed_children`` is CHILDINFO (RFC 5258, section 3.5)."""

    name: str
    attributes: tuple[str, ...]
    child_info: tuple[str, ...] = ()
    selectable: bool = False


def parent_names(names: Iterable[str]) -> set[str]:
    """Return the names that have names below them, whether they are mailboxes themselves or not."""
    parents: set[str] = set()
    for name in names:
        parent = name.rpartition(DELIMITER)[0]
        while parent and parent not in parents:
            parents.add(parent)
            parent = parent.rpartition(DELIMITER)[0]
    return parents


class Hierarchy:
    """The mailboxes of a user as one LIST looks at them; ``special`` are the uses of mailboxes by name."""

    def __init__(
        self,
        request: ListRequest,
        mailboxes: Iterable[MailboxInfo],
        subscribed: Collection[str],
        special: Mapping[str, str],
    ) -> None:
        self._request = request
        self._mailboxes = {mailbox.name: mailbox for mailbox in mailboxes}
        self._subscribed = frozenset(subscribed)
        self._special = special
        self._parents = parent_names(self._mailboxes)
        recursive = "RECURSIVEMATCH" in request.selection
        self._selected = {name for name in {*self._mailboxes, *self._subscribed} if self._is_selected(name)}
        self._above_selected = parent_names(self._selected) if recursive else set()

    @property
    def candidates(self) -> list[str]:
        """Return the names that have to be compared with the patterns, in order."""
        return sorted(self._selected | self._above_selected)

    def entries(self, matching: set[str]) -> Iterator[Entry]:
        """Yield what is told of the names, of which ``matching`` are those that match a pattern, in order."""
        above_hidden = parent_names(self._selected - matching)
        for name in sorted(matching):
            # A parent that is no mailbox is told of only for names that are not told of themselves.
            if name in self._selected or name in self._mailboxes or name in above_hidden:
                yield self._entry(name)

    def _is_selected(self, name: str) -> bool:
        selection = self._request.selection
        if "SUBSCRIBED" in selection and name not in self._subscribed:
            return False
        if "SPECIAL-USE" in selection and name not in self._special:
            return False
        return name in self._mailboxes or "SUBSCRIBED" in selection

    def _entry(self, name: str) -> Entry:
        mailbox = self._mailboxes.get(name)
        child_info = self._request.selection & {"SUBSCRIBED"} if name in self._above_selected else ()
        return Entry(
            name,
            tuple(self._attributes(name, mailbox)),
            tuple(sorted(child_info)),
            selectable=mailbox is not None and mailbox.selectable,
        )

    def _attributes(self, name: str, mailbox: MailboxInfo | None) -> Iterator[str]:
        returned = self._request.returned
        if "CHILDREN" in returned:
            yield "\\HasChildren" if name in self._parents else "\\HasNoChildren"
        if mailbox is None:
            yield "\\NonExistent"  # RFC 5258, section 3: "The \\NonExistent attribute implies \\NoSelect."
        elif not mailbox.selectable:
            yield "\\Noselect"
        if "SUBSCRIBED" in returned and name in self._subscribed:
            yield "\\Subscribed"
        if "SPECIAL-USE" in returned and mailbox is not None and name in self._special:
            yield self._special[name]


def subscribed_entries(subscribed: Collection[str], matching: set[str]) -> Iterator[Entry]:
    r"""Yield what LSUB tells, of which ``matching`` are those names and parents that match.

    RFC 3501, section 6.3.9: when "foo/bar" is subscribed but "foo" is not, "a "%" wildcard to LSUB must return foo, not
    foo/bar, in the LSUB response, and it MUST be flagged with the \Noselect attribute".
    """
    above_hidden = parent_names(name for name in subscribed if name not in matching)
    for name in sorted(matching):
        if name in subscribed:
            yield Entry(name, ())
        elif name in above_hidden:
            yield Entry(name, ("\\Noselect",))
