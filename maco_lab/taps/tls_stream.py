"""Find TLS in what a tap saw, and open it with keys that a party has logged. Pure: bytes in, bytes out.

Each record is authenticated and numbered, so what could be opened to its last record is complete and unchanged. What is
not opened here (other suites, a session that changes its keys by KeyUpdate) is None, never half an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag

from maco_lab.taps import tls_1_2, tls_1_3
from maco_lab.taps.conversation import Conversation
from maco_lab.taps.tls_records import (
    CLIENT_HELLO,
    HEADER_SIZE,
    RANDOM_AT,
    RANDOM_SIZE,
    SERVER_HELLO,
    NotOpened,
    Record,
    records,
    server_hello,
)

_FIRST_BYTES = b"\x16\x03"  # RFC 8446, section 5.1: handshake(22), and the first byte of every version
_HELLO_VERSION = b"\x03\x03"  # RFC 8446, section 4.1.2: legacy_version of every ClientHello since TLS 1.2


@dataclass(frozen=True, slots=True)
class TlsBegin:
    """Where TLS begins in a conversation: the offsets of ClientHello and ServerHello, and what names the session."""

    client_random: bytes
    from_client: int
    to_client: int


def find_tls(seen: Conversation) -> TlsBegin | None:
    """Return where TLS begins, after STARTTLS for example; from there on both directions are records to their end."""
    begins = _begin(seen.from_client, CLIENT_HELLO)
    if begins is None:
        return None
    answers = _begin(seen.to_client, SERVER_HELLO)
    random_at = begins + HEADER_SIZE + RANDOM_AT
    random = seen.from_client[random_at : random_at + RANDOM_SIZE]
    return TlsBegin(random, begins, len(seen.to_client) if answers is None else answers)


def looks_like_tls(seen: Conversation) -> bool:
    """Tell whether a ClientHello stands anywhere; where ``find_tls`` finds none, what follows it cannot be followed."""
    data = seen.from_client
    at = data.find(_FIRST_BYTES)
    while at >= 0:
        message = at + HEADER_SIZE
        if data[message : message + 1] == bytes([CLIENT_HELLO]) and data[message + 4 : message + 6] == _HELLO_VERSION:
            return True
        at = data.find(_FIRST_BYTES, at + 1)
    return False


def open_tls(
    seen: Conversation, begin: TlsBegin, secrets: Mapping[str, bytes], *, is_running: bool = False
) -> Conversation | None:
    """Return the plaintext of both directions; None unless every record could be opened.

    The last record of a connection that ``is_running`` may still be on its way.
    """
    try:
        client = records(seen.from_client[begin.from_client :], drop_partial=is_running)
        server = records(seen.to_client[begin.to_client :], drop_partial=is_running)
        return _opened(client, server, begin, secrets)
    except (NotOpened, InvalidTag):
        return None


def _opened(client: list[Record], server: list[Record], begin: TlsBegin, secrets: Mapping[str, bytes]) -> Conversation:
    chosen = server_hello(server)
    if chosen.version == tls_1_3.VERSION and (suite := tls_1_3.SUITES.get(chosen.suite)):
        return Conversation(
            tls_1_3.opened(client, suite, secrets, "CLIENT"), tls_1_3.opened(server, suite, secrets, "SERVER")
        )
    master_secret = secrets.get("CLIENT_RANDOM")
    if chosen.version == tls_1_2.VERSION and master_secret and (suite := tls_1_2.SUITES.get(chosen.suite)):
        randoms = tls_1_2.Randoms(begin.client_random, chosen.random)
        return Conversation(
            tls_1_2.opened(client, suite, master_secret, randoms, "CLIENT"),
            tls_1_2.opened(server, suite, master_secret, randoms, "SERVER"),
        )
    raise NotOpened


def _begin(data: bytes, message: int) -> int | None:
    """Return the first offset from which all is TLS, and the first record begins with ``message``."""
    at = data.find(_FIRST_BYTES)
    while at >= 0:
        if data[at + HEADER_SIZE : at + HEADER_SIZE + 1] == bytes([message]) and _is_tls(data[at:]):
            return at
        at = data.find(_FIRST_BYTES, at + 1)
    return None


def _is_tls(data: bytes) -> bool:
    try:
        records(data)
    except NotOpened:
        return False
    return True
