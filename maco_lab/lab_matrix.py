"""The matrix of a poll in a running, tapped lab: which secrets it is about, and when all is in that it needs."""

from __future__ import annotations

import contextlib
import re

from maco_lab.sight import way_of
from maco_lab.taps.matrix import Matrix, matrix_of
from maco_lab.topology import RunningLab
from maco_wire.canary import MAX_VALUE_LENGTH, MIN_VALUE_LENGTH, Canary
from maco_wire.observation import Party, StreamClosed, StreamOpened

LAST_WORDS_S = 2.0
"""How long the relaying parties have to report the end of a connection after its poll."""

TOKEN_NAME = "token of MaCo's client"  # noqa: S105 - a name, no secret

_RUN = re.compile(rb"[A-Za-z0-9]+")


async def matrix_of_poll(lab: RunningLab, connection: str) -> Matrix | None:
    """Return the matrix of the newest finished poll of ``connection``; None if there is none, or no tap."""
    if lab.taps is None:
        return None
    await _last_words(lab, connection)
    canaries = [*_of_mailbox(lab, connection), *_token(lab)]
    return matrix_of(lab.journal.entries(), connection, lab.taps.wiretap(), canaries, lab.taps.keys.read())


def _of_mailbox(lab: RunningLab, connection: str) -> list[Canary]:
    """Return password and mail line of the mailbox that an e-mail connection reads."""
    maco = lab.file.model.maco
    wanted = next((each.credential for each in maco.email_connections if each.name == connection), None)
    users = {each.user for each in maco.credentials if each.name == wanted}
    of_user = (account for account in lab.canaries if account.user in users)
    return [canary for account in of_user for canary in (account.password, account.mail_line) if canary]


def _token(lab: RunningLab) -> list[Canary]:
    """Return the token that MaCo had as a canary: the longest piece of its signature of letters and digits alone."""
    signature = lab.tokens.last.rpartition(".")[2].encode("ascii", "replace")
    piece = max(_RUN.findall(signature), key=len, default=b"")[:MAX_VALUE_LENGTH].decode()
    number = 1 + max((each.mail_line.number for each in lab.canaries), default=0)
    return [Canary(number, TOKEN_NAME, piece)] if len(piece) >= MIN_VALUE_LENGTH else []


async def _last_words(lab: RunningLab, connection: str) -> None:
    """Return once each party that relayed the poll has told how much it passed on, or will not tell."""
    way = way_of(lab.journal.entries(), connection)
    relayed = {each.party for each in lab.journal.of(StreamOpened) if way and each.trace_id == way.trace_id}
    for party in relayed - set(way.passed_on if way else ()):
        with contextlib.suppress(TimeoutError):
            await _told(lab, party, way.trace_id if way else None)


async def _told(lab: RunningLab, party: Party, trace_id: str | None) -> None:
    await lab.journal.wait_for(
        lambda entry: (
            isinstance(entry.observation, StreamClosed)
            and (entry.observation.party, entry.observation.trace_id) == (party, trace_id)
        ),
        timeout_s=LAST_WORDS_S,
    )
