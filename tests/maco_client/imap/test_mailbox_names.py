"""Modified UTF-7."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_client.imap.mailbox_names import decode_mailbox_name, encode_mailbox_name

# RFC 3501, section 5.1.3: "~peter/mail/&U,BTFw-/&ZeVnLIqe-" is English, Chinese and Japanese text in one name.
RFC_EXAMPLE = ("~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e", "~peter/mail/&U,BTFw-/&ZeVnLIqe-")


@pytest.mark.parametrize(
    ("name", "encoded"),
    [RFC_EXAMPLE, ("Entw\u00fcrfe", "Entw&APw-rfe"), ("R&D", "R&-D"), ("INBOX", "INBOX"), ("", "")],
)
def test_a_name_is_written_and_read_in_modified_utf_7(name: str, encoded: str) -> None:
    assert encode_mailbox_name(name) == encoded
    assert decode_mailbox_name(encoded) == name


@pytest.mark.parametrize("invalid", ["&", "&A-", "&AAA", "a&!-b", "&2AA-"])
def test_what_is_no_modified_utf_7_stays_as_it_is(invalid: str) -> None:
    assert decode_mailbox_name(invalid) == invalid


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_name_survives_the_round_trip(name: str) -> None:
    encoded = encode_mailbox_name(name)
    assert encoded.isascii()
    assert decode_mailbox_name(encoded) == name
