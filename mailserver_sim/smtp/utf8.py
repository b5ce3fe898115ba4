"""SMTPUTF8 (RFC 6531): where a command may have more than ASCII, and how a mail that came so is called in its trace."""

from __future__ import annotations

from aiosmtpd.smtp import Envelope, Session

_TAKES_UTF8 = frozenset({"MAIL", "RCPT", "VRFY"})
"""The commands with an address (RFC 6531, sections 3.4 and 3.7.4.2); EHLO has A-labels (section 3.7.1)."""

# RFC 6531, section 3.5, the codes of an address that is refused because it is not ASCII; RFC 5248 lists X.6.7.
SENDER_REFUSED = "550 5.6.7 A sender beyond ASCII needs SMTPUTF8 behind MAIL"
RECIPIENT_REFUSED = "553 5.6.7 A recipient beyond ASCII needs SMTPUTF8 behind MAIL"


def refusal_of_argument(command: str, argument: str | None) -> str:
    """Return how an argument in the wrong charset is refused; empty for one that is right.

    What was no UTF-8 is in ``argument`` as surrogates.
    """
    if argument is None or argument.isascii():
        return ""
    if command not in _TAKES_UTF8:
        return "501 5.5.4 Only an address may have more than ASCII"
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        return "501 5.5.4 Not UTF-8"
    return ""


def with_protocol(session: Session, envelope: Envelope, *, tls_active: bool) -> str:
    """Return what stands behind "with" in a Received field: S is for TLS, A for a login."""
    if not session.extended_smtp:
        return "SMTP"
    # RFC 3848; RFC 6531, section 4.3: a mail that came with SMTPUTF8 has names of its own.
    name = "UTF8SMTP" if envelope.smtp_utf8 else "ESMTP"
    return name + ("S" if tls_active else "") + ("A" if session.authenticated else "")
