"""What a command is: a function, and the states in which a client may use it (RFC 3501, section 3)."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mailserver_sim.imap.answers import Answer
from mailserver_sim.imap.tokens import Arguments

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

Run: TypeAlias = Callable[["ImapConnection", Arguments], Awaitable[Answer]]


class State(enum.Enum):
    """Where a connection is in RFC 3501's state diagram."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"


ANY_STATE = frozenset(State)
BEFORE_LOGIN = frozenset({State.NOT_AUTHENTICATED})
AFTER_LOGIN = frozenset({State.AUTHENTICATED, State.SELECTED})
ONLY_SELECTED = frozenset({State.SELECTED})


@dataclass(frozen=True, slots=True)
class Command:
    """One command. ``may_expunge`` is False where RFC 3501, section 7.4.1, forbids untagged EXPUNGE."""

    run: Run
    states: frozenset[State]
    may_expunge: bool = True


Commands: TypeAlias = Mapping[str, Command]
