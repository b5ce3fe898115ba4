"""What the mail receiver adapter offers to choose from, by its labels."""

from __future__ import annotations

import enum

from maco_client.settings import Authentication


class SendingProtection(enum.StrEnum):
    """What MaCo itself does about TLS when it sends."""

    OFF = "Off"
    STARTTLS_MANDATORY = "STARTTLS Mandatory"
    STARTTLS_OPTIONAL = "STARTTLS Optional"
    SMTPS = "SMTPS"

    @property
    def is_starttls(self) -> bool:
        """Tell whether the session begins in clear and changes to TLS."""
        return self in (SendingProtection.STARTTLS_MANDATORY, SendingProtection.STARTTLS_OPTIONAL)


class SendingAuthentication(enum.StrEnum):
    """How MaCo logs in before it sends, if it does."""

    NONE = "None"
    PLAIN = "Plain User Name/Password"
    ENCRYPTED = "Encrypted User/Password"
    OAUTH2 = "OAuth2 Authorization Code"

    @property
    def login(self) -> Authentication | None:
        """The way of the login; None where there is none."""
        return None if self is SendingAuthentication.NONE else Authentication(str(self))


class BodyMimeType(enum.StrEnum):
    """What the body is, or an attachment."""

    TEXT_PLAIN = "Text/Plain"
    TEXT_CSV = "Text/CSV"
    TEXT_HTML = "Text/HTML"
    XML = "Application/XML"
    JSON = "Application/JSON"
    OCTET_STREAM = "Application/Octet-Stream"
    ZIP = "Application/ZIP"
    X_GZIP = "Application/X-Gzip"

    @property
    def parts(self) -> tuple[str, str]:
        """The type and the subtype, as a Content-Type field has them."""
        kind, _, subtype = self.lower().partition("/")
        return kind, subtype

    @property
    def is_text(self) -> bool:
        """Tell whether it has a character set."""
        return self.parts[0] == "text"


class BodyEncoding(enum.StrEnum):
    """The character set of a body that is text."""

    UTF_8 = "UTF-8"
    WINDOWS_1252 = "windows-1252"
    US_ASCII = "UTF-ASCII"
    LATIN_1 = "ISO-8859-1"

    @property
    def charset(self) -> str:
        """Its registered name: the product's label for ASCII is none."""
        return "us-ascii" if self is BodyEncoding.US_ASCII else self.lower()


class TransferEncoding(enum.StrEnum):
    """How the content of each part is written (RFC 2045, section 6)."""

    AUTOMATIC = "Automatic"
    SEVEN_BIT = "7Bit"
    EIGHT_BIT = "8Bit"
    BASE64 = "Base64"
    BINARY = "Binary"
    QUOTED_PRINTABLE = "Quoted-Printable"


class AttachmentSource(enum.StrEnum):
    """Where the content of an attachment comes from: what is sent, or a file."""

    BODY = "Body"
    FILE = "File"


class SignatureAndEncryption(enum.StrEnum):
    """S/MIME of the mail that is sent; only the first is simulated."""

    NONE = "None"
    ENCRYPTION = "S/MIME Encryption"
    SIGNATURE = "S/MIME Signature"
    BOTH = "S/MIME Signature and Encryption"
