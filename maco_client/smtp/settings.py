"""What MaCo sends mail by: the mail receiver adapter's tabs Connection and Processing, as one value.

Unlike for reading, the adapter has server and mail in one place, and so has this. Expressions (``${…}``) are not
simulated but for the one that is the default of the body.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from maco_client.failures import SettingsError
from maco_client.settings import DEFAULT_TIMEOUT_MS, Credential, EmailServer, ProxyType
from maco_client.settings.choices import choice
from maco_client.settings.fields import check_name, check_number, check_text, check_total
from maco_client.smtp.addresses import MOST_RECIPIENTS, addresses_in, check_address
from maco_client.smtp.choices import (
    AttachmentSource,
    BodyEncoding,
    BodyMimeType,
    SendingAuthentication,
    SendingProtection,
    SignatureAndEncryption,
    TransferEncoding,
)

SMTP_PORT = 25  # what the product takes where no port is named, and advises against
LONGEST_TIMEOUT_MS = 299_999  # CPI mail receiver adapter: "> 0 and < 5 minutes"
IN_BODY = "${in.body}"
EXPRESSION = "${"
ENCODED_WORD = "=?"
"""How an encoded word begins (RFC 2047), in which a file name may say something else than it seems to."""
LONGEST_SUBJECT = 998  # RFC 5322, section 2.1.1: as long as a line
MOST_ATTACHMENTS = 20
LONGEST_BODY = 65_536


@dataclass(frozen=True)
class Attachment:
    """A part beside the body: what is sent (``Body``), or the content of ``file``."""

    name: str
    mime_type: BodyMimeType = BodyMimeType.OCTET_STREAM
    source: AttachmentSource = AttachmentSource.BODY
    file: str = ""

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be."""
        check_name("name", self.name)
        _check_no_expression("name", self.name)
        if ENCODED_WORD in self.name:
            raise SettingsError("name", f"found {self.name!r}, allowed is a file name without '{ENCODED_WORD}'")
        for name, kind in (("mime_type", BodyMimeType), ("source", AttachmentSource)):
            object.__setattr__(self, name, choice(kind, name, getattr(self, name)))
        if (self.source is AttachmentSource.FILE) != bool(self.file):
            found = repr(self.file) if self.file else "none"
            raise SettingsError("file", f"found {found} with Source {self.source}, allowed is a path with Source File")
        if self.file:
            check_text("file", self.file)


@dataclass(frozen=True)
class SendingConnection:
    """By which server mails are sent, as whom, to whom, and what they look like.

    ``address`` is ``host:port`` (without a port: 25). Lists of addresses have commas. A ``credential`` is there where
    Authentication is not None. ``plain_fallback`` is JavaMail's own switch, see EmailConnection.
    """

    name: str
    address: str
    protection: SendingProtection
    sender: str
    proxy_type: ProxyType = ProxyType.ON_PREMISE
    location_id: str = ""
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    authentication: SendingAuthentication = SendingAuthentication.NONE
    credential: Credential | None = None
    plain_fallback: bool = False
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    mail_body: str = IN_BODY
    body_mime_type: BodyMimeType = BodyMimeType.TEXT_PLAIN
    body_encoding: BodyEncoding = BodyEncoding.UTF_8
    attachments: tuple[Attachment, ...] = ()
    content_transfer_encoding: TransferEncoding = TransferEncoding.AUTOMATIC
    signature_and_encryption_type: SignatureAndEncryption = SignatureAndEncryption.NONE

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be."""
        check_name("name", self.name)
        for name, kind in (
            ("protection", SendingProtection),
            ("proxy_type", ProxyType),
            ("authentication", SendingAuthentication),
            ("body_mime_type", BodyMimeType),
            ("body_encoding", BodyEncoding),
            ("content_transfer_encoding", TransferEncoding),
            ("signature_and_encryption_type", SignatureAndEncryption),
        ):
            object.__setattr__(self, name, choice(kind, name, getattr(self, name)))
        self._check_connection()
        self._check_authentication()
        self._check_addresses()
        self._check_content()

    @property
    def server(self) -> EmailServer:
        """Where the mail server is, for whatever opens the way to it."""
        address = self.address if ":" in self.address else f"{self.address}:{SMTP_PORT}"
        return EmailServer(
            name=self.name,
            address=address,
            proxy_type=self.proxy_type,
            location_id=self.location_id,
            timeout_ms=self.timeout_ms,
        )

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody whom the mail goes to, each once."""
        listed = (("to", self.to), ("cc", self.cc), ("bcc", self.bcc))
        return tuple(dict.fromkeys(each for field, text in listed for each in addresses_in(field, text)))

    def for_one_mail(self, **changes: str) -> SendingConnection:
        """Return these settings with other recipients or another subject; raises SettingsError."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]  # fields that are texts

    def _check_connection(self) -> None:
        for field in ("address", "location_id"):
            _check_no_expression(field, getattr(self, field))
        check_number("timeout_ms", self.timeout_ms, 1, LONGEST_TIMEOUT_MS)
        _ = self.server  # address, location ID and their combination are checked when it is built
        if self.protection is SendingProtection.SMTPS and self.proxy_type is ProxyType.ON_PREMISE:
            raise SettingsError(
                "protection",
                "found 'SMTPS' with Proxy Type On-Premise, which MaCo does not offer; allowed are 'STARTTLS Mandatory' "
                "or 'STARTTLS Optional' (mapping protocol TCP), or 'Off' with a mapping of protocol TCP TLS, where the "
                "Cloud Connector speaks TLS to the mail server",
            )

    def _check_authentication(self) -> None:
        if (self.credential is None) != (self.authentication is SendingAuthentication.NONE):
            found = f"found '{self.authentication}' {'with' if self.credential else 'without'} a credential"
            raise SettingsError("authentication", f"{found}, allowed without one is 'None', and with one any other")
        oauth2 = self.authentication is SendingAuthentication.OAUTH2
        if self.credential is not None and self.credential.is_oauth2 != oauth2:
            held = "an access token" if self.credential.is_oauth2 else "a password"
            found = f"'{self.authentication}' with credential {self.credential.name!r}, which holds {held}"
            raise SettingsError("authentication", f"found {found}")
        if self.plain_fallback and self.authentication is not SendingAuthentication.ENCRYPTED:
            raise SettingsError("plain_fallback", f"found true, allowed only with '{SendingAuthentication.ENCRYPTED}'")

    def _check_addresses(self) -> None:
        for field in ("sender", "to", "cc", "bcc"):
            _check_no_expression(field, getattr(self, field))
        check_address("sender", self.sender)
        check_total("recipients", [len(self.recipients)], MOST_RECIPIENTS)

    def _check_content(self) -> None:
        _check_no_expression("subject", self.subject)
        if not (self.subject + "x").isprintable() or len(self.subject) > LONGEST_SUBJECT:
            raise SettingsError("subject", f"allowed is printable text of at most {LONGEST_SUBJECT} characters")
        if self.mail_body != IN_BODY:
            _check_no_expression("mail_body", self.mail_body)
        check_total("mail_body", [len(self.mail_body)], LONGEST_BODY)
        check_total("attachments", [len(self.attachments)], MOST_ATTACHMENTS)
        if self.content_transfer_encoding is TransferEncoding.BINARY:
            allowed = ", ".join(repr(str(each)) for each in TransferEncoding if each is not TransferEncoding.BINARY)
            raise SettingsError(
                "content_transfer_encoding",
                f"found 'Binary', which needs BDAT (RFC 3030) and is not simulated; allowed are {allowed}",
            )
        if self.signature_and_encryption_type is not SignatureAndEncryption.NONE:
            raise SettingsError(
                "signature_and_encryption_type",
                f"found '{self.signature_and_encryption_type}', allowed is 'None': MaCo's simulation neither signs nor "
                "encrypts what it sends",
            )


def _check_no_expression(field: str, text: str) -> None:
    if EXPRESSION in text:
        only = f"; {IN_BODY} as a whole is the one that is known" if field == "mail_body" else ""
        raise SettingsError(field, f"found {text[:80]!r}, allowed is text without expressions{only}")
