"""A message as it comes behind RETR: lines up to one with a dot alone, and a dot before each that begins with one.

Pure. RFC 1939, section 3: "If so and if any octets other than CRLF immediately follow, the first octet of the line (the
termination octet) is stripped away." A line ends with CRLF and with nothing else: what a server puts behind a lone LF
belongs to the message.
"""

from __future__ import annotations

_LINE_END = b"\r\n"
_STUFFED = b"\r\n."
_END = b"\r\n.\r\n"


class Unstuffing:
    """Takes one message piece by piece; holds back a few bytes at most."""

    def __init__(self) -> None:
        self._held = _LINE_END  # that of the status line: the first line may be stuffed too
        self._foreign = len(_LINE_END)

    def receive_data(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Return the message's next bytes, and what stands behind the message once that has ended (else None)."""
        held = self._held + data
        end = held.find(_END)
        if end >= 0:
            return self._message(held[: end + len(_LINE_END)]), held[end + len(_END) :]
        cut = max(len(held) - len(_END) + 1, 0)
        # A dot behind a line end that is gone would not be known for stuffed.
        cut -= next((len(each) for each in (_LINE_END, b"\r") if held[:cut].endswith(each)), 0)
        self._held = held[cut:]
        return self._message(held[:cut]), None

    def _message(self, stuffed: bytes) -> bytes:
        message = stuffed.replace(_STUFFED, _LINE_END)
        if not message:
            return b""
        foreign, self._foreign = self._foreign, 0
        return message[foreign:]
