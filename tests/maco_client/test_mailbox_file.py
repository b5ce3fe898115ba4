from __future__ import annotations

import pytest

from maco_client.mailbox_file import mbox_entry

STORED = "2026-11-26T18:00:00+00:00"
SEPARATOR = b"From maco-lab@localhost Thu Nov 26 18:00:00 2026\n"


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        (b"Subject: x\r\n\r\ntext\r\n", b"Subject: x\n\ntext\n\n"),
        (b"Subject: x\r\n\r\nno end", b"Subject: x\n\nno end\n\n"),
        (b"\r\nFrom a\r\n>From b\r\n From c\r\n", b"\n>From a\n>>From b\n From c\n\n"),
        (b"", b"\n\n"),
    ],
)
def test_a_mail_is_written_as_mboxrd(raw: bytes, written: bytes) -> None:
    assert mbox_entry(raw, STORED) == SEPARATOR + written
