"""What the other parties saw of one connection of MaCo's: their observations in, a few words for each out. Pure.

Which kind of observation is worth a word, and in which order, is a table for each party. MaCo tells its own part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from maco_lab.sight import is_impostor
from maco_wire.observation import (
    FaultStruck,
    Handshake,
    Login,
    Observation,
    Party,
    Problem,
    Starttls,
    StreamOpened,
    StreamRefused,
    TlsSession,
    TokenRefused,
)

_Words: TypeAlias = Callable[[Any], str]


def told_by(party: Party, seen: Iterable[Observation]) -> tuple[str, ...]:
    """Return what ``party`` saw, a phrase for each observation that says something; the tunnel itself is left out."""
    own = [each for each in seen if each.party is party]
    impostor = ["an impostor is in its place"] if any(is_impostor(each) for each in own) else []
    phrases = [words(each) for kind, words in _TELLS[party] for each in own if isinstance(each, kind)]
    return tuple(phrase for phrase in [*impostor, *phrases] if phrase)


def alerts(handshake: Handshake) -> str:
    """Return the TLS alerts that one end sent or received; empty if there were none."""
    directions = (("sent", handshake.alert_sent), ("received", handshake.alert_received))
    return "; ".join(f"TLS alert {direction}: {alert}" for direction, alert in directions if alert)


def _token(refused: TokenRefused) -> str:
    return f"token refused: {refused.reason}"


def _answer(refused: StreamRefused) -> str:
    return refused.reason if refused.reply is None else f"answers 0x{refused.reply:02X}: {refused.reason}"


def _refusal(refused: StreamRefused) -> str:
    return refused.reason + (f"; nearest mapping: {refused.nearest}" if refused.nearest else "")


def _as_client(handshake: Handshake) -> str:
    if handshake.session is TlsSession.TUNNEL:
        return ""
    if handshake.succeeded:
        return f"TLS verified against: {handshake.verified_against or 'nothing (trust all)'}"
    return alerts(handshake)


def _opening(opened: StreamOpened) -> str:
    return f"opens {opened.protocol} to {opened.internal_host}:{opened.internal_port}"


def _fault(struck: FaultStruck) -> str:
    return f"breaks at {struck.step}"


def _starttls(seen: Starttls) -> str:
    return "" if seen.step == "accepted" else f"{seen.command} {seen.step}"


def _as_server(handshake: Handshake) -> str:
    return "TLS" if handshake.succeeded else alerts(handshake) or f"TLS fails: {handshake.error}"


def _login(login: Login) -> str:
    return f"login {'succeeds' if login.succeeded else 'refused'}"


def _problem(problem: Problem) -> str:
    return problem.text


_TELLS: Mapping[Party, tuple[tuple[type[Observation], _Words], ...]] = MappingProxyType(
    {
        Party.MACO: (),
        Party.CONNECTIVITY: ((TokenRefused, _token), (StreamRefused, _answer), (Problem, _problem)),
        Party.CLOUD_CONNECTOR: (
            (StreamRefused, _refusal),
            (Handshake, _as_client),
            (StreamOpened, _opening),
            (Problem, _problem),
        ),
        Party.MAIL_SERVER: (
            (FaultStruck, _fault),
            (Starttls, _starttls),
            (Handshake, _as_server),
            (Login, _login),
            (Problem, _problem),
        ),
    }
)
