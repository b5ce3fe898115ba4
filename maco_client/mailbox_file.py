"""Write mails as an mbox file (RFC 4155, appendix A; ``mboxrd``: a line that begins with From gets a mark). Pure."""

from __future__ import annotations

import datetime as dt
import re

_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)
_SENDER = b"maco-lab@localhost"


def mbox_entry(raw: bytes, stored_at: str) -> bytes:
    """Return a mail with its separator line; ``stored_at`` is ISO 8601.

    Lines end with a line feed alone, as RFC 4155 has it, and each ">*From " gets one more mark in front, so that a
    reader of ``mboxrd`` gets the mail back.
    """
    moment = dt.datetime.fromisoformat(stored_at).astimezone(dt.UTC)
    body = _FROM_LINE.sub(rb">\1", raw.replace(b"\r\n", b"\n"))
    end = b"\n" if body.endswith(b"\n") else b"\n\n"
    return b"From " + _SENDER + f" {moment:%a %b %d %H:%M:%S %Y}\n".encode("ascii") + body + end
