"""AUTH (RFC 4954): the mechanisms of ``mailserver_sim.sasl`` on aiosmtpd's connection."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from aiosmtpd.smtp import AuthResult, LoginPassword

from mailserver_sim.credentials import MOST_REFUSED_LOGINS
from mailserver_sim.sasl import MECHANISMS, MalformedResponse, Mechanism, Verdict, converse, decoded

if TYPE_CHECKING:
    from mailserver_sim.smtp.connection import SmtpConnection, SmtpServices

LONGEST_AUTH = 12288
"""RFC 4954, section 4: the longest line of an exchange, for which the limits of other lines are extended."""
_NO_MORE_LOGINS = AuthResult(success=False, handled=False, message="421 4.7.0 Too many refused logins")
_NOT_AUTHORIZED = AuthResult(success=False, handled=False, message="535 5.7.8 Nobody acts as somebody else here")


class _Answered(Exception):
    """The client gave up, or sent a line that is too long, and has been answered."""


class SaslLogins:
    """The logins of one connection."""

    def __init__(self, connection: SmtpConnection, services: SmtpServices) -> None:
        self._connection = connection
        self._services = services
        self._refused = 0

    async def run(self, name: str, arguments: list[str]) -> AuthResult:
        """Carry out an exchange; behind the name in ``arguments`` may be a response that came with the command."""
        mechanism = MECHANISMS[name]
        initial = arguments[1] if len(arguments) > 1 else None
        if self._refused >= MOST_REFUSED_LOGINS:  # sent before the end was known
            return _NO_MORE_LOGINS
        if initial is not None and not mechanism.client_first:
            # RFC 4954, section 4: "the server MUST reject the AUTH command with a 501 reply".
            return await self._reject(f"{name} begins with a challenge")
        try:
            exchange = mechanism.begin(self._services.credentials, self._services.settings.host_name)
            response = None if initial is None else decoded(initial.encode("ascii"))  # aiosmtpd takes no other line
            verdict = await converse(exchange, response, self._ask)
        except MalformedResponse:
            return await self._reject(f"Not a response of the mechanism {name}")
        except _Answered:
            return AuthResult(success=False)
        return self._conclude(verdict, mechanism)

    async def _ask(self, challenge: bytes) -> bytes:
        """Send a challenge and return the response. Raises MalformedResponse."""
        await self._connection.push(b"334 " + base64.b64encode(challenge))
        line = await self._connection.next_line()
        if line is None:
            await self._connection.push("500 5.5.6 The line of the exchange is too long")  # RFC 4954, section 6
            raise _Answered
        if line == b"*":
            await self._connection.push("501 5.7.0 Given up")
            raise _Answered
        return decoded(line)

    async def _reject(self, text: str) -> AuthResult:
        await self._connection.push(f"501 5.5.2 {text}")
        return AuthResult(success=False)

    def _conclude(self, verdict: Verdict, mechanism: Mechanism) -> AuthResult:
        if self._connection.faults.strike(self._connection, "login.refused"):
            verdict = Verdict(verdict.user, None)
        self._connection.reports.login(
            verdict.user.encode("utf-8", "surrogateescape").decode("utf-8", "replace"),
            succeeded=verdict.succeeded,
            in_clear=not self._connection.tls_active,
            credentials_sent=mechanism.sends_secret,
            detail=mechanism.detail,
        )
        if verdict.account is not None and verdict.authorized:
            return AuthResult(success=True, auth_data=LoginPassword(verdict.account.user.encode("utf-8"), b""))
        return self._refuse(AuthResult(success=False, handled=False) if verdict.account is None else _NOT_AUTHORIZED)

    def _refuse(self, answer: AuthResult) -> AuthResult:
        self._refused += 1
        if self._refused < MOST_REFUSED_LOGINS:
            return answer
        # aiosmtpd sends the message when this returns; the connection is closed in the next turn of the loop.
        self._connection.loop.call_soon(self._connection.abort_soon)
        return _NO_MORE_LOGINS
