from __future__ import annotations

import pytest

from mailserver_sim.pop3.replies import err, ok, stuffed, top


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        # RFC 1939, section 3: "If any line begins with the termination octet, the line is byte-stuffed"
        (b".\r\n", b"..\r\n"),
        (b"..a\r\nb.\r\n", b"...a\r\nb.\r\n"),
        (b"a\r\n.", b"a\r\n..\r\n"),
        (b"a", b"a\r\n"),
        (b"a\n.\nb\n", b"a\r\n..\r\nb\r\n"),
        (b"", b""),
        (b"\r\n\r\n", b"\r\n\r\n"),
    ],
)
def test_no_line_of_a_message_is_a_dot_alone(data: bytes, sent: bytes) -> None:
    assert stuffed(data) == sent


def test_a_code_stands_in_brackets_before_the_text() -> None:
    assert bytes(err("no", "IN-USE")) == b"-ERR [IN-USE] no\r\n"
    assert bytes(ok("yes", b"x\r\n")) == b"+OK yes\r\nx\r\n.\r\n"


@pytest.mark.parametrize(("count", "sent"), [(0, b"h\r\n\r\n"), (1, b"h\r\n\r\n1\r\n"), (9, b"h\r\n\r\n1\r\n2\r\n")])
def test_top_sends_the_header_and_so_many_lines(count: int, sent: bytes) -> None:
    assert top(b"h\r\n\r\n", b"1\r\n2\r\n", count) == sent
