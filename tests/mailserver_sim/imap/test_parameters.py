from __future__ import annotations

import time

import pytest

from mailserver_sim.imap.parameters import LONGEST_FIELD, parse_field


@pytest.mark.parametrize(
    ("text", "value", "parameters"),
    [
        ("", "", ()),
        ("text/plain", "text/plain", ()),
        ("text/plain; Charset=us-ascii (Plain text)", "text/plain", (("charset", "us-ascii"),)),
        ('a/b; x="semi;colon \\"quoted\\""; y=1', "a/b", (("x", 'semi;colon "quoted"'), ("y", "1"))),
        ("a/b; (comment; x=1) y=2", "a/b", (("y", "2"),)),
        ("attachment; filename=two words.edi; size=4", "attachment", (("filename", "two words.edi"), ("size", "4"))),
        # RFC 2231, section 3
        (
            'message/external-body; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/pub"',
            "message/external-body",
            (("access-type", "URL"), ("url", "ftp://cs.utk.edu/pub")),
        ),
        # RFC 2231, section 4.1
        (
            "a/x-stuff; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*0*=us-ascii'en'This%20is; title*2=\"isn't it!\"",
            "a/x-stuff",
            (("title*", "us-ascii'en'This%20is%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it%21"),),
        ),
        ("a/b; name*=utf-8''Z%C3%A4hler", "a/b", (("name*", "utf-8''Z%C3%A4hler"),)),
        ("a/b; x=1; X=2", "a/b", (("x", "1"),)),
        ('a/b; x="open', "a/b", (("x", "open"),)),
        ("a/b; =x; y; z=", "a/b", (("z", ""),)),
        (";;", "", ()),
    ],
)
def test_a_field_has_this_value_and_these_parameters(
    text: str, value: str, parameters: tuple[tuple[str, str], ...]
) -> None:
    found = parse_field(text)
    assert (found.value, found.parameters) == (value, parameters)


@pytest.mark.parametrize("piece", ["(", "(\\(", '"', '\\"', ";", "; ", ";a=", ";a*1=b", "=", ";a "])
def test_no_field_takes_long(piece: str) -> None:
    begin = time.process_time()
    parse_field(";" + piece * LONGEST_FIELD)
    parse_field(';a="' + piece * LONGEST_FIELD)
    assert time.process_time() - begin < 2  # a look at everything for every character takes minutes
