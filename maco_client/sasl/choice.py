"""Which way MaCo logs in, by what the mail server offers: JavaMail's order, and never a weaker way than was set.

JavaMail takes the first of its mechanisms that the server names, and the plain LOGIN command where it names none. Where
"Encrypted User/Password" is set and the server has no such mechanism, it falls back to that silently (measured); here
it does only where a setting says so. Of the two encrypted ones DIGEST-MD5 comes first: it is the one that JavaMail has
itself (SMTP: LOGIN PLAIN DIGEST-MD5 NTLM XOAUTH2), and the one by which the server proves itself too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from maco_client.sasl.digest_md5 import digest_md5
from maco_client.sasl.exchanges import Exchange, cram_md5, login, oauthbearer, plain, xoauth2
from maco_client.settings import Authentication, Credential, EmailConnection, EmailServer
from maco_client.smtp.settings import SendingConnection


class NoMechanismError(Exception):
    """The server offers nothing that the settings allow; ``wanted`` are the mechanisms that would do."""

    def __init__(self, *wanted: str) -> None:
        super().__init__(f"none of {', '.join(wanted)}")
        self.wanted = wanted


def choose_for_smtp(connection: SendingConnection, credential: Credential, mechanisms: Collection[str]) -> Exchange:
    """Return the exchange by which MaCo logs in to send mail, where JavaMail prefers LOGIN; raises NoMechanismError."""
    in_plain = (login(credential.user, credential.password), plain(credential.user, credential.password))
    how = _How(connection.server, connection.authentication.login, connection.plain_fallback, "smtp")
    return _choose(how, credential, mechanisms, in_plain)


def choose(connection: EmailConnection, mechanisms: Collection[str], *, login_command: bool) -> Exchange | None:
    """Return the exchange by which MaCo logs in to read mail, None for the LOGIN command.

    ``mechanisms`` are those that the server names, ``login_command`` says whether it takes that command. Raises
    NoMechanismError.
    """
    credential = connection.credential
    in_plain = (plain(credential.user, credential.password), login(credential.user, credential.password))
    try:
        how = _How(connection.server, connection.authentication, connection.plain_fallback, "imap")
        return _choose(how, credential, mechanisms, in_plain)
    except NoMechanismError as error:
        if login_command and error.wanted == tuple(each.mechanism for each in in_plain):
            return None
        raise


def choose_for_pop3(connection: EmailConnection, mechanisms: Collection[str], *, user_command: bool) -> Exchange | None:
    """Return the exchange by which MaCo logs in by POP3, None for USER and PASS, which JavaMail prefers there.

    ``user_command`` says whether the server takes those. Raises NoMechanismError.
    """
    credential = connection.credential
    in_plain = (plain(credential.user, credential.password), login(credential.user, credential.password))
    try:
        how = _How(connection.server, connection.authentication, connection.plain_fallback, "pop")
        exchange = _choose(how, credential, mechanisms, in_plain)
    except NoMechanismError as error:
        if user_command and error.wanted == tuple(each.mechanism for each in in_plain):
            return None
        raise
    return None if user_command and exchange in in_plain else exchange


@dataclass(frozen=True, slots=True)
class _How:
    """Where, how, and in which protocol MaCo logs in."""

    server: EmailServer
    authentication: Authentication | None
    plain_fallback: bool
    service: str


def _choose(how: _How, credential: Credential, mechanisms: Collection[str], in_plain: Sequence[Exchange]) -> Exchange:
    user, server = credential.user, how.server
    if how.authentication is Authentication.OAUTH2:
        token = credential.access_token
        return _first(mechanisms, xoauth2(user, token), oauthbearer(user, token, host=server.host, port=server.port))
    encrypted = (
        digest_md5(user, credential.password, service=how.service, host=server.host),
        cram_md5(user, credential.password),
    )
    wants_encrypted = how.authentication is Authentication.ENCRYPTED
    if wants_encrypted and (not how.plain_fallback or any(each.mechanism in mechanisms for each in encrypted)):
        return _first(mechanisms, *encrypted)
    return _first(mechanisms, *in_plain)


def _first(offered: Collection[str], *exchanges: Exchange) -> Exchange:
    for each in exchanges:
        if each.mechanism in offered:
            return each
    raise NoMechanismError(*(each.mechanism for each in exchanges))
