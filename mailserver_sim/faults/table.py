"""The table of faults: at which step, what the client sees, and which sentence of an RFC is broken.

Pure. ``docs/faults.md`` is written from it, and whatever strikes has its parameters from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

Family: TypeAlias = Literal["IMAP", "SMTP", "POP3"]

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "imap": "IMAP",
        "imaps": "IMAP",
        "smtp": "SMTP",
        "submission": "SMTP",
        "smtps": "SMTP",
        "pop3": "POP3",
        "pop3s": "POP3",
    }
)
"""Which of them a listener speaks."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A setting of a fault; its type is that of ``default``, and ``choices`` are all that it may be, if there are any.

    A number must lie between ``least`` and ``most``.
    """

    name: str
    default: str | int | float
    meaning: str
    choices: tuple[str, ...] = ()
    least: float = 0
    most: float = 2**31 - 1

    def wrong(self, value: object) -> str:
        """Say what is wrong with a value; empty if nothing is."""
        if self.choices:
            return "" if value in self.choices else f"found {value!r}, allowed: {', '.join(self.choices)}"
        if isinstance(self.default, str):
            return "" if isinstance(value, str) else f"found {value!r}, allowed: text"
        kinds = int if isinstance(self.default, int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not self.least <= value <= self.most:
            whole = "a whole number" if isinstance(self.default, int) else "a number"
            return f"found {value!r}, allowed: {whole} from {self.least:g} to {self.most:g}"
        return ""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the table."""

    families: tuple[Family, ...]
    what: str
    client_sees: str
    breaks: str
    parameters: tuple[Parameter, ...] = ()

    def defaults(self) -> dict[str, Any]:
        """Return the value of each parameter where nothing is said."""
        return {each.name: each.default for each in self.parameters}


LOGIN_ANSWERS: Mapping[str, str] = MappingProxyType(
    {
        "AUTHENTICATIONFAILED": "Wrong user name or password",
        "AUTHORIZATIONFAILED": "You may not open this mailbox",
        "CONTACTADMIN": "Ask the administrator about this account",
        "EXPIRED": "The password has expired",
        "PRIVACYREQUIRED": "No password is taken without TLS",
        "UNAVAILABLE": "The service behind the login does not answer",
    }
)
"""What a refused login says, by the response code of RFC 5530, section 3."""

_HOW = Parameter("how", "close", "an orderly end, or a TCP reset", ("close", "reset"))
_BOTH: tuple[Family, ...] = ("IMAP", "SMTP")
_IMAP: tuple[Family, ...] = ("IMAP",)
_READING: tuple[Family, ...] = ("IMAP", "POP3")
_ALL: tuple[Family, ...] = ("IMAP", "SMTP", "POP3")

FAULTS: Mapping[str, FaultKind] = MappingProxyType(
    {
        "greeting.bye": FaultKind(
            _ALL,
            "the connection is refused in the greeting",
            "`* BYE [UNAVAILABLE]`, `421` or `-ERR [SYS/TEMP]`, then the end",
            'nothing: RFC 3501, 7.1.5, "to refuse the connection"; RFC 5321, 3.8',
        ),
        "greeting.preauth": FaultKind(
            _IMAP,
            "the greeting says that the client is logged in already",
            "`* PREAUTH`, and STARTTLS is no longer possible",
            'RFC 3501, 7.1.4: PREAUTH is for a connection "already authenticated by external means"',
        ),
        "starttls.not_offered": FaultKind(
            _ALL,
            "STARTTLS (for POP3 STLS) is missing in the capabilities, and no password is taken without it",
            "no STARTTLS; for IMAP LOGINDISABLED stays",
            "RFC 3501, 6.2.1: STARTTLS is announced where it is available",
        ),
        "starttls.stripped": FaultKind(
            _ALL,
            "somebody on the way takes STARTTLS out of the capabilities",
            "for IMAP and POP3 no STARTTLS, but an invitation to log in; for SMTP no STARTTLS",
            'RFC 3207, 6: a man in the middle can delete the "250 STARTTLS" response',
        ),
        "starttls.refused": FaultKind(
            _ALL,
            "STARTTLS is offered and then refused",
            "NO or BAD; for SMTP 454 or 501, for POP3 -ERR",
            "nothing: RFC 3501, 6.2.1, and RFC 3207, 4, allow it",
            (Parameter("answer", "NO", "the answer: NO is 454 for SMTP, BAD is 501", ("NO", "BAD")),),
        ),
        "starttls.injected": FaultKind(
            _ALL,
            "plaintext stands behind the answer to STARTTLS, in the same packet",
            "a line more than was asked for, before the handshake",
            'RFC 3501, 6.2.1: TLS begins "immediately after the CRLF at the end of the tagged OK response"',
            (Parameter("text", "* CAPABILITY IMAP4rev1 AUTH=PLAIN", "the line that is injected"),),
        ),
        "handshake.broken": FaultKind(
            _ALL,
            "the server ends the connection when the client begins the TLS handshake",
            "the end of the connection instead of a ServerHello",
            "RFC 8446, 6.2: an error is told by an alert",
            (_HOW,),
        ),
        "login.refused": FaultKind(
            _ALL,
            "a login fails, whatever the password",
            "`NO [AUTHENTICATIONFAILED]`, 535 5.7.8, or `-ERR [AUTH]`",
            "RFC 5530, 3: the code is for failed credentials",
            (
                Parameter(
                    "code",
                    "AUTHENTICATIONFAILED",
                    "the response code of RFC 5530, for IMAP alone",
                    tuple(LOGIN_ANSWERS),
                ),
            ),
        ),
        "login.dropped": FaultKind(
            _READING,
            "the connection ends behind the OK to the login",
            "OK, then the end",
            "RFC 3501, 3.4: a server SHOULD NOT end a connection without an untagged BYE; RFC 1939, 3",
            (_HOW,),
        ),
        "mailbox.locked": FaultKind(
            _ALL,
            "the mailbox is locked by somebody else",
            "`NO [INUSE]` to SELECT and EXAMINE; 450 4.2.0 to RCPT; `-ERR [IN-USE]` to a POP3 login",
            "nothing: RFC 5530, 3, and RFC 5321, 4.2.3",
        ),
        "mailbox.read_only": FaultKind(
            _IMAP,
            "SELECT opens the mailbox for reading only",
            "`OK [READ-ONLY]`; flags and expunging are refused",
            "nothing: RFC 3501, 6.3.1",
        ),
        "mailbox.no_rights": FaultKind(
            _IMAP,
            "the user has no rights in the mailbox",
            "`NO [NOPERM]` to SELECT and EXAMINE",
            "nothing: RFC 5530, 3",
        ),
        "mailbox.not_created": FaultKind(
            _IMAP,
            "the user may not create mailboxes",
            "`NO [NOPERM]` to CREATE",
            "nothing: RFC 5530, 3",
        ),
        "mailbox.over_quota": FaultKind(
            _BOTH,
            "the mailbox is full",
            "`NO [OVERQUOTA]` to APPEND, COPY and MOVE; 552 5.2.2 to RCPT",
            "nothing: RFC 5530, 3, and RFC 3463, 3.3",
        ),
        "literal.cut": FaultKind(
            _READING,
            "the connection ends in the middle of a literal, or of a message of RETR",
            "fewer bytes than were announced, then the end",
            "RFC 3501, 4.3: a literal is as many octets as its count says",
            (Parameter("bytes", 10, "how many bytes of it come"), _HOW),
        ),
        "literal.wrong_length": FaultKind(
            _IMAP,
            "a literal is announced with a wrong length",
            "the next line as part of the literal, or the literal's end as a line",
            "RFC 3501, 4.3: a literal is as many octets as its count says",
            (Parameter("by", 10, "how many bytes too many are announced; negative: too few", least=-(2**31)),),
        ),
        "answer.slow": FaultKind(
            _BOTH,
            "a command is answered late",
            "silence before the answer",
            "nothing; a client must bring patience (RFC 5321, 4.5.3.2)",
            (Parameter("delay_s", 1.0, "seconds of silence", most=3600),),
        ),
        "answer.dripping": FaultKind(
            _BOTH,
            "the answer to a command comes in drops",
            "a few bytes at a time",
            "nothing: TCP promises no more",
            (
                Parameter("bytes", 1, "how many bytes at a time", least=1),
                Parameter("pause_s", 0.05, "seconds between two drops", most=3600),
            ),
        ),
    }
)
