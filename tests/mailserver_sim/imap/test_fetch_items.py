from __future__ import annotations

import pytest

from mailserver_sim.imap.fetch_items import Body, Simple, parse_fetch_items
from mailserver_sim.imap.tokens import Arguments, CommandSyntaxError


def items(text: bytes) -> tuple[object, ...]:
    arguments = Arguments((text,))
    found = parse_fetch_items(arguments)
    arguments.end()
    return found


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (b"BODY[]", b"BODY[]"),
        (b"body.peek[]<0.2048>", b"BODY[]<0>"),
        (b"BODY[1.2.MIME]", b"BODY[1.2.MIME]"),
        (b"BODY[TEXT]<10.5>", b"BODY[TEXT]<10>"),
        (b"BODY[HEADER.FIELDS (From DATE)]", b"BODY[HEADER.FIELDS (From DATE)]"),
        (b'BODY[2.HEADER.FIELDS.NOT ("a b")]', b'BODY[2.HEADER.FIELDS.NOT ("a b")]'),
    ],
)
def test_a_section_is_answered_under_its_own_name(text: bytes, label: bytes) -> None:
    # RFC 3501, section 6.4.5: BODY[]<0.2048> "will be returned as BODY[]<0>"
    (item,) = items(text)
    assert isinstance(item, Body)
    assert item.label == label


def test_fast_is_a_macro() -> None:
    assert items(b"FAST") == (Simple("FLAGS"), Simple("INTERNALDATE"), Simple("RFC822.SIZE"))


def test_only_peek_leaves_the_flags_alone() -> None:
    found = items(b"(BODY[] BODY.PEEK[] RFC822 RFC822.HEADER RFC822.TEXT)")
    assert [item.peek for item in found if isinstance(item, Body)] == [False, True, False, True, False]


@pytest.mark.parametrize(
    "text",
    [b"()", b"(ALL)", b"BODY[", b"BODY[0]", b"BODY[1.]", b"BODY[MIME]", b"BODY[]<0.0>", b"BODY[]<1>", b"BODY[]<-1.5>",
     b"BODY[HEADER.FIELDS]", b"BODY[HEADER.FIELDS ()]", b"BODY[FOO]", b"FOO", b"BODYX", b"BODY.PEEK"],
)  # fmt: skip
def test_what_is_no_item_is_a_syntax_error(text: bytes) -> None:
    with pytest.raises(CommandSyntaxError):
        items(text)
