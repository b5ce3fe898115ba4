"""What can go wrong on MaCo's side.

MacoError
├── SettingsError          a setting is wrong: the user's fault, found when the value is built
├── InboxError             the inbox file cannot be used
├── NotKept                a change could not be saved, and was not made
├── PollLocked             another poll has host, user name and folder for itself
├── SessionError           a session with a mail server cannot go on
│   ├── CommandRefused     the server answered NO or BAD (IMAP; SMTP and POP3 have a ReplyRefused of their own)
│   ├── ServerBye          the server said BYE
│   ├── ConnectionDropped  the connection ended in the middle of something
│   ├── ServerNotProven    the server did not prove that it knows the password
│   ├── StarttlsInjected   plaintext stood behind the answer to STARTTLS
│   └── MailTooLarge       a mail is larger than this client takes
└── StepFailed             a step of a poll failed, told in CPI's wording
    ├── DialFailed         no TCP connection
    ├── TokenFailed        no token for the SOCKS5 proxy
    └── SocksRefused       the SOCKS5 proxy (or the Cloud Connector behind it) refused
"""

from __future__ import annotations

from dataclasses import dataclass

from maco_client.imap import StatusResponse


class MacoError(Exception):
    """Stand for every error of this package."""


class SettingsError(MacoError):
    """The setting ``field`` is wrong; the message says what was found and what is allowed."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class InboxError(MacoError):
    """The inbox cannot be used as it is."""


class NotKept(MacoError):
    """A change of the configuration could not be saved, and so was not made; the text says why."""


class PollLocked(MacoError):
    """Another process polls the same host, user name and folder; times are seconds since 1970."""

    def __init__(self, holder: int, created_at: float, expires_at: float) -> None:
        super().__init__(f"locked by process {holder}")
        self.holder = holder
        self.created_at = created_at
        self.expires_at = expires_at


class SessionError(MacoError):
    """The session with a mail server cannot go on."""


class CommandRefused(SessionError):
    """The server answered ``command`` with NO or BAD (RFC 3501, section 7.1)."""

    def __init__(self, command: str, status: StatusResponse) -> None:
        super().__init__(f"{command}: {status.condition} {status.line_text}")
        self.command = command
        self.status = status


class ServerBye(SessionError):
    """The server ended the session with BYE (RFC 3501, section 7.1.5)."""

    def __init__(self, status: StatusResponse) -> None:
        super().__init__(f"* BYE {status.line_text}")
        self.status = status


class ConnectionDropped(SessionError):
    """The server closed the connection where an answer was due."""


class ServerNotProven(SessionError):
    """The server did not prove that it knows the password, as the SASL mechanism wants it to."""


class StarttlsInjected(SessionError):
    """``count`` bytes of plaintext stood behind the answer to STARTTLS (the class of CVE-2011-0411)."""

    def __init__(self, count: int, command: str = "STARTTLS") -> None:
        super().__init__(f"{count} bytes of plaintext behind the answer to {command}")
        self.count = count


class MailTooLarge(SessionError):
    """The server began to send a mail of ``size`` bytes where ``allowed`` is the most."""

    def __init__(self, size: int, allowed: int) -> None:
        super().__init__(f"a mail of {size} bytes, more than the {allowed} bytes that are taken")
        self.size = size
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was on the wire where a step failed, as MaCo's own end saw it; empty where it did not come to that.

    ``socks_status`` is the status of SAP's authentication by token, ``socks_reply`` the reply code behind it. Alerts
    are names of RFC 8446, section 6: OpenSSL chose the one that was sent, Java would have sent ``java_alert``.
    ``java_text`` is the line that the real MaCo would log, where the error is not the whole of it.
    ``server_answer`` is the mail server's line without its tag.
    """

    socks_status: int | None = None
    socks_reply: int | None = None
    alert_sent: str = ""
    alert_received: str = ""
    java_alert: str = ""
    java_text: str = ""
    server_answer: str = ""


NOTHING_SEEN = Evidence()


class StepFailed(MacoError):
    """A step of a poll failed.

    ``stage`` is one of PollFinished's stages, ``error`` the text a MaCo user would search for, ``hint`` the setting
    to look at.
    """

    def __init__(self, stage: str, error: str, hint: str = "", evidence: Evidence = NOTHING_SEEN) -> None:
        super().__init__(error)
        self.stage = stage
        self.error = error
        self.hint = hint
        self.evidence = evidence


class DialFailed(StepFailed):
    """No TCP connection could be opened."""

    def __init__(self, error: str, hint: str) -> None:
        super().__init__("dial", error, hint)


class TokenFailed(StepFailed):
    """The token service gave no token."""

    def __init__(self, error: str, hint: str) -> None:
        super().__init__("token", error, hint)


class SocksRefused(StepFailed):
    """The SOCKS5 proxy refused: by a status, by a reply code, or without coming to either."""

    def __init__(self, error: str, hint: str, *, status: int | None = None, reply: int | None = None) -> None:
        super().__init__("socks", error, hint, Evidence(socks_status=status, socks_reply=reply))
