"""What a scripted POP3 server says: each function is the steps of one exchange."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from maco_client.settings import EmailConnection, Protection, TransportProtocol
from tests.maco_client.bench import HOST, make_connection
from tests.maco_client.scripted_server import ExpectLine, Send, Step, Tls

INSIDE = (b"USER", b"UIDL")


def pop3_connection(protection: Protection = Protection.OFF, **settings: Any) -> EmailConnection:
    wanted = {"address": f"{HOST}:110", "post_processing": "Delete", **settings}
    return make_connection(protection, transport_protocol=TransportProtocol.POP3, **wanted)


def greeting(text: bytes = b"+OK ready") -> list[Step]:
    return [Send(text + b"\r\n")]


def answered(pattern: bytes, reply: bytes = b"+OK", lines: Sequence[bytes] | None = None) -> list[Step]:
    """Expect a command and answer it, with ``lines`` of a listing behind the reply."""
    listing = b"" if lines is None else b"".join(line + b"\r\n" for line in (*lines, b"."))
    return [ExpectLine(pattern), Send(reply + b"\r\n" + listing)]


def capa(*names: bytes) -> list[Step]:
    return answered(rb"CAPA", lines=names)


def stls(context: ssl.SSLContext, *inside: bytes) -> list[Step]:
    """Offer and do STLS; then tell other capabilities."""
    return [*capa(b"STLS", b"UIDL"), *answered(rb"STLS"), Tls(context), *capa(*(inside or INSIDE))]


def logged_in() -> list[Step]:
    return [*answered(rb"USER maco"), *answered(rb"PASS sesame")]


def listed(messages: Mapping[int, tuple[bytes, int]]) -> list[Step]:
    """Answer UIDL and LIST with unique-ids and sizes."""
    return [
        *answered(rb"UIDL", lines=[b"%d %b" % (number, name) for number, (name, _) in messages.items()]),
        *answered(rb"LIST", lines=[b"%d %d" % (number, size) for number, (_, size) in messages.items()]),
    ]


def sent(number: int, mail: bytes) -> list[Step]:
    """Send a mail, in which no line begins with a dot."""
    return [ExpectLine(b"RETR %d" % number), Send(b"+OK\r\n" + mail + b".\r\n")]


def deleted(*numbers: int) -> list[Step]:
    return [step for number in numbers for step in answered(b"DELE %d" % number)]


def left() -> list[Step]:
    return answered(rb"QUIT")


def opened() -> list[Step]:
    """Be in clear, up to the login."""
    return [*greeting(), *capa(b"USER", b"UIDL"), *logged_in()]
