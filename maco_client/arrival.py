"""A mail that has been fetched whole and is about to be stored: what is known of it before the commit."""

from __future__ import annotations

from dataclasses import dataclass

from maco_client.digest import Digest, digest_of
from maco_client.message.problems import EXAMINED_BYTES, problems_in
from maco_client.spool import Spool
from maco_client.subject import subject_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail, where its bytes are, and what it says of itself.

    ``unreadable`` is the first of its ``problems`` at which Camel would give up; empty if there is none.
    """

    uid: int
    spool: Spool
    subject: str
    digest: Digest
    problems: tuple[str, ...] = ()
    unreadable: str = ""


def examine(uid: int, spool: Spool) -> Arrival:
    """Read a mail from its spool; never an error, however broken the mail is. One in a file: in the writer thread."""
    problems = problems_in(_beginning(spool), is_whole=spool.size <= EXAMINED_BYTES)
    return Arrival(
        uid,
        spool,
        subject_of(spool.head),
        digest_of(spool.pieces()),
        tuple(each.text for each in problems),
        next((each.text for each in problems if each.unreadable), ""),
    )


def _beginning(spool: Spool) -> bytes:
    beginning = bytearray()
    for piece in spool.pieces():
        beginning += piece[: EXAMINED_BYTES - len(beginning)]
        if len(beginning) >= EXAMINED_BYTES:
            break
    return bytes(beginning)
