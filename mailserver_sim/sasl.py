"""The SASL mechanisms (RFC 4422) as pure exchanges: challenges go out, responses come in, and a verdict ends it.

Lines and their prefixes belong to the protocol that carries the exchange. Whether a mechanism may be used at all,
before TLS for example, is decided there too.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from mailserver_sim.credentials import Credentials
from mailserver_sim.settings import Account, MailServerSettings

_CRAM_MD5_RESPONSE = re.compile(rb"(.+) ([0-9a-f]{32})", re.DOTALL)
# RFC 7628, section 3.1: kvsep is %x01, the message ends with two of them, and "auth" is the only required key.
_SEPARATOR = b"\x01"
_BEARER = re.compile(rb"auth=Bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
# gs2-header = gs2-cb-flag "," [gs2-authzid] "," (RFC 5801, section 4); "y" and "n" mean: no channel binding
_GS2_HEADER = re.compile(rb"[yn],(?:a=([^,\x00]+))?,")


class MalformedResponse(Exception):
    """The client's response is none of the mechanism's."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an exchange ended; ``account`` is None after wrong credentials.

    ``authorized`` is False where they are right and the client wants to act as somebody else with them.
    """

    user: str
    account: Account | None
    authorized: bool = True

    @property
    def succeeded(self) -> bool:
        """Tell whether the client is logged in."""
        return self.account is not None and self.authorized


Exchange: TypeAlias = Generator[bytes, bytes, Verdict]


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One mechanism; ``begin`` takes the accounts and the server's host name.

    ``client_first``: the first challenge is empty or can be guessed, so the client may answer it with its command
    (RFC 4959, RFC 4954). ``sends_secret`` and ``detail`` are for the report of a login.
    """

    begin: Callable[[Credentials, str], Exchange]
    client_first: bool = True
    sends_secret: bool = True
    takes_token: bool = False
    detail: str = ""


def offered(settings: MailServerSettings) -> Mapping[str, Mechanism]:
    """Return the mechanisms that the settings allow; those by token only where an account has one."""
    tokens = any(account.tokens for account in settings.accounts)
    return {name: MECHANISMS[name] for name in settings.auth_mechanisms if tokens or not MECHANISMS[name].takes_token}


def login_allowed(settings: MailServerSettings) -> bool:
    """Tell whether IMAP's LOGIN, which takes a password like these two mechanisms, is among what the settings allow."""
    return not {"PLAIN", "LOGIN"}.isdisjoint(settings.auth_mechanisms)


def begins_with_secret(name: str) -> bool:
    """Tell whether what a client sends with the command would carry its secret; of an unknown mechanism it may."""
    mechanism = MECHANISMS.get(name)
    return mechanism is None or (mechanism.client_first and mechanism.sends_secret)


async def converse(exchange: Exchange, initial: bytes | None, ask: Callable[[bytes], Awaitable[bytes]]) -> Verdict:
    """Carry an exchange to its end; ``ask`` sends a challenge and returns the response. Raises MalformedResponse."""
    challenge = next(exchange)
    while True:
        response, initial = await ask(challenge) if initial is None else initial, None
        try:
            challenge = exchange.send(response)
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict


def decoded(line: bytes) -> bytes:
    """Return the bytes of a response in Base64. Raises MalformedResponse, also for the ``*`` that gives up."""
    if line == b"=":  # RFC 4959, section 3, and RFC 4954, section 4: an initial response of no bytes
        return b""
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error as error:
        raise MalformedResponse from error


def _plain(credentials: Credentials, _host_name: str) -> Exchange:
    """Follow RFC 4616: message = [authzid] UTF8NUL authcid UTF8NUL passwd."""
    parts = (yield b"").split(b"\0")
    if len(parts) != len(("authzid", "authcid", "passwd")):
        raise MalformedResponse
    authzid, user, password = map(_text, parts)
    return Verdict(user, credentials.check(user, password), authorized=authzid in ("", user))


def _login(credentials: Credentials, _host_name: str) -> Exchange:
    """Follow the LOGIN mechanism, with the prompts of its draft that every client knows."""
    user = _text((yield b"Username:"))
    password = _text((yield b"Password:"))
    return Verdict(user, credentials.check(user, password))


def _cram_md5(credentials: Credentials, host_name: str) -> Exchange:
    """Follow RFC 2195: a challenge that nobody can foresee, and the user with the keyed digest of it."""
    challenge = f"<{secrets.randbits(64)}.{time.time_ns()}@{host_name}>".encode("ascii", "replace")
    found = _CRAM_MD5_RESPONSE.fullmatch((yield challenge))
    if found is None:
        raise MalformedResponse
    user = _text(found[1])
    return Verdict(user, credentials.check_digest(user, challenge, found[2].decode("ascii")))


def _xoauth2(credentials: Credentials, _host_name: str) -> Exchange:
    """Follow Google's and Microsoft's XOAUTH2: ``user=NAME^Aauth=Bearer TOKEN^A^A``."""
    user, bearer, *rest = _pairs((yield b""))
    if not user.startswith(b"user=") or rest:
        raise MalformedResponse
    verdict = _by_token(credentials, _text(user.removeprefix(b"user=")), bearer)
    if not verdict.succeeded:
        # The client answers the error with an empty response, and only then comes the refusal.
        yield json.dumps({"status": "401", "schemes": "bearer"}).encode("ascii")
    return verdict


def _oauthbearer(credentials: Credentials, _host_name: str) -> Exchange:
    """Follow RFC 7628: a GS2 header with the user, who may be left to the token, and the token among further pairs."""
    first, *pairs = _pairs((yield b""))
    header = _GS2_HEADER.fullmatch(first)
    bearers = [pair for pair in pairs if pair.startswith(b"auth=")]
    if header is None or len(bearers) != 1:
        raise MalformedResponse
    verdict = _by_token(credentials, _text((header[1] or b"").replace(b"=2C", b",").replace(b"=3D", b"=")), bearers[0])
    if not verdict.succeeded:
        # Section 3.2.3: the client answers the error with a dummy message, and the server then fails the exchange.
        yield json.dumps({"status": "invalid_token"}).encode("ascii")
    return verdict


def _pairs(message: bytes) -> list[bytes]:
    """Return what stands between the separators, at least two of it."""
    if not message.endswith(_SEPARATOR * 2):
        raise MalformedResponse
    pairs = message.removesuffix(_SEPARATOR * 2).split(_SEPARATOR)
    if len(pairs) < len(("who", "auth")):
        raise MalformedResponse
    return pairs


def _by_token(credentials: Credentials, user: str, pair: bytes) -> Verdict:
    found = _BEARER.fullmatch(pair)
    if found is None:
        raise MalformedResponse
    account = credentials.check_token(user, found[1].decode("ascii"))
    return Verdict(user or (account.user if account else ""), account)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


MECHANISMS: Mapping[str, Mechanism] = MappingProxyType(
    {
        "PLAIN": Mechanism(_plain),
        "LOGIN": Mechanism(_login),
        "CRAM-MD5": Mechanism(
            _cram_md5, client_first=False, sends_secret=False, detail="by CRAM-MD5, which sends no password"
        ),
        "XOAUTH2": Mechanism(_xoauth2, takes_token=True, detail="by a bearer token"),
        "OAUTHBEARER": Mechanism(_oauthbearer, takes_token=True, detail="by a bearer token"),
    }
)
"""Each mechanism by the name that AUTH announces."""
