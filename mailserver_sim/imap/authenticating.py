"""STARTTLS, LOGIN, AUTHENTICATE (RFC 3501, section 6.2; RFC 4616 for PLAIN; RFC 4959 for the initial response).

Before TLS no password is looked at: the refusal is the same for a right and for a wrong one.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, bad, no, ok
from mailserver_sim.imap.command import BEFORE_LOGIN, Command, Commands
from mailserver_sim.imap.tokens import Arguments

if TYPE_CHECKING:
    from mailserver_sim.imap.connection import ImapConnection

_PRIVACY_REQUIRED = no("STARTTLS first: no password is taken without TLS", "PRIVACYREQUIRED")
_FAILED = no("Wrong user name or password", "AUTHENTICATIONFAILED")
# The prompts of the LOGIN mechanism, as its draft and every client know them.
_LOGIN_PROMPTS = (b"Username:", b"Password:")


async def starttls(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Begin TLS, unless plaintext came behind the command: that ends the connection (CVE-2011-0411)."""
    arguments.end()
    if connection.tls_active or connection.starttls_missing or not connection.settings.offer_starttls:
        connection.reports.starttls("refused", "TLS is active" if connection.tls_active else "not offered")
        return bad("STARTTLS is not available")
    connection.reports.starttls("asked")
    injected = len(connection.reader.trailing_data)
    if injected:
        connection.reports.starttls("injected", f"{injected} bytes")
        connection.say_goodbye("Plaintext behind STARTTLS")
        return bad("Plaintext behind STARTTLS")
    connection.reports.starttls("accepted")
    connection.after_answer = connection.start_tls
    return ok("Begin TLS negotiation now")


async def login(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Log in with a user name and a password."""
    arguments.space()
    user = arguments.astring()
    arguments.space()
    password = arguments.astring()
    arguments.end()
    if not connection.password_allowed:
        return _refuse_in_clear(connection, user, credentials_sent=True)
    return _check(connection, user, password)


async def authenticate(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Log in by SASL."""
    arguments.space()
    mechanism = arguments.atom().upper()
    initial = None
    if not arguments.at_end():
        arguments.space()
        initial = arguments.peek()
    if not connection.password_allowed:
        return _refuse_in_clear(connection, b"", credentials_sent=initial is not None)
    match mechanism:
        case "PLAIN":
            return await _plain(connection, initial)
        case "LOGIN":
            return await _login_mechanism(connection, initial)
        case _:
            return no("Unknown mechanism; known: PLAIN, LOGIN")


async def _plain(connection: ImapConnection, initial: bytes | None) -> Answer:
    response = await _response(connection, b"", initial)
    # message = [authzid] UTF8NUL authcid UTF8NUL passwd
    parts = response.split(b"\0") if response is not None else []
    if len(parts) != len(("authzid", "authcid", "passwd")):
        return bad("Not a response of the mechanism PLAIN")
    return _check(connection, parts[1], parts[2])


async def _login_mechanism(connection: ImapConnection, initial: bytes | None) -> Answer:
    user = await _response(connection, _LOGIN_PROMPTS[0], initial)
    if user is None:
        return bad("Not Base64, or given up")
    password = await _response(connection, _LOGIN_PROMPTS[1], None)
    return bad("Not Base64, or given up") if password is None else _check(connection, user, password)


async def _response(connection: ImapConnection, challenge: bytes, initial: bytes | None) -> bytes | None:
    """Return the client's decoded response; None when it gives up with ``*`` or sends no Base64."""
    if initial is None:
        connection.send(b"+ " + base64.b64encode(challenge) + b"\r\n")
        initial = await connection.next_line()
    if initial == b"=":  # RFC 4959, section 3: an initial response of no bytes
        return b""
    try:
        return base64.b64decode(initial, validate=True)
    except binascii.Error:
        return None


def _refuse_in_clear(connection: ImapConnection, user: bytes, *, credentials_sent: bool) -> Answer:
    connection.reports.login(
        user.decode("utf-8", "replace"),
        succeeded=False,
        in_clear=True,
        credentials_sent=credentials_sent,
        detail="refused without looking at the password: TLS first",
    )
    connection.count_refused_login()
    return _PRIVACY_REQUIRED


def _check(connection: ImapConnection, user_bytes: bytes, password: bytes) -> Answer:
    user = user_bytes.decode("utf-8", "replace")
    account = connection.credentials.check(user, password.decode("utf-8", "surrogateescape"))
    in_clear = not connection.tls_active
    connection.reports.login(user, succeeded=account is not None, in_clear=in_clear)
    if account is None:
        connection.count_refused_login()
        return _FAILED
    connection.logged_in(account.user)
    return ok("Logged in", "CAPABILITY " + " ".join(connection.capability_names()))


COMMANDS: Commands = {
    "STARTTLS": Command(starttls, BEFORE_LOGIN),
    "LOGIN": Command(login, BEFORE_LOGIN),
    "AUTHENTICATE": Command(authenticate, BEFORE_LOGIN),
}
