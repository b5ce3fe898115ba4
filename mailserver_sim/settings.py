"""What a mail server is told before it starts: who has a mailbox, where it listens, and its limits.

All values are frozen and checked when built. Nothing here imports Twisted or aiosmtpd.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from mailserver_sim.faults.plan import Fault
from mailserver_sim.setting_errors import SettingsError as SettingsError  # noqa: PLC0414 - it is raised here

ListenerProtocol: TypeAlias = Literal["imap", "imaps", "smtp", "submission", "smtps", "pop3", "pop3s"]
LISTENER_PROTOCOLS: tuple[str, ...] = get_args(ListenerProtocol)
AuthMechanism: TypeAlias = Literal["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"]
AUTH_MECHANISMS: tuple[AuthMechanism, ...] = get_args(AuthMechanism)
OFFERED_MECHANISMS: tuple[AuthMechanism, ...] = ("PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")
"""Those offered unless the settings say otherwise: docs/decisions/0035."""

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
HIGHEST_PORT = 65535
# RFC 6750, section 2.1: b64token
_BEARER_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


SpecialUse: TypeAlias = Literal["\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash"]
SPECIAL_USES: tuple[SpecialUse, ...] = get_args(SpecialUse)
SPECIAL_FOLDERS: Mapping[str, SpecialUse] = {
    "Archive": "\\Archive",
    "Drafts": "\\Drafts",
    "Junk": "\\Junk",
    "Sent": "\\Sent",
    "Trash": "\\Trash",
}
"""What a mailbox of such a name is for, unless the settings say otherwise."""


@dataclass(frozen=True)
class Account:
    """One user with one password; mail to any of ``addresses`` goes into the user's INBOX.

    ``tokens`` are the bearer tokens (RFC 6750) that log the user in by XOAUTH2 and OAUTHBEARER. ``quota_bytes`` and
    ``quota_messages`` limit what all mailboxes of the user hold together (RFC 9208); None is no limit.
    """

    user: str
    password: str = field(repr=False)
    addresses: tuple[str, ...] = ()
    tokens: tuple[str, ...] = field(default=(), repr=False)
    quota_bytes: int | None = None
    quota_messages: int | None = None

    def __post_init__(self) -> None:
        """Raise SettingsError for an account that nobody could use."""
        if not self.user:
            raise SettingsError("user", "is empty")
        if not self.password:
            raise SettingsError("password", f"is empty for user {self.user!r}")
        for address in self.addresses:
            local_part, at, domain = address.rpartition("@")
            if not (local_part and at and domain):
                raise SettingsError("addresses", f"{address!r} is not of the form name@domain")
        if not all(_BEARER_TOKEN.fullmatch(token) for token in self.tokens):
            raise SettingsError("tokens", f"one of user {self.user!r} has characters that no bearer token has")
        for setting in ("quota_bytes", "quota_messages"):
            limit = getattr(self, setting)
            if limit is not None and limit < 0:
                raise SettingsError(setting, f"found {limit} for user {self.user!r}, must not be negative")


@dataclass(frozen=True)
class Listener:
    """One address to listen on; port 0 takes a free one.

    ``imap`` and ``submission`` offer STARTTLS, ``pop3`` its STLS; ``imaps``, ``smtps`` and ``pop3s`` begin with TLS;
    ``smtp`` is the MX (port 25).
    """

    protocol: ListenerProtocol
    host: str = "127.0.0.1"
    port: int = 0

    def __post_init__(self) -> None:
        """Raise SettingsError for an unknown protocol or an impossible port."""
        if self.protocol not in LISTENER_PROTOCOLS:
            raise SettingsError("protocol", f"found {self.protocol!r}, allowed: {', '.join(LISTENER_PROTOCOLS)}")
        if not 0 <= self.port <= HIGHEST_PORT:
            raise SettingsError("port", f"found {self.port}, allowed: 0 to {HIGHEST_PORT}")


@dataclass(frozen=True)
class Preload:
    """An archive (Maildir, mbox, folder of ``.eml``) for a user who has never had mail."""

    user: str
    path: Path


@dataclass(frozen=True)
class MailServerSettings:
    """One mail server.

    With ``offer_starttls`` False it behaves as an old server: STARTTLS is not announced and passwords are taken in
    clear on the ports that do not begin with TLS. All times are in seconds.
    """

    host_name: str
    accounts: tuple[Account, ...]
    listeners: tuple[Listener, ...]
    store: Path
    """A file, or ``store.values.MEMORY``."""
    offer_starttls: bool = True
    auth_mechanisms: tuple[AuthMechanism, ...] = OFFERED_MECHANISMS
    """What AUTH offers, each only where a password may be sent. Without PLAIN and LOGIN, IMAP's LOGIN is disabled."""
    max_message_bytes: int = MAX_MESSAGE_BYTES
    max_line_bytes: int = 65536
    """Longest IMAP command line without its literals. RFC 7162, section 4, asks for at least 8192."""
    literal_plus: bool = False
    """Whether a client may send any literal without being asked for it (LITERAL+), or only a short one (LITERAL-).

    With LITERAL+ a message that is too large ends the connection; with LITERAL- it is refused before it comes.
    """
    max_literal_bytes: int = 65536
    """Longest IMAP literal outside APPEND."""
    login_timeout_s: float = 60
    """From the greeting to a successful login."""
    idle_timeout_s: float = 30 * 60
    """RFC 3501, section 5.4: "MUST be at least 30 minutes"; shorter only to show what a timeout looks like."""
    smtp_timeout_s: float = 300
    """RFC 5321, section 4.5.3.2.7: "at least 5 minutes"."""
    tls_handshake_timeout_s: float = 30
    max_connections_per_port: int = 256
    """Further connections to the same listener are refused."""
    idle_keepalive_s: float = 120
    """How often a client in IDLE hears from the server, so that middle boxes keep the connection."""
    special_folders: Mapping[str, SpecialUse] = field(default_factory=lambda: dict(SPECIAL_FOLDERS))
    """Mailboxes whose use is told (RFC 6154, section 2), by name; they need not exist."""
    preload: tuple[Preload, ...] = ()
    """What is imported before the server listens."""
    faults: tuple[Fault, ...] = ()
    """What it gets wrong, and when."""

    def __post_init__(self) -> None:
        """Raise SettingsError when two settings contradict each other or a limit cannot work."""
        if not self.host_name:
            raise SettingsError("host_name", "is empty")
        self._require_mechanisms()
        self._require_unique("accounts", [account.user for account in self.accounts])
        self._require_unique(
            "addresses", [address.lower() for account in self.accounts for address in account.addresses]
        )
        self._require_known_users()
        self._require_unique("listeners", [listener.protocol for listener in self.listeners])
        for name, use in self.special_folders.items():
            if use not in SPECIAL_USES:
                raise SettingsError("special_folders", f"{use!r} of {name!r}, allowed: {', '.join(SPECIAL_USES)}")
        for setting in fields(self):
            if setting.name.startswith("max_") or setting.name.endswith("_s"):
                self._require_positive(setting.name)

    def _require_mechanisms(self) -> None:
        unknown = sorted(set(self.auth_mechanisms) - set(AUTH_MECHANISMS))
        if unknown:
            raise SettingsError("auth_mechanisms", f"found {', '.join(unknown)}, allowed: {', '.join(AUTH_MECHANISMS)}")
        if not self.auth_mechanisms:
            raise SettingsError("auth_mechanisms", "is empty: nobody could log in")
        self._require_unique("auth_mechanisms", list(self.auth_mechanisms))

    def _require_known_users(self) -> None:
        known = [account.user for account in self.accounts]
        unknown = [each.user for each in self.preload if each.user not in known]
        if unknown:
            raise SettingsError("preload", f"there is no account {unknown[0]!r}")

    @staticmethod
    def _require_unique(setting: str, names: list[str]) -> None:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SettingsError(setting, f"{', '.join(twice)} appears more than once")

    def _require_positive(self, setting: str) -> None:
        if getattr(self, setting) <= 0:
            raise SettingsError(setting, f"found {getattr(self, setting)}, must be greater than 0")
