"""STLS (RFC 2595), USER and PASS (RFC 1939), AUTH (RFC 5034) with PLAIN and LOGIN.

Before TLS no password is looked at: the refusal is the same for a right and for a wrong one.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from mailserver_sim.pop3.replies import Reply, err, ok

if TYPE_CHECKING:
    from mailserver_sim.pop3.connection import Pop3Connection

MECHANISMS = ("PLAIN", "LOGIN")

_TLS_FIRST = err("STLS first: no password is taken without TLS")
# RFC 3206, section 4: AUTH "informs the client that there is a problem with the user's credentials".
_FAILED = err("Wrong user name or password", "AUTH")
_IN_USE = err("Another POP3 session has this mailbox open", "IN-USE")
_NO_RESPONSE = err("Not Base64, or given up")
_PLAIN_PARTS = ("authzid", "authcid", "passwd")
_LOGIN_PROMPTS = (b"Username:", b"Password:")


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
    connection.named_user = _text(argument)
    return ok("Now the password")


async def password(connection: Pop3Connection, argument: bytes) -> Reply:
    """Log in with the name that USER told; everything behind the first space is the password."""
    if not connection.password_allowed:
        return _refuse_in_clear(connection, connection.named_user.encode(), credentials_sent=True)
    if not connection.named_user:
        return err("USER comes first")
    named, connection.named_user = connection.named_user, ""
    return await _check(connection, named, argument)


async def auth(connection: Pop3Connection, argument: bytes) -> Reply:
    """Log in by SASL; without an argument, as old clients send it, the mechanisms are listed."""
    mechanism, _, initial = argument.partition(b" ")
    if not connection.password_allowed:
        return _refuse_in_clear(connection, b"", credentials_sent=bool(initial))
    match mechanism.upper():
        case b"":
            return ok("Mechanisms follow", "".join(f"{name}\r\n" for name in MECHANISMS).encode("ascii"))
        case b"PLAIN":
            return await _plain(connection, initial or None)
        case b"LOGIN":
            return await _login(connection, initial or None)
        case _:
            return err("Unknown mechanism; known: " + ", ".join(MECHANISMS))


async def _plain(connection: Pop3Connection, initial: bytes | None) -> Reply:
    response = await _response(connection, b"", initial)
    # RFC 4616: message = [authzid] UTF8NUL authcid UTF8NUL passwd
    parts = response.split(b"\0") if response is not None else []
    if len(parts) != len(_PLAIN_PARTS):
        return err("Not a response of the mechanism PLAIN")
    return await _check(connection, _text(parts[1]), parts[2])


async def _login(connection: Pop3Connection, initial: bytes | None) -> Reply:
    name = await _response(connection, _LOGIN_PROMPTS[0], initial)
    if name is None:
        return _NO_RESPONSE
    secret = await _response(connection, _LOGIN_PROMPTS[1], None)
    return _NO_RESPONSE if secret is None else await _check(connection, _text(name), secret)


async def _response(connection: Pop3Connection, challenge: bytes, initial: bytes | None) -> bytes | None:
    """Return the client's decoded response; None when it gives up with ``*`` or sends no Base64."""
    if initial is None:
        connection.send(b"+ " + base64.b64encode(challenge) + b"\r\n")
        initial = await connection.next_line()
    if initial == b"=":  # RFC 5034, section 4: an initial response of no bytes
        return b""
    try:
        return base64.b64decode(initial, validate=True)
    except binascii.Error:
        return None


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


async def _check(connection: Pop3Connection, name: str, secret: bytes) -> Reply:
    account = connection.services.credentials.check(name, secret.decode("utf-8", "surrogateescape"))
    in_clear = not connection.tls_active
    connection.reports.login(name, succeeded=account is not None, in_clear=in_clear)
    if account is None:
        connection.count_refused_login()
        return _FAILED
    return ok("Logged in") if await connection.open_maildrop(account.user) else _IN_USE


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
