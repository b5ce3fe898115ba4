"""A mail made of settings and of what is sent: header, body, attachments (RFC 5322, RFC 2045). Pure.

One rule: what comes out at the other end is what went in. A text alone is changed: its lines end with CRLF, the last
one too, and Body Encoding may turn characters into ``?``, as in the product. Whatever else cannot be sent as it is set
is refused before anything is said to a server.
"""

from __future__ import annotations

import datetime as dt
import email.policy
import email.utils
import re
from collections.abc import Mapping
from email.header import Header
from email.message import EmailMessage

from maco_client.failures import SettingsError
from maco_client.settings.fields import check_total
from maco_client.smtp.addresses import addresses_in, check_address
from maco_client.smtp.choices import AttachmentSource, BodyMimeType, TransferEncoding
from maco_client.smtp.message import OutgoingMail
from maco_client.smtp.settings import IN_BODY, Attachment, SendingConnection

LONGEST_LINE = 998  # bytes without CRLF; RFC 5322, section 2.1.1
LONGEST_HEADER_LINE = 78  # the same section: "SHOULD be no more than 78 characters"
LARGEST_PAYLOAD = 20 * 1024 * 1024
LARGEST_MAIL = 30 * 1024 * 1024

_LONE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_ENCODINGS: Mapping[TransferEncoding, str] = {
    TransferEncoding.SEVEN_BIT: "7bit",
    TransferEncoding.EIGHT_BIT: "8bit",
    TransferEncoding.BASE64: "base64",
    TransferEncoding.QUOTED_PRINTABLE: "quoted-printable",
}

_AS_IT_IS = (TransferEncoding.SEVEN_BIT, TransferEncoding.EIGHT_BIT)


class _Subject(str):
    """The header's Subject, as the text says it.

    EmailMessage itself would read an encoded word in the text as what it stands for, which may be a line break and
    another header field, and would lose spaces where it folds.
    """

    __slots__ = ()
    name = "Subject"

    def fold(self, *, policy: email.policy.EmailPolicy[EmailMessage]) -> str:
        """Return the field: one line of ASCII that means itself, else encoded words (RFC 2047)."""
        line = f"{self.name}: {self}"
        if not self.isascii() or "=?" in self or self != self.strip() or len(line) > LONGEST_HEADER_LINE:
            encoded = Header(str(self), "utf-8", header_name=self.name).encode(linesep=policy.linesep)
            line = f"{self.name}: {encoded}"
        return line + policy.linesep


def compose(
    connection: SendingConnection, payload: bytes, files: Mapping[str, bytes], now: dt.datetime
) -> OutgoingMail:
    """Return the mail that is sent when ``payload`` is; ``files`` has the content of attachments by their path.

    Raises SettingsError naming the setting that does not let this content through.
    """
    sender = check_address("sender", connection.sender)
    check_total("body", [len(payload)], LARGEST_PAYLOAD)
    mail = EmailMessage(_policy(connection))
    mail["Date"] = now
    mail["From"] = sender
    for field in ("to", "cc"):
        if listed := addresses_in(field, getattr(connection, field)):
            mail[field.title()] = ", ".join(listed)
    if connection.subject:
        mail["Subject"] = _Subject(connection.subject)
    message_id = email.utils.make_msgid(domain=sender.rpartition("@")[2])
    mail["Message-ID"] = message_id
    _set_body(mail, connection, payload)
    for each in connection.attachments:
        _attach(mail, each, payload if each.source is AttachmentSource.BODY else files[each.file], connection)
    message = mail.as_bytes()
    check_total("attachments", [len(message)], LARGEST_MAIL)
    return OutgoingMail(sender, connection.recipients, message, message_id)


def _policy(connection: SendingConnection) -> email.policy.EmailPolicy[EmailMessage]:
    """Return how the mail is written: a header beyond ASCII only where an address is (RFC 6532)."""
    is_utf8 = not all(each.isascii() for each in (connection.sender.rpartition("@")[0], *connection.recipients))
    base = email.policy.SMTPUTF8 if is_utf8 else email.policy.SMTP
    is_8bit = connection.content_transfer_encoding is TransferEncoding.EIGHT_BIT
    return base.clone(cte_type="8bit" if is_8bit or is_utf8 else "7bit")


def _set_body(mail: EmailMessage, connection: SendingConnection, payload: bytes) -> None:
    kind, encoding = connection.body_mime_type, connection.body_encoding
    is_given = connection.mail_body == IN_BODY
    if not kind.is_text:
        written = connection.mail_body.encode(encoding.charset, "replace")
        _set_bytes(mail, "mail_body", payload if is_given else written, kind, connection)
        return
    text = _text(payload) if is_given else connection.mail_body
    written = text.encode(encoding.charset, "replace")
    mail.set_content(
        written.decode(encoding.charset),
        subtype=kind.parts[1],
        charset=encoding.charset,
        cte=_encoding("mail_body", written, connection.content_transfer_encoding, is_text=True),
    )


def _text(payload: bytes) -> str:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(
            "body_mime_type",
            f"found text whose byte {error.start} is not UTF-8, allowed for Text/… is UTF-8; as "
            "Application/Octet-Stream, or as an attachment, bytes stay as they are",
        ) from error


def _attach(mail: EmailMessage, attachment: Attachment, content: bytes, connection: SendingConnection) -> None:
    maintype, subtype = attachment.mime_type.parts
    mail.add_attachment(
        content,
        maintype=maintype,
        subtype=subtype,
        filename=attachment.name,
        cte=_encoding("attachments", content, connection.content_transfer_encoding, is_text=False),
    )


def _set_bytes(
    mail: EmailMessage, field: str, content: bytes, kind: BodyMimeType, connection: SendingConnection
) -> None:
    maintype, subtype = kind.parts
    wanted = connection.content_transfer_encoding
    if wanted in _AS_IT_IS and content and not content.endswith(b"\r\n"):
        raise SettingsError(
            field, f"found bytes that do not end with CRLF, needed with Content Transfer Encoding {wanted}"
        )
    cte = _encoding(field, content, wanted, is_text=False)
    mail.set_content(content, maintype=maintype, subtype=subtype, cte=cte)
    if cte == "quoted-printable" and content:
        # RFC 2045, section 6.7, rule 5: the line break that ends the mail is none of the content's.
        mail.set_payload(f"{mail.get_payload()}=\n")


def _encoding(field: str, content: bytes, wanted: TransferEncoding, *, is_text: bool) -> str:
    """Return the Content-Transfer-Encoding; raises SettingsError for content that the wanted one cannot carry."""
    fits = b"\0" not in content and max(map(len, content.splitlines()), default=0) <= LONGEST_LINE
    keeps_line_ends = is_text or _LONE_LINE_END.search(content) is None
    if wanted is TransferEncoding.AUTOMATIC:
        if not is_text or b"\0" in content:
            return "base64"
        if fits and content.isascii():
            return "7bit"
        beyond_ascii = sum(byte > 127 for byte in content)
        return (
            "quoted-printable" if beyond_ascii * 6 < len(content) else "base64"
        )  # RFC 2045, section 6.7: mostly ASCII
    if wanted in _AS_IT_IS:
        if not (fits and keeps_line_ends):
            ends = "" if is_text else ", ended by CRLF"
            allowed = f"lines of at most {LONGEST_LINE} bytes without NUL{ends}"
            raise SettingsError(
                field, f"found other bytes, allowed with Content Transfer Encoding {wanted} are {allowed}"
            )
        if wanted is TransferEncoding.SEVEN_BIT and not content.isascii():
            raise SettingsError(
                field, f"found bytes beyond ASCII, allowed with Content Transfer Encoding {wanted} is ASCII"
            )
    return _ENCODINGS[wanted]
