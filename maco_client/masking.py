"""No secret in what MaCo tells: servers repeat what they were told, and an answer is shown and written down. Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from maco_client.imap import printable
from maco_client.sasl.exchanges import oauthbearer, plain, xoauth2
from maco_client.settings import Credential, EmailServer

MASK = "***"
SHORTEST_SECRET = 4
"""Characters; a shorter one would be found in every second word."""
LONGEST_BEGINNING = 300
"""Characters of a form that are looked for where a quotation ends: protocol errors repeat fewer of a server's words."""

Masked: TypeAlias = Callable[[str], str]
"""Takes the secret out of a text."""


def as_it_is(text: str) -> str:
    """Return a text where there is no secret to take out of it."""
    return text


def masking(credential: Credential | None, server: EmailServer) -> Masked:
    """Return what takes the secret of a credential out of a text, in every form in which it goes to a server.

    Those are the plain one, also as a quoted string or with escapes, and the Base64 of its logins. Where a quotation
    that ends the text was cut inside the secret, its beginning is taken out too.
    """
    if credential is None:
        return as_it_is
    forms = sorted({each for each in _forms(credential, server) if each}, key=len, reverse=True)

    def masked(text: str) -> str:
        for each in forms:
            text = text.replace(each, MASK)
        return _without_beginning(text, forms)

    return masked


def _without_beginning(text: str, forms: Sequence[str]) -> str:
    said = text.rstrip("…'\"")
    if said == text:
        return text
    for form in forms:
        for length in range(min(len(form) - 1, len(said), LONGEST_BEGINNING), SHORTEST_SECRET - 1, -1):
            if said.endswith(form[:length]):
                return said[:-length] + MASK + text[len(said) :]
    return text


def _forms(credential: Credential, server: EmailServer) -> Iterator[str]:
    secret, user = credential.access_token or credential.password, credential.user
    if len(secret) >= SHORTEST_SECRET:
        quoted = secret.replace("\\", "\\\\").replace('"', '\\"')  # RFC 3501, section 4.3
        for each in (secret, quoted):
            yield from (each, printable(each.encode()), repr(each)[1:-1], repr(printable(each.encode()))[1:-1])
        yield base64.b64encode(secret.encode()).decode()
    by_token = (xoauth2(user, secret), oauthbearer(user, secret, host=server.host, port=server.port))
    for exchange in by_token if credential.is_oauth2 else (plain(user, secret),):
        yield base64.b64encode(exchange.initial or b"").decode()
