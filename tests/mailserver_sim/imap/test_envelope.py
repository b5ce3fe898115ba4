from __future__ import annotations

import pytest

from mailserver_sim.headers import split_header
from mailserver_sim.imap.envelope import body_structure, envelope
from mailserver_sim.imap.mime import parse_message


def structure(raw: bytes, *, extended: bool = False) -> bytes:
    return body_structure(parse_message(*split_header(raw)), extended=extended)


def test_the_envelope_of_the_rfcs_example() -> None:
    # RFC 3501, section 8 (sample connection), ENVELOPE of message 12
    header = (
        b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n"
        b"Subject: IMAP4rev1 WG mtg summary and minutes\r\nTo: imap@cac.washington.edu\r\n"
        b"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
        b"Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n"
    )
    terry = b'(("Terry Gray" NIL "gray" "cac.washington.edu"))'
    assert envelope(header) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" '
        + b" ".join([terry, terry, terry])
        + b' ((NIL NIL "imap" "cac.washington.edu"))'
        b' ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL'
        b' "<B27397-0100000@cac.washington.edu>")'
    )


def test_an_empty_header_has_an_envelope_of_nils() -> None:
    assert envelope(b"\r\n") == b"(" + b" ".join([b"NIL"] * 10) + b")"


def test_a_mail_without_content_type_is_text_plain() -> None:
    # RFC 2045, section 5.2: Content-type: text/plain; charset=us-ascii
    assert structure(b"Subject: x\r\n\r\none\r\ntwo\r\n") == (
        b'("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 10 2)'
    )


def test_a_multipart_lists_its_parts_and_its_subtype() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nfirst\r\n"
        b'--b\r\nContent-Type: application/edifact; name="A.edi"\r\nContent-Transfer-Encoding: base64\r\n'
        b"Content-Disposition: attachment; filename=A.edi\r\n\r\nVU5B\r\n--b--\r\n"
    )
    assert structure(raw, extended=True) == (
        b'(("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 5 0 NIL NIL NIL NIL)'
        b'("APPLICATION" "EDIFACT" ("NAME" "A.edi") NIL NIL "BASE64" 4 NIL ("ATTACHMENT" ("FILENAME" "A.edi")) NIL NIL)'
        b' "MIXED" ("BOUNDARY" "b") NIL NIL NIL)'
    )


def test_an_enclosed_message_has_its_envelope_and_structure() -> None:
    found = structure(b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntext")
    assert found.startswith(b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 19 (NIL "in" ')
    assert found.endswith(b'("TEXT" "PLAIN" ("CHARSET" "us-ascii") NIL NIL "7BIT" 4 0) 2)')


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        # RFC 2046, section 4.1.2: us-ascii "must be assumed in the absence of a charset parameter"
        (b"Content-Type: text/html", b'"TEXT" "HTML" ("CHARSET" "us-ascii") '),
        (b"Content-Type: text/html; x=y", b'"TEXT" "HTML" ("X" "y" "CHARSET" "us-ascii") '),
        (b"Content-Type: text/html; charset=utf-8", b'"TEXT" "HTML" ("CHARSET" "utf-8") '),
        (b"Content-Type: image/png", b'"IMAGE" "PNG" NIL '),
        # RFC 2045, section 5.2: what is no Content-Type is text/plain
        (b"Content-Type: text", b'"TEXT" "PLAIN" ("CHARSET" "us-ascii") '),
        (b"Content-Type: multipart/mixed; boundary=b", b'"TEXT" "PLAIN" ("CHARSET" "us-ascii") '),
        # body-fld-lang = nstring / "(" string *(SP string) ")"
        (b"Content-Language: de, en", b' NIL NIL ("de" "en") NIL)'),
        (b"Content-Disposition: inline; a*=utf-8''%FC", b""" ("INLINE" ("A*" "utf-8''%FC")) NIL NIL)"""),
        (b"Content-Disposition: \xff; \xff=\xff", b" ({1}\r\n\xff ({1}\r\n\xff {1}\r\n\xff)) NIL NIL)"),
    ],
)
def test_a_header_is_told_so(header: bytes, expected: bytes) -> None:
    assert expected in structure(header + b"\r\n\r\nbody", extended=True)


def test_a_group_and_a_source_route_are_told_so() -> None:
    found = envelope(b"To: A: one@x.example;, <@r.example:two@x.example>\r\n\r\n")
    assert (
        b'((NIL NIL "A" NIL)(NIL NIL "one" "x.example")(NIL NIL NIL NIL)(NIL "@r.example" "two" "x.example"))' in found
    )


@pytest.mark.parametrize(
    "content_type",
    [
        b"text/plain; charset",
        b'text/plain; charset="',
        b"multipart/mixed",
        b"/",
        b"text/plain; =x",
        b"\xff\xfe",
        b"a/b; n*0=a; n*1=b",
    ],
)
def test_an_odd_content_type_gives_a_structure_all_the_same(content_type: bytes) -> None:
    assert structure(b"Content-Type: " + content_type + b"\r\n\r\nbody", extended=True).startswith(b"(")


@pytest.mark.parametrize(
    "value", [b"", b"undisclosed-recipients:;", b"\xff\xfe", b"<", b'"a" <b', b"=?utf-8?q?a?= <a@b>"]
)
def test_an_odd_address_gives_an_envelope_all_the_same(value: bytes) -> None:
    assert envelope(b"To: " + value + b"\r\n\r\n").startswith(b"(NIL NIL ")
