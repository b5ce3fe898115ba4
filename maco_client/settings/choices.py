"""What the screens offer to choose from, by their labels."""

from __future__ import annotations

import enum
from typing import TypeVar

from maco_client.failures import SettingsError


class ProxyType(enum.StrEnum):
    """Way to the mail server."""

    INTERNET = "Internet"
    ON_PREMISE = "On-Premise"


class TransportProtocol(enum.StrEnum):
    """What is spoken with the mail server."""

    IMAP4 = "IMAP4"
    POP3 = "POP3"


class Protection(enum.StrEnum):
    """What MaCo itself does about TLS."""

    OFF = "Off"
    STARTTLS_MANDATORY = "STARTTLS Mandatory"
    STARTTLS_OPTIONAL = "STARTTLS Optional"
    IMAPS = "IMAPS"
    POP3S = "POP3S"

    @property
    def is_implicit_tls(self) -> bool:
        """Tell whether the session is in TLS from its first byte."""
        return self in (Protection.IMAPS, Protection.POP3S)

    @property
    def is_starttls(self) -> bool:
        """Tell whether the session begins in clear and changes to TLS."""
        return self in (Protection.STARTTLS_MANDATORY, Protection.STARTTLS_OPTIONAL)


class Authentication(enum.StrEnum):
    """How MaCo logs in: by DIGEST-MD5 or CRAM-MD5, by user and password, or by an access token."""

    ENCRYPTED = "Encrypted User/Password"
    PLAIN = "Plain User Name/Password"
    OAUTH2 = "OAuth2 Authorization Code"


class Selection(enum.StrEnum):
    """Which mails of the folder are polled."""

    ALL = "All Mails"
    UNREAD = "Only Unread"


class PostProcessing(enum.StrEnum):
    """What becomes of a mail on the server once it is stored in the inbox."""

    ARCHIVE = "Archive"
    ARCHIVE_AND_MARK_READ = "Archive and Mark as Read"
    DELETE = "Delete"
    MARK_READ = "Mark as Read"
    LEAVE = "Leave on Server"
    """Of POP3, which has no flags: nothing is done."""

    @property
    def archives(self) -> bool:
        """Tell whether the mail is moved to the archive folder."""
        return self in (PostProcessing.ARCHIVE, PostProcessing.ARCHIVE_AND_MARK_READ)

    @property
    def marks_read(self) -> bool:
        """Tell whether the mail is flagged as seen."""
        return self in (PostProcessing.MARK_READ, PostProcessing.ARCHIVE_AND_MARK_READ)


class Weekday(enum.StrEnum):
    """A day of the week, in the order of ``datetime.date.weekday``."""

    MONDAY = "Mon"
    TUESDAY = "Tue"
    WEDNESDAY = "Wed"
    THURSDAY = "Thu"
    FRIDAY = "Fri"
    SATURDAY = "Sat"
    SUNDAY = "Sun"


_Choice = TypeVar("_Choice", bound=enum.StrEnum)


def choice(kind: type[_Choice], name: str, value: str) -> _Choice:
    """Return the member of ``kind`` that ``value`` names; raises SettingsError with what is allowed."""
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(repr(str(member)) for member in kind)
        raise SettingsError(name, f"found {value!r}, allowed are {allowed}") from None
