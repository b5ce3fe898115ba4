"""What can go wrong on MaCo's side.

MacoError
├── SettingsError          a setting is wrong: the user's fault, found when the value is built
├── InboxError             the inbox file cannot be used
├── SessionError           an IMAP session cannot go on
│   ├── CommandRefused     the server answered NO or BAD
│   ├── ServerBye          the server said BYE
│   ├── ConnectionDropped  the connection ended in the middle of something
│   ├── StarttlsInjected   plaintext stood behind the answer to STARTTLS
│   └── MailTooLarge       a mail is larger than this client takes
└── StepFailed             a step of a poll failed, told in CPI's wording
    ├── DialFailed         no TCP connection
    ├── TokenFailed        no token for the SOCKS5 proxy
    └── SocksRefused       the SOCKS5 proxy (or the Cloud Connector behind it) refused
"""

from __future__ import annotations

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


class SessionError(MacoError):
    """The IMAP session cannot go on."""


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


class StarttlsInjected(SessionError):
    """``count`` bytes of plaintext stood behind the answer to STARTTLS (the class of CVE-2011-0411)."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} bytes of plaintext behind the answer to STARTTLS")
        self.count = count


class MailTooLarge(SessionError):
    """The server began to send a mail of ``size`` bytes where ``allowed`` is the most."""

    def __init__(self, size: int, allowed: int) -> None:
        super().__init__(f"a mail of {size} bytes, more than the {allowed} bytes that are taken")
        self.size = size
        self.allowed = allowed


class StepFailed(MacoError):
    """A step of a poll failed.

    ``stage`` is one of PollFinished's stages, ``error`` the text a MaCo user would search for, ``hint`` the setting
    to look at.
    """

    def __init__(self, stage: str, error: str, hint: str = "", socks_reply: int | None = None) -> None:
        super().__init__(error)
        self.stage = stage
        self.error = error
        self.hint = hint
        self.socks_reply = socks_reply


class DialFailed(StepFailed):
    """No TCP connection could be opened."""

    def __init__(self, error: str, hint: str) -> None:
        super().__init__("dial", error, hint)


class TokenFailed(StepFailed):
    """The token service gave no token."""

    def __init__(self, error: str, hint: str) -> None:
        super().__init__("token", error, hint)


class SocksRefused(StepFailed):
    """The SOCKS5 proxy refused; ``socks_reply`` is its reply code, None if it never came to a reply."""

    def __init__(self, error: str, hint: str, reply: int | None) -> None:
        super().__init__("socks", error, hint, reply)
