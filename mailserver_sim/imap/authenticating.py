"""STARTTLS, LOGIN, AUTHENTICATE (RFC 3501, section 6.2; RFC 4959 for the initial response; ``mailserver_sim.sasl``).

Before TLS no password is looked at: the refusal is the same for a right and for a wrong one.
"""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING

from mailserver_sim.imap.answers import Answer, bad, no, ok
from mailserver_sim.imap.command import BEFORE_LOGIN, Command, Commands
from mailserver_sim.imap.tokens import Arguments
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
    from mailserver_sim.imap.connection import ImapConnection

_PRIVACY_REQUIRED = no("STARTTLS first: no password is taken without TLS", "PRIVACYREQUIRED")
_FAILED = no("Wrong user name or password", "AUTHENTICATIONFAILED")
# RFC 5530: "Authentication succeeded in using the authentication identity, but the server cannot or will not allow the
# authentication identity to act as the requested authorization identity."
_NOT_AUTHORIZED = no("Nobody acts as somebody else here", "AUTHORIZATIONFAILED")


async def starttls(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Begin TLS, unless plaintext came behind the command: that ends the connection (CVE-2011-0411)."""
    arguments.end()
    if connection.tls_active or connection.starttls_missing or not connection.settings.offer_starttls:
        connection.reports.starttls("refused", "TLS is active" if connection.tls_active else "not offered")
        return bad("STARTTLS is not available", "CLIENTBUG")
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
    if not login_allowed(connection.settings):
        return no("LOGIN is disabled; see AUTH=", "CANNOT")
    name = user.decode("utf-8", "replace")
    account = connection.credentials.check(name, password.decode("utf-8", "surrogateescape"))
    return _conclude(connection, Verdict(name, account), MECHANISMS["PLAIN"])


async def authenticate(connection: ImapConnection, arguments: Arguments) -> Answer:
    """Log in by SASL."""
    arguments.space()
    name = arguments.atom().upper()
    initial = None
    if not arguments.at_end():
        arguments.space()
        initial = arguments.peek()
    if not connection.password_allowed:
        return _refuse_in_clear(connection, b"", credentials_sent=initial is not None and begins_with_secret(name))
    mechanisms = offered(connection.settings)
    mechanism = mechanisms.get(name)
    if mechanism is None:
        return no(f"Unknown mechanism; known: {', '.join(mechanisms)}", "CANNOT")
    if initial is not None and not mechanism.client_first:
        # RFC 4959, section 3: an initial response that the mechanism does not have is answered with BAD.
        return bad(f"{name} begins with a challenge", "CLIENTBUG")
    try:
        exchange = mechanism.begin(connection.credentials, connection.settings.host_name)
        response = None if initial is None else decoded(initial)
        verdict = await converse(exchange, response, functools.partial(_ask, connection))
    except MalformedResponse:
        return bad(f"Given up, not Base64, or not a response of the mechanism {name}")
    return _conclude(connection, verdict, mechanism)


async def _ask(connection: ImapConnection, challenge: bytes) -> bytes:
    """Send a challenge and return the response; ``*``, which gives up, is none. Raises MalformedResponse."""
    connection.send(b"+ " + base64.b64encode(challenge) + b"\r\n")
    return decoded(await connection.next_line())


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


def _conclude(connection: ImapConnection, verdict: Verdict, mechanism: Mechanism) -> Answer:
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
    connection.logged_in(verdict.account.user)
    return ok("Logged in", "CAPABILITY " + " ".join(connection.capability_names()))


COMMANDS: Commands = {
    "STARTTLS": Command(starttls, BEFORE_LOGIN),
    "LOGIN": Command(login, BEFORE_LOGIN),
    "AUTHENTICATE": Command(authenticate, BEFORE_LOGIN),
}
