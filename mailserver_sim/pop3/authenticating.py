"""STLS (RFC 2595), USER and PASS (RFC 1939), AUTH (RFC 5034, ``mailserver_sim.sasl``).

Before TLS no password is looked at: the refusal is the same for a right and for a wrong one.
"""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING

from mailserver_sim.pop3.replies import Reply, err, ok
from mailserver_sim.sasl import (
    MECHANISMS,
    MalformedResponse,
    Mechanism,
    Verdict,
    begins_with_secret,
    converse,
    decoded,
    login_allowed,
    offered,
)

if TYPE_CHECKING:
    from mailserver_sim.pop3.connection import Pop3Connection

_TLS_FIRST = err("STLS first: no password is taken without TLS")
# RFC 3206, section 4: AUTH "informs the client that there is a problem with the user's credentials".
_FAILED = err("Wrong user name or password", "AUTH")
_IN_USE = err("Another POP3 session has this mailbox open", "IN-USE")
_NOT_AUTHORIZED = err("Nobody acts as somebody else here", "AUTH")
_USER_DISABLED = err("USER is disabled; see SASL in CAPA")


async def stls(connection: Pop3Connection, _argument: bytes) -> Reply:
    """Begin TLS, unless plaintext came behind the command: that ends the connection (CVE-2011-0411)."""
    if connection.tls_active or not connection.settings.offer_starttls:
        connection.reports.starttls("refused", "TLS is active" if connection.tls_active else "not offered")
        return err("STLS is not available")
    connection.reports.starttls("asked")
    injected = connection.trailing_bytes
    if injected:
        connection.reports.starttls("injected", f"{injected} bytes")
        connection.say_goodbye("Plaintext behind STLS", "SYS/PERM")
        return err("Plaintext behind STLS")
    connection.reports.starttls("accepted")
    connection.named_user = ""
    return ok("Begin TLS negotiation")


async def user(connection: Pop3Connection, argument: bytes) -> Reply:
    """Take a name; whether there is such a user comes out with the password only."""
    if not connection.password_allowed:
        return _refuse_in_clear(connection, argument, credentials_sent=False)
    if not login_allowed(connection.settings):
        return _USER_DISABLED
    connection.named_user = _text(argument)
    return ok("Now the password")


async def password(connection: Pop3Connection, argument: bytes) -> Reply:
    """Log in with the name that USER told; everything behind the first space is the password."""
    if not connection.password_allowed:
        return _refuse_in_clear(connection, connection.named_user.encode(), credentials_sent=True)
    if not connection.named_user:
        return err("USER comes first")
    named, connection.named_user = connection.named_user, ""
    account = connection.services.credentials.check(named, argument.decode("utf-8", "surrogateescape"))
    return await _conclude(connection, Verdict(named, account), MECHANISMS["PLAIN"])


async def auth(connection: Pop3Connection, argument: bytes) -> Reply:
    """Log in by SASL; without an argument, as old clients send it, the mechanisms are listed."""
    word, _, initial = argument.partition(b" ")
    name = word.decode("latin-1").upper()
    if not connection.password_allowed:
        return _refuse_in_clear(connection, b"", credentials_sent=bool(initial) and begins_with_secret(name))
    mechanisms = offered(connection.settings)
    if not name:
        return ok("Mechanisms follow", "".join(f"{each}\r\n" for each in mechanisms).encode("ascii"))
    mechanism = mechanisms.get(name)
    if mechanism is None:
        return err(f"Unknown mechanism; known: {', '.join(mechanisms)}")
    if initial and not mechanism.client_first:
        return err(f"{name} begins with a challenge")
    try:
        exchange = mechanism.begin(connection.services.credentials, connection.settings.host_name)
        response = decoded(initial) if initial else None
        verdict = await converse(exchange, response, functools.partial(_ask, connection))
    except MalformedResponse:
        return err(f"Given up, not Base64, or not a response of the mechanism {name}")
    return await _conclude(connection, verdict, mechanism)


async def _ask(connection: Pop3Connection, challenge: bytes) -> bytes:
    """Send a challenge and return the response; ``*``, which gives up, is none. Raises MalformedResponse."""
    connection.send(b"+ " + base64.b64encode(challenge) + b"\r\n")
    return decoded(await connection.next_line())


def _refuse_in_clear(connection: Pop3Connection, name: bytes, *, credentials_sent: bool) -> Reply:
    connection.reports.login(
        _text(name),
        succeeded=False,
        in_clear=True,
        credentials_sent=credentials_sent,
        detail="refused without looking at the password: TLS first",
    )
    connection.count_refused_login()
    return _TLS_FIRST


async def _conclude(connection: Pop3Connection, verdict: Verdict, mechanism: Mechanism) -> Reply:
    connection.reports.login(
        verdict.user.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
        succeeded=verdict.succeeded,
        in_clear=not connection.tls_active,
        credentials_sent=mechanism.sends_secret,
        detail=mechanism.detail,
    )
    if verdict.account is None or not verdict.authorized:
        connection.count_refused_login()
        return _FAILED if verdict.account is None else _NOT_AUTHORIZED
    return ok("Logged in") if await connection.open_maildrop(verdict.account.user) else _IN_USE


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
