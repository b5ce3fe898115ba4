"""The matrix of a poll in a running, tapped lab: which secrets it is about, and when all is in that it needs."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from maco_lab.canaries import AccountCanaries
from maco_lab.journal import Entry, Journal
from maco_lab.lab_file import LabFile
from maco_lab.names import OnPremiseNames
from maco_lab.sight import way_of
from maco_lab.taps.matrix import Matrix, matrix_of
from maco_lab.taps.taps import Taps
from maco_wire.canary import MAX_VALUE_LENGTH, MIN_VALUE_LENGTH, Canary
from maco_wire.observation import (
    Address,
    Handshake,
    Observation,
    Party,
    SocketClosed,
    StreamClosed,
    StreamOpened,
    TlsSession,
)

LAST_WORDS_S = 2.0
"""How long the others have to report the end of a connection after its poll."""

TOKEN_NAME = "token of MaCo's client"  # noqa: S105 - a name, no secret

_RUN = re.compile(rb"[A-Za-z0-9]+")


class TappedLab(Protocol):
    """What a lab with taps has, whatever its parties run in."""

    @property
    def file(self) -> LabFile:
        """What was started."""

    @property
    def journal(self) -> Journal:
        """What its parties report."""

    @property
    def addresses(self) -> Mapping[str, Address]:
        """Where its own parties listen, by protocol."""

    @property
    def canaries(self) -> tuple[AccountCanaries, ...]:
        """The secrets of its mailboxes."""

    @property
    def names(self) -> OnPremiseNames:
        """The names on premise."""

    @property
    def taps(self) -> Taps | None:
        """Its taps; None if it has none."""

    async def token(self) -> str:
        """Return the token that MaCo was given last."""


async def matrix_of_poll(lab: TappedLab, connection: str) -> Matrix | None:
    """Return the matrix of the newest finished poll of ``connection``; None if there is none, or no tap."""
    if lab.taps is None:
        return None
    await _last_words(lab, connection)
    canaries = [*_of_mailbox(lab, connection), *_token(lab, await lab.token())]
    return matrix_of(lab.journal.entries(), connection, lab.taps.wiretap(), canaries, lab.taps.keys.read())


def _of_mailbox(lab: TappedLab, connection: str) -> list[Canary]:
    """Return password and mail line of the mailbox that an e-mail connection reads."""
    maco = lab.file.model.maco
    wanted = next((each.credential for each in maco.email_connections if each.name == connection), None)
    users = {each.user for each in maco.credentials if each.name == wanted}
    of_user = (account for account in lab.canaries if account.user in users)
    return [canary for account in of_user for canary in (account.password, account.mail_line) if canary]


def _token(lab: TappedLab, token: str) -> list[Canary]:
    """Return the token that MaCo had as a canary: the longest piece of its signature of letters and digits alone."""
    signature = token.rpartition(".")[2].encode("ascii", "replace")
    piece = max(_RUN.findall(signature), key=len, default=b"")[:MAX_VALUE_LENGTH].decode()
    number = 1 + max((each.mail_line.number for each in lab.canaries), default=0)
    return [Canary(number, TOKEN_NAME, piece)] if len(piece) >= MIN_VALUE_LENGTH else []


async def _last_words(lab: TappedLab, connection: str) -> None:
    """Return once all systems have told how many bytes the poll was for them, or will not tell."""
    entries = lab.journal.entries()
    way = way_of(entries, connection)
    of_poll = [entry for entry in entries if way and entry.observation.trace_id == way.trace_id]
    if way is None or not of_poll:
        return
    wanted = [
        functools.partial(_is_end_of_stream, party=party, trace_id=way.trace_id)
        for party in {entry.observation.party for entry in of_poll if isinstance(entry.observation, StreamOpened)}
        if party not in way.passed_on
    ]
    if Party.MAIL_SERVER not in way.closed and _leads_to(lab.addresses.values(), of_poll):
        wanted.append(functools.partial(_is_end_of_socket, peer=way.lan))
    for each in wanted:
        with contextlib.suppress(TimeoutError):
            await lab.journal.wait_for(each, after=of_poll[0].number, timeout_s=LAST_WORDS_S)


def _is_end_of_stream(entry: Entry, *, party: Party, trace_id: str | None) -> bool:
    seen = entry.observation
    return isinstance(seen, StreamClosed) and (seen.party, seen.trace_id) == (party, trace_id)


def _is_end_of_socket(entry: Entry, *, peer: Address | None) -> bool:
    seen = entry.observation
    return isinstance(seen, SocketClosed) and (seen.party, seen.peer) == (Party.MAIL_SERVER, peer)


def _leads_to(own: Iterable[Address], of_poll: Iterable[Entry]) -> bool:
    """Tell whether one of the lab's own listeners was the back end: another mail server reports nothing."""
    return not {_back_end(entry.observation) for entry in of_poll}.isdisjoint(own)


def _back_end(seen: Observation) -> Address | None:
    match seen:
        case StreamOpened(back_end=(_, back_end)):
            return back_end
        case Handshake(session=TlsSession.BACK_END, peer=back_end):
            return back_end
    return None
