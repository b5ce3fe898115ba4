from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_sim.admin.errors import Refused
from connector_sim.admin.multipart import MOST_PARTS, parts

FORM = "multipart/form-data; boundary=XX"


def form(*named: tuple[str, bytes], end: bytes = b"--XX--\r\n") -> bytes:
    head = b'--XX\r\nContent-Disposition: form-data; name="%s"; filename="a.der"\r\n\r\n%s\r\n'
    return b"".join(head % (name.encode(), content) for name, content in named) + end


@given(st.binary(max_size=200).filter(lambda content: b"--XX" not in content))
def test_contents_come_out_byte_by_byte_as_they_were_sent(content: bytes) -> None:
    assert parts(FORM, form(("a", content))) == {"a": [content]}


@pytest.mark.parametrize("content", [bytes(range(256)), b"\r\n", b"\n", b"\r", b"a\r\n\r\n", b"\x00" * 3, b"--X", b""])
def test_line_ends_and_zeros_are_contents_too(content: bytes) -> None:
    assert parts(FORM, form(("a", content), ("b", b"x"))) == {"a": [content], "b": [b"x"]}


def test_a_name_may_come_twice() -> None:
    assert parts(FORM, form(("a", b"1"), ("a", b"2"))) == {"a": [b"1", b"2"]}


def test_a_preamble_an_epilogue_and_parts_without_a_name_are_passed_over() -> None:
    body = b"before\r\n--XX \r\n\r\nnameless\r\n" + form(("a", b"1")) + b"--XX\r\nbehind"

    assert parts(FORM, body) == {"a": [b"1"]}


def test_a_form_in_a_form_is_a_content() -> None:
    """A MIME parser would follow four thousand of them down."""
    depth = 4000
    inner = b"".join(b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (n, n + 1) for n in range(depth))
    head = b'--XX\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n'

    assert parts(FORM, head + inner + b"\r\n--XX--") == {"a": [inner]}


def test_the_boundary_may_be_quoted() -> None:
    assert parts('multipart/form-data; boundary="XX"', form(("a", b"1"))) == {"a": [b"1"]}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", form(("a", b"1"))),
        (FORM, b""),
        (FORM, b"x"),
        (FORM, form(("a", b"1"), end=b"")),
        ("multipart/form-data; boundary=YY", form(("a", b"1"))),
        ("application/json", b"{}"),
        ("multipart/mixed; boundary=XX", form(("a", b"1"))),
        ("multipart/form-data; boundary=\xe9", form(("a", b"1"))),
        (FORM, b"--XX\r\n\r\n" * 100_000 + b"--XX--"),
        (FORM, form(("a", b"1")).replace(b"--XX\r\n", b"--XXX\r\n", 1)),
        (FORM, form(("a", b"1")).replace(b"\r\n\r\n", b"\r\n" + b"X: y\r\n" * 2000 + b"\r\n", 1)),
        (FORM, form(("a", b"1")).replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1)),
        (FORM, form(*[("a", b"1")] * (MOST_PARTS + 1))),
    ],
)
def test_what_is_no_form_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(Refused):
        parts(content_type, body)
