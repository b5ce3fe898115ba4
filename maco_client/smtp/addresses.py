"""Mail addresses: what can stand in an envelope and in a header without meaning anything else. Pure.

One rule: an address is a dot-atom and a host (RFC 5322, section 3.4.1), with characters beyond ASCII as RFC 6531 allows
them. Quoted local parts, comments, display names, routes and what begins as an encoded word does (RFC 2047) are
refused: nobody in this field has them, and each is a way to say something else to some reader.
"""

from __future__ import annotations

import re

from maco_client.failures import SettingsError

LONGEST_ADDRESS = 254  # RFC 5321, section 4.5.3.1.3: a path of 256, with its brackets
LONGEST_LOCAL_PART = 64  # section 4.5.3.1.1
LONGEST_HOST = 253
MOST_RECIPIENTS = 100  # section 4.5.3.1.8: what every server takes in one mail

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+"
_LOCAL_PART = re.compile(rf"(?!.*=\?){_ATOM}(\.{_ATOM})*")
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")


def check_address(field: str, address: str) -> str:
    """Return an address as it goes over the wire, its host in ASCII (RFC 5891); raises SettingsError for none."""
    local_part, at, host = address.rpartition("@")
    wire = _ascii(host)
    fits = len(local_part.encode("utf-8", "replace")) <= LONGEST_LOCAL_PART and len(wire) <= LONGEST_HOST
    is_one = at and address.isprintable() and _LOCAL_PART.fullmatch(local_part) and _HOST.fullmatch(wire)
    if not (fits and is_one) or len(f"{local_part}@{wire}".encode()) > LONGEST_ADDRESS:
        allowed = "'name@host', without spaces, quotes, brackets and display name"
        raise SettingsError(field, f"found {address[:LONGEST_ADDRESS]!r}, allowed is {allowed}")
    return f"{local_part}@{wire}"


def addresses_in(field: str, listed: str) -> tuple[str, ...]:
    """Return the addresses of a list with commas, none for an empty one; raises SettingsError."""
    if not listed.strip():
        return ()
    return tuple(check_address(field, each.strip()) for each in listed.split(","))


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
