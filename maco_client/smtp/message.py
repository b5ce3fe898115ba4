"""What goes over the wire of a mail that is sent: its lines, and who it is from and for.

One rule: a message says what it says and nothing to the server. Every line ends with CRLF and with nothing else, so
that no server finds the end of the data where another one does not ("SMTP smuggling").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from maco_client.failures import SettingsError
from maco_client.smtp.addresses import check_address

END_OF_DATA = b".\r\n"

_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail (RFC 5322, with any line ends) in its envelope. Raises SettingsError for addresses that are none."""

    sender: str
    recipients: tuple[str, ...]
    message: bytes = field(repr=False)
    message_id: str = ""

    def __post_init__(self) -> None:
        """Check the envelope; what is in the message is not looked at."""
        if not self.recipients:
            raise SettingsError("to", "found no recipient in To, Cc and Bcc, needed is one at least")
        object.__setattr__(self, "sender", check_address("sender", self.sender))
        object.__setattr__(self, "recipients", tuple(check_address("to", each) for each in self.recipients))

    @property
    def needs_smtputf8(self) -> bool:
        """Tell whether an address has characters that only RFC 6531 lets through."""
        return not all(each.isascii() for each in (self.sender, *self.recipients))

    @property
    def needs_8bitmime(self) -> bool:
        """Tell whether the message has bytes that only RFC 6152 lets through."""
        return not self.message.isascii()


def data_lines(message: bytes) -> bytes:
    """Return a message as DATA takes it, without its end (RFC 5321, sections 2.3.8 and 4.5.2)."""
    lines = _LINE_END.split(message)
    if lines[-1] == b"":
        lines.pop()
    return b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in lines)
