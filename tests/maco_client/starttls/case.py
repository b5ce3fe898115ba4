"""One way to attack STARTTLS, or to get it wrong, and what MaCo must never do about it."""

from __future__ import annotations

import enum
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from maco_client.settings import Protection
from tests.maco_client.scripted_server import Hang, Script, Step, found, left, logged_in, opened

MARK = b"EVIL-4711"
"""What an attacker says in clear: it must be nowhere afterwards, unless the case is about its being shown."""

PROTECTIONS = (Protection.STARTTLS_MANDATORY, Protection.STARTTLS_OPTIONAL)

Presenting: TypeAlias = Callable[[str], ssl.SSLContext]
"""Gives the context of a server that presents a certificate of the cast, by its name."""

Play: TypeAlias = Callable[[Presenting], Script]
"""What the server does."""


class Credential(enum.Enum):
    """Where MaCo gives its password away."""

    NOWHERE = "nowhere"
    IN_TLS = "inside TLS"
    IN_CLEAR = "in clear"


@dataclass(frozen=True)
class Outcome:
    """How a poll ends; ``…`` in ``error`` stands for anything. ``then`` is what the server does behind the attack."""

    stage: str
    error: str = ""
    credential: Credential = Credential.NOWHERE
    then: tuple[Step, ...] = (Hang(),)

    @property
    def succeeds(self) -> bool:
        """Whether nothing fails."""
        return not self.error


REST = (*opened(exists=0), *found(), *left())
POLLED = Outcome("done", credential=Credential.IN_TLS, then=(*logged_in(), *REST))
"""The attack came to nothing: TLS, login, an empty mailbox."""
IN_CLEAR = Outcome("done", credential=Credential.IN_CLEAR, then=(*logged_in(), *REST))
"""What STARTTLS Optional means where STARTTLS is not offered."""


@dataclass(frozen=True)
class Case:
    """One case. ``source`` is where it is described, ``never`` completes the sentence "MaCo never …"."""

    name: str
    attack: str
    source: str
    never: str
    play: Play
    mandatory: Outcome
    optional: Outcome
    is_shown: bool = False
    """Whether the server's words are MaCo's error text, as Java's; the hint says then that they came in clear."""

    def outcome(self, protection: Protection) -> Outcome:
        """Return how a poll with this Protection ends."""
        return self.mandatory if protection is Protection.STARTTLS_MANDATORY else self.optional

    def script(self, presenting: Presenting, protection: Protection) -> Script:
        """Return what the server plays."""
        return [*self.play(presenting), *self.outcome(protection).then]
