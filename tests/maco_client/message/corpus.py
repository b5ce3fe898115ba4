"""Mails as they come: whole ones, odd ones and broken ones, each with what is wrong with it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from email.message import EmailMessage

EDIFACT = b"UNA:+.? 'UNB+UNOC:3+9900000000001:500+9900000000002:500+261101:0800+1'UNZ+0+1'"


@dataclass(frozen=True)
class Specimen:
    """A mail and the problems that it has; ``unreadable`` is the one at which JavaMail throws."""

    name: str
    raw: bytes
    problems: tuple[str, ...] = ()
    unreadable: str = ""


def whole() -> bytes:
    """Return a market mail as a careful sender makes it, by Python's own generator."""
    message = EmailMessage()
    message["From"] = "Netz Süd <netz@nb.example>"
    message["To"] = "strom@stadtwerke.example"
    message["Subject"] = "Zählerstände für März"
    message["Message-ID"] = "<1@nb.example>"
    message.set_content("Anbei die Zählerstände.\n")
    message.add_attachment(EDIFACT, maintype="application", subtype="edifact", filename="MSCONS_März.txt")
    message.set_boundary("b")
    return message.as_bytes()


def text(declared: bytes, body: bytes) -> bytes:
    return b"Subject: x\r\nContent-Type: text/plain; charset=" + declared + b"\r\n\r\n" + body


def multipart(parameters: bytes, body: bytes) -> bytes:
    return b"Subject: x\r\nContent-Type: multipart/mixed" + parameters + b"\r\n\r\n" + body


PART = b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
UNKNOWN_CHARSET = "UnsupportedEncodingException: x-ebcdic-of-1984"
NO_START = "MessagingException: Missing start boundary"
NO_BOUNDARY = "MessagingException: Missing boundary parameter"
NO_BASE64 = "DecodingException: BASE64Decoder: Error in encoded stream"
NO_ENCODING = "IOException: Unknown encoding: x-zip"
TOO_MUCH = "the mail has more or deeper parts than are looked at"
DEEP = b"Content-Type: message/rfc822\r\n\r\n" * 2000

CORPUS = (
    Specimen("whole", whole()),
    Specimen("ASCII", b"Subject: x\r\n\r\nhello\r\n"),
    Specimen("lines with LF alone", b"Subject: x\n\nhello\n"),
    Specimen("Latin-1, declared", text(b"iso-8859-1", "Zähler".encode("latin-1"))),
    Specimen("Windows-1252", text(b'"windows-1252"', b"\x80 5")),
    Specimen("8 bit without a charset", b"Subject: x\r\n\r\nZ\xe4hler", ("a text has bytes that are not us-ascii",)),
    Specimen("not its charset", text(b"utf-8", b"Z\xe4hler"), ("a text has bytes that are not utf-8",)),
    Specimen("unknown charset", text(b"x-ebcdic-of-1984", b"hello"), (UNKNOWN_CHARSET,), UNKNOWN_CHARSET),
    Specimen("codec that is no charset", text(b"rot13", b"hello"), ("UnsupportedEncodingException: rot13",), "rot13"),
    Specimen("multipart", multipart(b"; boundary=b", PART + b"--b--\r\n")),
    Specimen("no boundary", multipart(b"", PART), (NO_BOUNDARY,), NO_BOUNDARY),
    Specimen("no part", multipart(b"; boundary=b", b"nothing here"), (NO_START,), NO_START),
    Specimen("no end", multipart(b"; boundary=b", PART), ("the end boundary of a multipart is missing",)),
    Specimen(
        "base64 of a wrong length",
        b"Content-Transfer-Encoding: base64\r\nSubject: x\r\n\r\n" + base64.b64encode(b"12")[:-3] + b"\r\n",
        (NO_BASE64,),
        NO_BASE64,
    ),
    Specimen(
        "unknown transfer encoding",
        b"Subject: x\r\nContent-Transfer-Encoding: x-zip\r\n\r\nPK",
        (NO_ENCODING,),
        NO_ENCODING,
    ),
    Specimen("empty", b"", ("there is no header",)),
    Specimen("content alone", b"\r\nhello", ("there is no header",)),
    Specimen("no field", b"Subject: x\r\nnonsense\r\n\r\nhello", ("a line of the header is no field",)),
    Specimen("binary", bytes(range(256)) * 4, ("there is no header", "a line of the header is no field")),
    Specimen("mails in mails without end", b"Subject: x\r\n" + DEEP, (TOO_MUCH,), TOO_MUCH),
    Specimen("parts without end", multipart(b"; boundary=b", b"\r\n--b" * 20_000), (TOO_MUCH,), TOO_MUCH),
)
