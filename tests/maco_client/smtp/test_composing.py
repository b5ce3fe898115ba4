"""What a mail is made of, read back by the standard library's own parser and by eye."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_client.failures import SettingsError
from maco_client.smtp.composing import LARGEST_PAYLOAD, compose
from maco_client.smtp.message import OutgoingMail, data_lines
from maco_client.smtp.settings import Attachment
from tests.maco_client.smtp.test_settings import connection

NOW = dt.datetime(2026, 11, 26, 9, 30, tzinfo=dt.UTC)
TO = "gas@stadtwerke.example"


def composed(payload: bytes = b"UNA:+.? '\r\n", files: dict[str, bytes] | None = None, **settings: Any) -> OutgoingMail:
    return compose(connection(**({"to": TO} | settings)), payload, files or {}, NOW)


def read(mail: OutgoingMail) -> EmailMessage:
    """Read what a mail server writes down of it."""
    taken = data_lines(mail.message).replace(b"\r\n.", b"\r\n")
    return email.message_from_bytes(taken, policy=email.policy.default)


def body_of(mail: OutgoingMail) -> Any:
    content = read(mail).get_content()
    return content.replace("\r\n", "\n") if isinstance(content, str) else content


def test_the_header_says_who_and_whom_and_never_the_blind_copies() -> None:
    mail = composed(cc="strom@stadtwerke.example", bcc="eye@stadtwerke.example", subject="MSCONS Zähler")
    parsed = read(mail)

    assert (parsed["From"], parsed["To"], parsed["Cc"]) == ("maco@example.com", TO, "strom@stadtwerke.example")
    assert parsed["Subject"] == "MSCONS Zähler"
    assert parsed["Date"].datetime == NOW
    assert parsed["Message-ID"] == mail.message_id
    assert mail.message_id.endswith("@example.com>")
    assert parsed["MIME-Version"] == "1.0"
    assert "Bcc" not in parsed
    assert b"eye@" not in mail.message
    assert mail.recipients == (TO, "strom@stadtwerke.example", "eye@stadtwerke.example")
    assert mail.message.isascii()


def test_text_is_7bit_where_it_can_be_and_quoted_printable_where_not() -> None:
    assert read(composed())["Content-Transfer-Encoding"] == "7bit"
    mail = composed("Der Zähler ist abgelesen.\r\n".encode())
    assert read(mail)["Content-Transfer-Encoding"] == "quoted-printable"
    assert (read(mail).get_content_charset(), body_of(mail)) == ("utf-8", "Der Zähler ist abgelesen.\n")


@pytest.mark.parametrize(
    ("encoding", "charset", "read_back"),
    [
        ("UTF-8", "utf-8", "Zähler € Ж\n"),
        ("windows-1252", "windows-1252", "Zähler € ?\n"),
        ("ISO-8859-1", "iso-8859-1", "Zähler ? ?\n"),
        ("UTF-ASCII", "us-ascii", "Z?hler ? ?\n"),
    ],
)
def test_characters_that_body_encoding_does_not_have_become_question_marks(
    encoding: str, charset: str, read_back: str
) -> None:
    mail = composed("Zähler € Ж\n".encode(), body_encoding=encoding)
    assert (read(mail).get_content_charset(), body_of(mail)) == (charset, read_back)


def test_text_that_is_not_utf_8_is_refused_and_bytes_are_not() -> None:
    with pytest.raises(SettingsError, match="body_mime_type: found text whose byte 1 is not UTF-8"):
        composed(b"Z\xe4hler")
    mail = composed(b"Z\xe4hler", body_mime_type="Application/Octet-Stream")
    assert (read(mail).get_content_type(), body_of(mail)) == ("application/octet-stream", b"Z\xe4hler")


@pytest.mark.parametrize("kind", ["Text/Plain", "Text/CSV", "Text/HTML", "Application/XML", "Application/JSON",
                                  "Application/Octet-Stream", "Application/ZIP", "Application/X-Gzip"])  # fmt: skip
def test_every_type_of_the_screen_is_the_content_type(kind: str) -> None:
    assert read(composed(body_mime_type=kind)).get_content_type() == kind.lower()


def test_a_body_of_the_settings_takes_the_place_of_what_is_sent() -> None:
    sent = composed(b"UNB", mail_body="see the attachment", attachments=(Attachment("m.txt"),))
    text, attached = read(sent).iter_parts()
    assert text.get_content() == "see the attachment\r\n"
    assert (attached.get_filename(), attached.get_content()) == ("m.txt", b"UNB")


def test_attachments_keep_every_byte() -> None:
    everything = bytes(range(256)) * 3
    attachments = (
        Attachment("Zählerstände.zip", "Application/ZIP", "File", "/a.zip"),  # type: ignore[arg-type]  # labels will do
        Attachment("mscons.csv", "Text/CSV"),  # type: ignore[arg-type]
    )
    sent = composed(b"a;b\r\nc;d", {"/a.zip": everything}, attachments=attachments)
    _, first, second = read(sent).iter_parts()
    assert (first.get_filename(), first.get_content_type(), first.get_content()) == (
        "Zählerstände.zip", "application/zip", everything,
    )  # fmt: skip
    assert (second.get_filename(), second.get_payload(decode=True)) == ("mscons.csv", b"a;b\r\nc;d")
    assert sent.message.isascii()


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("Base64", "base64"), ("Quoted-Printable", "quoted-printable"), ("8Bit", "8bit")],
)
def test_the_transfer_encoding_is_the_one_that_is_set(encoding: str, written: str) -> None:
    mail = composed("Zähler\n".encode(), content_transfer_encoding=encoding)
    assert (read(mail)["Content-Transfer-Encoding"], body_of(mail)) == (written, "Zähler\n")
    assert mail.needs_8bitmime == (encoding == "8Bit")


@pytest.mark.parametrize(
    ("encoding", "payload"),
    [("7Bit", "Zähler".encode()), ("7Bit", b"x" * 999), ("8Bit", b"x" * 999), ("8Bit", b"a\0b")],
)
@pytest.mark.parametrize("kind", ["Text/Plain", "Application/Octet-Stream"])
def test_what_a_transfer_encoding_cannot_carry_is_refused(encoding: str, payload: bytes, kind: str) -> None:
    with pytest.raises(SettingsError, match=r"mail_body.*Content Transfer Encoding"):
        composed(payload, content_transfer_encoding=encoding, body_mime_type=kind)


@pytest.mark.parametrize("payload", [b"a\nb\r\n", b"a\rb\r\n", b"a\n"])
@pytest.mark.parametrize("encoding", ["7Bit", "8Bit"])
def test_bytes_whose_line_ends_would_change_are_refused(encoding: str, payload: bytes) -> None:
    given: dict[str, Any]
    for given in ({"body_mime_type": "Application/Octet-Stream"}, {"attachments": (Attachment("m.edi"),)}):
        with pytest.raises(SettingsError, match="Content Transfer Encoding"):
            composed(payload, content_transfer_encoding=encoding, **given)


@pytest.mark.parametrize("encoding", ["7Bit", "8Bit"])
def test_a_body_of_bytes_whose_end_would_get_a_line_end_is_refused(encoding: str) -> None:
    with pytest.raises(SettingsError, match="mail_body: found bytes that do not end with CRLF"):
        composed(b"a\r\nb", content_transfer_encoding=encoding, body_mime_type="Application/Octet-Stream")
    mail = composed(b"a\r\nb", content_transfer_encoding=encoding, attachments=(Attachment("m.edi"),))
    (attached,) = read(mail).iter_attachments()
    assert attached.get_payload(decode=True) == b"a\r\nb"


def test_long_lines_and_nul_are_encoded_by_themselves() -> None:
    for payload in (b"x" * 5000 + b"\n", b"a\0b\n"):
        mail = composed(payload)
        assert max(map(len, mail.message.split(b"\r\n"))) <= 998
        assert b"\0" not in mail.message
        assert body_of(mail) == payload.decode()


def test_a_local_part_beyond_ascii_makes_a_header_of_utf_8() -> None:
    mail = composed(to="jürgen@bücher.example")
    assert (mail.needs_smtputf8, mail.needs_8bitmime) == (True, True)
    assert "To: jürgen@xn--bcher-kva.example\r\n".encode() in mail.message


def test_a_host_beyond_ascii_alone_needs_nothing() -> None:
    mail = composed(to="gas@bücher.example")
    assert (mail.needs_smtputf8, mail.message.isascii()) == (False, True)


def test_nobody_and_too_much_are_refused() -> None:
    with pytest.raises(SettingsError, match="to: found no recipient"):
        composed(to="")
    with pytest.raises(SettingsError, match="body"):
        composed(b"x" * (LARGEST_PAYLOAD + 1))


@given(st.binary(max_size=300), st.sampled_from(["Automatic", "Base64", "Quoted-Printable"]))
def test_bytes_come_back_as_they_went(payload: bytes, encoding: str) -> None:
    mail = composed(payload, body_mime_type="Application/Octet-Stream", content_transfer_encoding=encoding)
    assert body_of(mail) == payload


def names_in(mail: OutgoingMail) -> set[bytes]:
    head = mail.message.partition(b"\r\n\r\n")[0]
    return {line.partition(b":")[0].lower() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))}


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=200)
    | st.text("ab =?_,;:\"'()<>@\\ \u00e4\u20ac", max_size=400)
    | st.sampled_from(["=?utf-8?q?a=0D=0ABcc:_eve=40x.example?=", "b =?utf-8?b?DQpCY2M6IGV2ZQ==?= c", "x" * 998])
)
def test_a_subject_injects_nothing_and_comes_back_as_it_went(subject: str) -> None:
    try:
        mail = composed(subject=subject)
    except SettingsError:
        assert not subject.isprintable() or "${" in subject
        return
    assert names_in(mail) <= {b"date", b"from", b"to", b"subject", b"message-id", b"mime-version", b"content-type",
                              b"content-transfer-encoding"}  # fmt: skip
    assert max(map(len, mail.message.split(b"\r\n"))) <= 998
    assert str(make_header(decode_header(mail_header(mail, "Subject")))) == subject


def mail_header(mail: OutgoingMail, name: str) -> str:
    return str(email.message_from_bytes(mail.message)[name] or "")


def test_a_name_of_an_attachment_says_what_it_says() -> None:
    with pytest.raises(SettingsError, match=r"name: found '=\?utf-8"):
        Attachment("=?utf-8?q?a=0D=0AX:_y?=")
    for name in ('a"; filename="b.exe', "a\\b.txt", "a;b=c,d.txt", "Z\u00e4hler %41 'x'.csv"):
        (attached,) = read(composed(attachments=(Attachment(name),))).iter_attachments()
        assert attached.get_filename() == name
