"""MaCo's settings, in the words of its screens "Configure Email Server" and "Configure Email Connection". Pure.

One rule: a value that exists is valid; whatever contradicts itself raises SettingsError when it is built. Traps that
the real product allows are not errors but ``traps``.
"""

from maco_client.settings.aliases import RESERVED_ALIASES, check_alias
from maco_client.settings.choices import (
    Authentication,
    PostProcessing,
    Protection,
    ProxyType,
    Selection,
    TransportProtocol,
    Weekday,
)
from maco_client.settings.credential import PASSWORD_CHARACTERS, Credential
from maco_client.settings.email_connection import EmailConnection
from maco_client.settings.email_server import (
    DEFAULT_TIMEOUT_MS,
    IMAP_PORT,
    IMAPS_PORT,
    LARGEST_TIMEOUT_MS,
    LOCATION_ID_BYTES,
    POP3_PORT,
    POP3S_PORT,
    EmailServer,
)
from maco_client.settings.fields import LARGEST_PORT
from maco_client.settings.schedule import DEFAULT_SCHEDULE, Schedule
from maco_client.settings.service import LOOPBACK_HOSTS, SocksProxy, TokenService
from maco_client.settings.traps import shared_mailboxes, traps

__all__ = [
    "DEFAULT_SCHEDULE",
    "DEFAULT_TIMEOUT_MS",
    "IMAPS_PORT",
    "IMAP_PORT",
    "LARGEST_PORT",
    "LARGEST_TIMEOUT_MS",
    "LOCATION_ID_BYTES",
    "LOOPBACK_HOSTS",
    "PASSWORD_CHARACTERS",
    "POP3S_PORT",
    "POP3_PORT",
    "RESERVED_ALIASES",
    "Authentication",
    "Credential",
    "EmailConnection",
    "EmailServer",
    "PostProcessing",
    "Protection",
    "ProxyType",
    "Schedule",
    "Selection",
    "SocksProxy",
    "TokenService",
    "TransportProtocol",
    "Weekday",
    "check_alias",
    "shared_mailboxes",
    "traps",
]
