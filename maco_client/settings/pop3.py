"""What an e-mail connection by POP3 cannot have: folders, flags and searches are IMAP4's (RFC 1939 has none)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maco_client.failures import SettingsError
from maco_client.settings.choices import Authentication, PostProcessing
from maco_client.settings.email_server import POP3_PORT, POP3S_PORT

if TYPE_CHECKING:
    from maco_client.settings.email_connection import EmailConnection

MAILDROP = "INBOX"
"""What a server that speaks both protocols shows as the maildrop."""
_FOR_IMAP4_ONLY = "which only Transport Protocol IMAP4 has"


def check_pop3(connection: EmailConnection) -> None:
    """Refuse what only IMAP4 has. Raises SettingsError with the field."""
    if not connection.server.names_port:
        raise SettingsError(
            "server",
            f"found {connection.server.name!r} with Address {connection.server.address!r} and Transport Protocol POP3; "
            f"without a port that is 143: allowed is one with a port, as a rule {POP3_PORT} or {POP3S_PORT}",
        )
    if connection.authentication is Authentication.OAUTH2:
        raise _imap4_only("authentication", str(connection.authentication), "Plain or Encrypted User/Password")
    if connection.folder != MAILDROP:
        raise _imap4_only("folder", connection.folder, f"{MAILDROP!r}: POP3 knows one maildrop for a user")
    if connection.selection is not None:
        raise _imap4_only("selection", str(connection.selection), "none: POP3 does not know what was read")
    if connection.post_processing not in (PostProcessing.DELETE, PostProcessing.LEAVE):
        raise _imap4_only(
            "post_processing",
            str(connection.post_processing),
            f"'{PostProcessing.DELETE}' and '{PostProcessing.LEAVE}': POP3 has neither flags nor folders",
        )
    if connection.archive_folder:
        raise _imap4_only("archive_folder", connection.archive_folder, "none")
    if connection.partial_fetch:
        raise SettingsError("partial_fetch", f"found true, {_FOR_IMAP4_ONLY}; allowed with POP3: false")
    if any(each in connection.credential.password for each in "\r\n"):
        raise SettingsError(
            "credential",
            f"the password of {connection.credential.name!r} holds a line break, which no line of POP3 can carry",
        )


def _imap4_only(field: str, found: str, allowed: str) -> SettingsError:
    return SettingsError(field, f"found {found!r}, {_FOR_IMAP4_ONLY}; allowed with POP3: {allowed}")
