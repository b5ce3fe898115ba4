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


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", form(("a", b"1"))),
        (FORM, b""),
        (FORM, b"x"),
        (FORM, form(("a", b"1"), end=b"")),
        ("multipart/form-data; boundary=YY", form(("a", b"1"))),
        ("application/json", b"{}"),
        (FORM, form(*[("a", b"1")] * (MOST_PARTS + 1))),
    ],
)
def test_what_is_no_form_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(Refused):
        parts(content_type, body)
