"""The one rule for host names in every protocol here: 1 to 255 bytes of visible ASCII, kept exactly as sent.

Names are neither lower-cased nor resolved: whether two of them mean the same host is for the Cloud Connector to decide.
"""

from __future__ import annotations

from maco_wire.exceptions import LocalProtocolError

_VISIBLE = bytes(range(0x21, 0x7F))
MAX_HOST_BYTES = 255  # the length is one byte: RFC 1928, section 5


def is_visible_ascii(raw: bytes) -> bool:
    """Tell whether every byte is printable ASCII other than the space (0x21 to 0x7E)."""
    return not raw.translate(None, _VISIBLE)


def encode_host(host: str) -> bytes:
    """Return the host name as bytes.

    Raises:
        LocalProtocolError: it is empty, longer than 255 bytes, or holds anything but visible ASCII.
    """
    raw = host.encode("utf-8", "surrogatepass")
    if not 1 <= len(raw) <= MAX_HOST_BYTES or not is_visible_ascii(raw):
        raise LocalProtocolError(f"a host name is 1 to {MAX_HOST_BYTES} visible ASCII characters, not {host!r}")
    return raw


def check_port(port: int) -> None:
    """Raise LocalProtocolError unless ``port`` is a TCP port that can be connected to (1 to 65535)."""
    if not 1 <= port <= 0xFFFF:
        raise LocalProtocolError(f"a port is 1 to 65535, not {port}")
