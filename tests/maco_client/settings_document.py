"""Write the tables of docs/maco.md: each setting with what it takes, its default, and its effect on the wire.

Values and defaults are the code's; run ``python -m tests.maco_client.settings_document`` after a change of them.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from maco_client.settings import Credential, EmailConnection, EmailServer, Schedule
from maco_client.smtp.settings import Attachment, SendingConnection

PAGE = Path(__file__).resolve().parents[2] / "docs" / "maco.md"
BEGIN = "<!-- made by tests/maco_client/settings_document.py: begin -->\n"
END = "<!-- made by tests/maco_client/settings_document.py: end -->\n"


class Row(NamedTuple):
    """The label of the product's screen, or a dash, and the effect."""

    label: str
    effect: str


SERVER: Mapping[str, Row] = {
    "name": Row("Name", "none; part of a mail's identity in the inbox"),
    "address": Row(
        "Address",
        "`host` or `host:port`, without a port 143 (POP3 needs one). On-Premise: the virtual host and port in the "
        "SOCKS5 request. The host is the name in TLS's SNI, and the one that the certificate is compared with",
    ),
    "proxy_type": Row(
        "Proxy Type",
        "On-Premise: a token is fetched, and a connection to the Connectivity service's SOCKS5 proxy is opened with "
        "method 0x80. Internet: the mail server is dialled by itself",
    ),
    "location_id": Row(
        "Location ID", "On-Premise only: which Cloud Connector, in Base64 in the SOCKS5 sub-negotiation"
    ),
    "timeout_ms": Row(
        "Timeout (in ms)",
        "for the TCP connection, the SOCKS5 handshake and the TLS handshake, each; for every write; and for every "
        "answer to begin and to go on",
    ),
}
CREDENTIAL: Mapping[str, Row] = {
    "name": Row("Credential Name", "none; what an e-mail connection refers to"),
    "user": Row("User", "who logs in"),
    "password": Row("Password", "of Plain and Encrypted User/Password, at most 255 characters"),
    "access_token": Row("\u2013", "of OAuth2: the bearer token that the authorization has led to"),
}
CONNECTION: Mapping[str, Row] = {
    "name": Row("Name", "none"),
    "server": Row("Address", "the e-mail server"),
    "protection": Row(
        "Protection",
        "Off: no TLS by MaCo. STARTTLS Mandatory: `CAPABILITY`, `STARTTLS`, handshake, `CAPABILITY`; without the offer "
        "it ends. STARTTLS Optional: without the offer it goes on in clear. IMAPS and, by POP3, POP3S: the handshake "
        "comes first; not with On-Premise",
    ),
    "credential": Row("Credential Name", "who logs in"),
    "transport_protocol": Row(
        "Transport Protocol", "what is spoken: `CAPABILITY` … `LOGOUT`, or `CAPA` … `QUIT`; [by POP3](#mail-by-pop3)"
    ),
    "authentication": Row(
        "Authentication",
        "Plain: `AUTHENTICATE PLAIN` where the server offers it, else `AUTHENTICATE LOGIN`, else `LOGIN`. Encrypted: "
        "`AUTHENTICATE DIGEST-MD5`, by which the server has to prove itself too, else `AUTHENTICATE CRAM-MD5`, and the "
        "poll ends where the server offers neither. OAuth2: `AUTHENTICATE XOAUTH2` or `OAUTHBEARER`, with the token on "
        "the same line where the server has SASL-IR. By POP3 Plain is `USER` and `PASS`, or `AUTH PLAIN` where `CAPA` "
        "names no USER; Encrypted is `AUTH` with the same two mechanisms; there is no OAuth2",
    ),
    "folder": Row("Folder", "`LIST`, then `SELECT` of it; POP3 has INBOX alone"),
    "selection": Row(
        "Selection",
        "`UID SEARCH UNSEEN`, or `UID SEARCH ALL`. By IMAP4 the default is Only Unread; POP3 has no such choice",
    ),
    "max_messages_per_poll": Row("Max. Messages per Poll", "so many mails are fetched, then the poll is over"),
    "lock_timeout_min": Row(
        "Lock Timeout (in min)",
        "none; a poll locks host, user and folder, and a lock that is left is taken after so many minutes",
    ),
    "post_processing": Row(
        "Post-Processing",
        "after the mail is in the inbox. Mark as Read: `\\Seen`. Delete: `\\Deleted`, and `CLOSE` expunges. Archive: "
        "the mail goes to the Archive Folder; with Mark as Read `\\Seen` is set before. By POP3 Delete is `DELE`, "
        "which `QUIT` carries out, and Leave on Server is nothing at all",
    ),
    "archive_folder": Row("Archive Folder", "where Archive moves a mail to; created when it is missing"),
    "remove_attachments": Row("Remove Attachments", "none; a mail is [shown](inbox.md) without attachments"),
    "include_original_mail": Row("Include Original Mail", "none; `SAP_MAIL_ORIGINAL_MESSAGE` holds the raw mail"),
    "decode_mime_headers": Row("Decode MIME Headers", "none; header fields are decoded (RFC 2047) and unfolded"),
    "automatically_disconnect": Row(
        "Automatically Disconnect",
        "`LOGOUT` at the end of each poll; otherwise the session is kept for the next one, but never by POP3",
    ),
    "partial_fetch": Row(
        "\u2013", "mails are fetched in blocks of 16 KB, `BODY.PEEK[]<o.n>`, as JavaMail does by itself"
    ),
    "skip_failed_message": Row(
        "\u2013",
        "a mail that cannot be read is passed over, and told; off, it ends the poll: those before it are processed, "
        "those behind it wait",
    ),
    "plain_fallback": Row(
        "\u2013",
        "Encrypted only: where the server offers no encrypted way, as for Plain, which is what JavaMail does",
    ),
    "scheduler": Row("Scheduler", "when polls begin; see below. In the lab file the default is `poll_every_s`"),
}
SCHEDULE: Mapping[str, Row] = {
    "every_s": Row("Every", "seconds between the end of a poll and the next one"),
    "at": Row("On Time", "`HH:MM`, once a day, instead of `every_s`"),
    "not_before": Row("between", "`HH:MM`: polls by `every_s` begin no earlier in a day"),
    "not_after": Row("and", "`HH:MM`: and no later"),
    "on_date": Row("On Date", "on this one day only (Schedule on Day)"),
    "weekdays": Row("Weekly", "on these days of the week only"),
    "days_of_month": Row("Monthly", "on these days of the month only"),
    "time_zone": Row("Time Zone", "whose days and hours these are, as in `Europe/Berlin`"),
}
SENDING: Mapping[str, Row] = {
    "name": Row("Name", "none"),
    "address": Row(
        "Address",
        "`host:port`: 587 for STARTTLS, 465 for SMTPS; without a port 25, a trap. On-Premise: virtual host and port",
    ),
    "protection": Row(
        "Protection",
        "Off: no TLS by MaCo. STARTTLS Mandatory: `EHLO`, `STARTTLS`, handshake, `EHLO`; without the offer it ends. "
        "STARTTLS Optional: without the offer it goes on in clear. SMTPS: the handshake comes first; not On-Premise",
    ),
    "sender": Row("From", "`MAIL FROM`, and the header's From"),
    "proxy_type": Row("Proxy Type", "as for reading"),
    "location_id": Row("Location ID", "as for reading"),
    "timeout_ms": Row(
        "Timeout (in ms)",
        "more than 0 and less than 5 minutes: for connecting and each handshake, for each whole reply, and for each "
        "64 KiB of the mail",
    ),
    "authentication": Row(
        "Authentication",
        "Plain: `AUTH LOGIN`, else `AUTH PLAIN`, in JavaMail's order for SMTP. Encrypted: `AUTH DIGEST-MD5`, else "
        "`AUTH CRAM-MD5`. OAuth2: `AUTH XOAUTH2`, else `AUTH OAUTHBEARER`. Where the server offers none of them, no "
        "mail is sent",
    ),
    "credential": Row("Credential Name", "who logs in; none with Authentication None"),
    "plain_fallback": Row("\u2013", "as for reading"),
    "to": Row("To", "`RCPT TO` for each, and the header's To; with commas. 100 recipients in all, each once"),
    "cc": Row("Cc", "the same for the header's Cc"),
    "bcc": Row("Bcc", "`RCPT TO` for each, and nothing in the header"),
    "subject": Row(
        "Subject", "the header's Subject, encoded where it is not one line of ASCII that means itself (RFC 2047)"
    ),
    "mail_body": Row("Mail Body", "`${in.body}`, what is sent; or a text. No other expression is known"),
    "body_mime_type": Row(
        "Body MIME Type",
        "Content-Type. What is sent as Text/\u2026 must be UTF-8; as Application/\u2026 its bytes stay as they are",
    ),
    "body_encoding": Row("Body Encoding", "the charset of Text/\u2026; characters that it does not have become `?`"),
    "attachments": Row("Attachments", "each a part of a multipart/mixed behind the body; see below"),
    "content_transfer_encoding": Row(
        "Content Transfer Encoding",
        "of each part. Automatic: text is 7bit, else quoted-printable or base64, everything else base64. 8Bit: "
        "`BODY=8BITMIME`, and nothing is sent where the server does not offer it. 7Bit and 8Bit refuse bytes whose "
        "line ends are not CRLF: they would arrive changed. `Binary` is refused: it needs BDAT",
    ),
    "signature_and_encryption_type": Row(
        "Signature and Encryption Type", "`None`; the others are refused, for S/MIME is not simulated"
    ),
}
ATTACHMENT: Mapping[str, Row] = {
    "name": Row("Name", "the file's name in Content-Disposition"),
    "mime_type": Row("MIME Type", "Content-Type"),
    "source": Row("Source", "Body: what is sent, byte by byte. File: a file. (The product's Header is not simulated)"),
    "file": Row("\u2013", "with File: its path, from the lab file's folder; read when a mail is sent"),
}
TABLES: tuple[tuple[str, type[Any], Mapping[str, Row]], ...] = (
    ("Configure Email Server: `email_servers`", EmailServer, SERVER),
    ("Security material: `credentials`", Credential, CREDENTIAL),
    ("Configure Email Connection: `email_connections`", EmailConnection, CONNECTION),
    ("Scheduler: `scheduler` of an e-mail connection", Schedule, SCHEDULE),
    ("Sending: `sending_connections`", SendingConnection, SENDING),
    ("Attachments: `attachments` of a sending connection", Attachment, ATTACHMENT),
)


def page_with_tables(page: str) -> str:
    """Return the page with the tables that belong into it."""
    before, _, rest = page.partition(BEGIN)
    _, end, behind = rest.partition(END)
    assert end, "the page has lost its marks"
    return before + BEGIN + "\n" + "\n".join(_tables()) + "\n" + END + behind


def _tables() -> Iterator[str]:
    for number, (heading, kind, rows) in enumerate(TABLES):
        yield from ("", f"## {heading}", "") if number else (f"## {heading}", "")
        yield from ("| key | on the screen | allowed | default | effect on the wire |", "|---|---|---|---|---|")
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            row, allowed, default = rows[field.name], _allowed(hints[field.name]), _default(field)
            yield f"| `{field.name}` | {row.label} | {allowed} | {default} | {row.effect} |"


def _allowed(hint: Any) -> str:
    if isinstance(hint, types.UnionType):
        return _allowed(next(each for each in typing.get_args(hint) if each is not type(None)))
    if typing.get_origin(hint) is tuple:
        return f"list: {_allowed(typing.get_args(hint)[0])}"
    if isinstance(hint, type) and issubclass(hint, enum.StrEnum):
        return ", ".join(f"`{each}`" for each in hint)
    names = {bool: "true, false", int: "whole number", float: "number", str: "text", dt.date: "date"}
    return names.get(hint, "its name" if hint in (EmailServer, Credential) else "a mapping")


def _default(field: dataclasses.Field[Any]) -> str:
    match field.default:
        case dataclasses.MISSING:
            return ""
        case None | "" | ():
            return "none"
        case bool() as value:
            return str(value).lower()
        case Schedule() as value:
            return f"every {value.every_s:g} s"
    return str(field.default)


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
