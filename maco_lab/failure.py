"""A poll that failed, as everybody saw it: MaCo's own words and evidence, joined with what the other parties reported.

MaCo knows its own end only. What the others saw comes from their entries in the journal, joined by addresses and trace
ID as in ``sight``. One of them may be late: the mail server learns of a refused certificate behind MaCo.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from maco_client.results import PollResult
from maco_lab.journal import Entry, Journal
from maco_lab.sight import PATH, observations_of, way_of
from maco_lab.witnesses import told_by
from maco_wire.observation import Address, Handshake, Observation, Party, PollFinished, SocketClosed

LAST_WORDS_S = 0.5
"""How long the mail server has to report the end of a TLS handshake that somebody else gave up."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known of a failed poll; empty where it did not come to that.

    ``stage`` to ``server_answer`` are those of PollFinished. ``seen_by`` has what each other party saw, in the order
    of the way.
    """

    connection: str
    stage: str
    error: str
    hint: str
    socks_status: int | None = None
    socks_reply: int | None = None
    alert_sent: str = ""
    alert_received: str = ""
    java_alert: str = ""
    java_text: str = ""
    server_answer: str = ""
    seen_by: Mapping[Party, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The whole of it as one line for a person, without the hint."""
        told = f"{self.connection}: failed at step '{self.stage}': {self.error}"
        return " | ".join([told, *self._evidence(), *(f"{party} saw: {seen}" for party, seen in self.seen_by.items())])

    def _evidence(self) -> Iterator[str]:
        """Tell what the error does not say already."""
        if self.alert_sent:
            java = f" (Java: {self.java_alert})" if self.java_alert and self.java_alert != self.alert_sent else ""
            yield f"TLS alert sent: {self.alert_sent}{java}"
        if self.alert_received and self.alert_received not in self.error:
            yield f"TLS alert received: {self.alert_received}"
        if self.java_text and self.java_text not in self.error:
            yield f"Java: {self.java_text}"
        if self.server_answer and self.server_answer.partition(" ")[2] not in self.error:
            yield f"mail server's answer: {self.server_answer}"


def failure_of(entries: Sequence[Entry], connection: str) -> Failure | None:
    """Return the newest finished poll of ``connection`` if it failed; None if it did not, or there is none."""
    seen = observations_of(entries, connection)
    finished = next((each for each in reversed(seen) if isinstance(each, PollFinished)), None)
    return None if finished is None or finished.succeeded else _failure(finished, seen)


async def settled_failure(journal: Journal, result: PollResult, *, after: int = 0) -> Failure:
    """Return the failed poll ``result`` as everybody saw it, behind entry ``after``.

    It waits for what the mail server has to tell, as long as that may take.
    """
    lan = _awaited(journal.view(after=after), result.connection)
    if lan is not None:
        with contextlib.suppress(TimeoutError):
            await journal.wait_for(
                lambda entry: _is_last_word(entry.observation, lan), after=after, timeout_s=LAST_WORDS_S
            )
    failure = failure_of(journal.view(after=after), result.connection)
    if failure is None or (failure.stage, failure.error) != (result.stage, result.error):
        return _failure(result, ())  # MaCo's process ended, or a newer poll came to something else
    return failure


def _failure(finished: PollFinished | PollResult, seen: Sequence[Observation]) -> Failure:
    told = {party: "; ".join(told_by(party, seen)) for party in PATH}
    return Failure(
        connection=finished.connection,
        stage=finished.stage,
        error=finished.error,
        hint=finished.hint,
        socks_status=finished.socks_status,
        socks_reply=finished.socks_reply,
        alert_sent=finished.alert_sent,
        alert_received=finished.alert_received,
        java_alert=finished.java_alert,
        java_text=finished.java_text,
        server_answer=finished.server_answer,
        seen_by={party: text for party, text in told.items() if text},
    )


def failure_from(answer: Mapping[str, Any]) -> Failure:
    """Return the failure that a lab has told as plain data (``poll_answer``). Raises KeyError."""
    own = {each.name: answer[each.name] for each in fields(Failure) if each.name != "seen_by"}
    return Failure(**own, seen_by={Party(name): seen for name, seen in answer["seen_by"].items()})


def _awaited(entries: Sequence[Entry], connection: str) -> Address | None:
    """Return the connector's address on the LAN if a handshake with the mail server failed; it is that one's peer."""
    failed = any(
        isinstance(each, Handshake) and each.role == "client" and not each.succeeded
        for each in observations_of(entries, connection)
    )
    way = way_of(entries, connection) if failed else None
    return way.lan if way else None


def _is_last_word(seen: Observation, lan: Address) -> bool:
    """Tell whether the mail server speaks of its TLS with the end at ``lan``, or of the end of the connection."""
    return seen.party is Party.MAIL_SERVER and seen.peer == lan and isinstance(seen, SocketClosed | Handshake)
