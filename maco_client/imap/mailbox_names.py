"""Mailbox names in modified UTF-7 (RFC 3501, section 5.1.3): "&" shifts to modified Base64 of UTF-16, "&-" is "&"."""

from __future__ import annotations

import base64
import binascii
import re

_PRINTABLE_ASCII = re.compile(r"[\x20-\x7e]+|[^\x20-\x7e]+")
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")


def encode_mailbox_name(name: str) -> str:
    """Return ``name`` as it goes over the wire: printable ASCII only."""
    return "".join(_encode_run(run.group()) for run in _PRINTABLE_ASCII.finditer(name))


def decode_mailbox_name(encoded: str) -> str:
    """Return the name that ``encoded`` stands for; what is no valid modified UTF-7 stays as it is."""
    return _SHIFTED.sub(_decode_run, encoded)


def _encode_run(run: str) -> str:
    if " " <= run[0] <= "~":
        return run.replace("&", "&-")
    # RFC 3501, section 5.1.3: '"," is used instead of "/"' and no "=" padding.
    raw = base64.b64encode(run.encode("utf-16-be", "surrogatepass")).decode("ascii")
    return f"&{raw.rstrip('=').replace('/', ',')}-"


def _decode_run(shifted: re.Match[str]) -> str:
    raw = shifted[1].replace(",", "/")
    if not raw:
        return "&"
    try:
        return base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True).decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError):
        return shifted[0]
