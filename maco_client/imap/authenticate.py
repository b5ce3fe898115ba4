"""AUTHENTICATE (RFC 3501, section 6.2.2): a SASL exchange in lines of Base64."""

from __future__ import annotations

import base64

from maco_client.imap.commands import Command, encode_command
from maco_client.sasl.challenges import Challenges
from maco_client.sasl.exchanges import Exchange

EMPTY = b"="  # RFC 4959, section 3: an initial response of no bytes


def begin_authenticate(tag: str, exchange: Exchange, *, initial_response: bool) -> tuple[Command, Challenges]:
    """Return the command that begins ``exchange``, and what answers the challenges."""
    arguments = [exchange.mechanism.encode("ascii")]
    begun = initial_response and exchange.initial is not None
    if begun and exchange.initial is not None:
        arguments.append(base64.b64encode(exchange.initial) or EMPTY)
    return encode_command(tag, "AUTHENTICATE", *arguments), Challenges(exchange, begun=begun, protocol="IMAP")
