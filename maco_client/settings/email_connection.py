"""What is polled on an e-mail server, and how."""

from __future__ import annotations

from dataclasses import dataclass

from maco_client.failures import SettingsError
from maco_client.settings.choices import (
    Authentication,
    PostProcessing,
    Protection,
    ProxyType,
    Selection,
    TransportProtocol,
    choice,
)
from maco_client.settings.credential import Credential
from maco_client.settings.email_server import EmailServer
from maco_client.settings.fields import check_name, check_number, check_text
from maco_client.settings.pop3 import check_pop3
from maco_client.settings.schedule import DEFAULT_SCHEDULE, Schedule

DEFAULT_LOCK_TIMEOUT_MIN = 15
LONGEST_LOCK_TIMEOUT_MIN = 1440

_IMPLICIT_TLS = {TransportProtocol.IMAP4: Protection.IMAPS, TransportProtocol.POP3: Protection.POP3S}


@dataclass(frozen=True)
class EmailConnection:
    """What is polled, and how ("Configure Email Connection": the tabs Connection, Processing and Scheduler).

    ``max_messages_per_poll`` None means no limit, as in Camel. ``selection`` becomes Only Unread where nothing is said;
    by POP3 it stays None, as all that is there is polled. Three switches are JavaMail's and Camel's own, which the
    screens do not show: ``partial_fetch`` reads a mail in blocks of 16 KB, ``skip_failed_message`` lets a mail that
    cannot be read hold up no other one, and ``plain_fallback`` lets Encrypted User/Password send the password as it is
    where the server knows no encrypted way.
    """

    name: str
    server: EmailServer
    protection: Protection
    credential: Credential
    transport_protocol: TransportProtocol = TransportProtocol.IMAP4
    folder: str = "INBOX"
    selection: Selection | None = None
    max_messages_per_poll: int | None = None
    post_processing: PostProcessing = PostProcessing.MARK_READ
    archive_folder: str = ""
    authentication: Authentication = Authentication.PLAIN
    lock_timeout_min: int = DEFAULT_LOCK_TIMEOUT_MIN
    remove_attachments: bool = False
    include_original_mail: bool = False
    decode_mime_headers: bool = True
    automatically_disconnect: bool = True
    partial_fetch: bool = False
    skip_failed_message: bool = True
    plain_fallback: bool = False
    scheduler: Schedule = DEFAULT_SCHEDULE

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be."""
        check_name("name", self.name)
        check_text("folder", self.folder)
        for name, kind in (
            ("transport_protocol", TransportProtocol),
            ("protection", Protection),
            ("authentication", Authentication),
            ("selection", Selection),
            ("post_processing", PostProcessing),
        ):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, choice(kind, name, getattr(self, name)))
        if self.max_messages_per_poll is not None and self.max_messages_per_poll < 1:
            raise SettingsError("max_messages_per_poll", f"found {self.max_messages_per_poll}, allowed is 1 or more")
        check_number("lock_timeout_min", self.lock_timeout_min, 1, LONGEST_LOCK_TIMEOUT_MIN)
        self._check_protection()
        self._check_authentication()
        if self.transport_protocol is TransportProtocol.POP3:
            check_pop3(self)
        else:
            self._check_imap4()
        self._check_archive()

    def _check_imap4(self) -> None:
        if self.selection is None:
            object.__setattr__(self, "selection", Selection.UNREAD)
        if self.post_processing is PostProcessing.LEAVE:
            allowed = ", ".join(f"'{each}'" for each in PostProcessing if each is not PostProcessing.LEAVE)
            raise SettingsError(
                "post_processing",
                f"found '{PostProcessing.LEAVE}', which only Transport Protocol POP3 has; allowed with IMAP4: "
                f"{allowed}",
            )

    def _check_protection(self) -> None:
        implicit = _IMPLICIT_TLS[self.transport_protocol]
        if self.protection.is_implicit_tls and self.protection is not implicit:
            raise SettingsError(
                "protection",
                f"found '{self.protection}' with Transport Protocol {self.transport_protocol}; allowed with it: "
                f"'Off', 'STARTTLS Mandatory', 'STARTTLS Optional' and, for Internet, '{implicit}'",
            )
        if self.protection is implicit and self.server.proxy_type is ProxyType.ON_PREMISE:
            raise SettingsError(
                "protection",
                f"found '{self.protection}' with Proxy Type On-Premise, which MaCo does not offer; allowed are "
                "'STARTTLS Mandatory' or 'STARTTLS Optional' (mapping protocol TCP), or 'Off' with a mapping of "
                "protocol TCP TLS, where the Cloud Connector speaks TLS to the mail server",
            )

    def _check_authentication(self) -> None:
        if self.credential.is_oauth2 != (self.authentication is Authentication.OAUTH2):
            held = "an access token" if self.credential.is_oauth2 else "a password"
            allowed = (
                "'OAuth2 Authorization Code'"
                if self.credential.is_oauth2
                else "'Plain User Name/Password' or 'Encrypted User/Password'"
            )
            raise SettingsError(
                "authentication",
                f"found '{self.authentication}' with credential {self.credential.name!r}, which holds {held}; "
                f"allowed with it: {allowed}",
            )
        if self.plain_fallback and self.authentication is not Authentication.ENCRYPTED:
            raise SettingsError("plain_fallback", f"found true, allowed only with '{Authentication.ENCRYPTED}'")

    def _check_archive(self) -> None:
        if not self.post_processing.archives:
            return
        if not self.archive_folder or not self.archive_folder.isprintable():
            found = repr(self.archive_folder) if self.archive_folder else "none"
            raise SettingsError("archive_folder", f"found {found}, {self.post_processing} needs a folder name")
        if self.archive_folder == self.folder:
            raise SettingsError("archive_folder", f"found {self.folder!r}, which is the polled folder itself")
