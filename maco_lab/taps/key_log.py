"""The TLS keys that parties have logged, as NSS wrote them first (SSLKEYLOGFILE, RFC 9850): pure, text in, secrets out.

A tap holds no keys. These belong to the parties, and answer the second question: what a tap saw and could not read, was
it *this* session, and what was in it?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from maco_wire.observation import Party

KeyLogs: TypeAlias = Mapping[Party, str]
"""What each party has logged; one that logs nothing is not in it."""


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The secrets of one TLS session by their label, and the server that logged them."""

    server: Party
    secrets: Mapping[str, bytes] = field(repr=False)


def sessions_of(logs: KeyLogs) -> dict[bytes, SessionKeys]:
    """Return what was logged, by the random of the session's ClientHello; lines that are none are passed over."""
    found: dict[bytes, tuple[Party, dict[str, bytes]]] = {}
    for server, text in logs.items():
        for line in text.splitlines():
            match line.split():
                case [label, client_random, secret] if not label.startswith("#"):
                    try:
                        number, value = bytes.fromhex(client_random), bytes.fromhex(secret)
                    except ValueError:
                        continue
                    found.setdefault(number, (server, {}))[1][label] = value
    return {number: SessionKeys(server, secrets) for number, (server, secrets) in found.items()}
