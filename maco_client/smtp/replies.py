"""SMTP replies (RFC 5321, section 4.2), pure: bytes in, values out.

The machine knows one thing more than replies: bytes behind a reply are somebody speaking out of turn. ``rest`` holds
them, and nobody may read it across STARTTLS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from maco_client.masking import Masked, as_it_is
from maco_wire.exceptions import RemoteProtocolError

LONGEST_LINE = 4096  # bytes; section 4.5.3.1.5 allows 512, and servers write more
MOST_LINES = 100
LONGEST_SHOWN = 80

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply; ``lines`` are its texts without codes."""

    code: int
    lines: tuple[str, ...]

    @property
    def has_succeeded(self) -> bool:
        """Tell whether the server did what it was asked (section 4.2.1: 2yz)."""
        return self.code // 100 == 2

    @property
    def text(self) -> str:
        """The reply as one line, as JavaMail shows it."""
        return f"{self.code} {' '.join(self.lines)}".rstrip()

    def masked(self, masked: Masked) -> Reply:
        """Return the reply without secrets."""
        return Reply(self.code, tuple(map(masked, self.lines)))


class ReplyReader:
    """Collects the bytes of a server into replies; ``masked`` takes secrets out of what an error repeats."""

    def __init__(self, masked: Masked = as_it_is) -> None:
        self.rest = b""
        self._masked = masked
        self._lines: list[str] = []
        self._code = 0

    def receive_data(self, data: bytes) -> Reply | None:
        """Return the reply that ``data`` completes; raises RemoteProtocolError for what is none.

        What stands behind a complete reply stays in ``rest``.
        """
        self.rest += data
        while b"\n" in self.rest:
            line, self.rest = self.rest.split(b"\n", 1)
            if not line.endswith(b"\r"):  # section 2.3.8: lines end with CRLF and with nothing else
                raise RemoteProtocolError("SMTP", "a line that ends with CRLF", self._shown(line))
            if (reply := self._take(line[:-1])) is not None:
                return reply
        if len(self.rest) > LONGEST_LINE:
            raise RemoteProtocolError("SMTP", f"a line of at most {LONGEST_LINE} bytes", "more")
        return None

    def _take(self, line: bytes) -> Reply | None:
        match = _LINE.fullmatch(line)
        if match is None or len(line) > LONGEST_LINE:
            raise RemoteProtocolError("SMTP", "a reply", self._shown(line))
        code, goes_on, text = int(match[1]), match[2] == b"-", match[3] or b""
        if self._lines and code != self._code:
            raise RemoteProtocolError("SMTP", f"code {self._code} in every line", str(code))
        if len(self._lines) == MOST_LINES:
            raise RemoteProtocolError("SMTP", f"at most {MOST_LINES} lines", "more")
        self._code = code
        self._lines.append(text.decode("utf-8", "backslashreplace"))
        if goes_on:
            return None
        lines, self._lines = self._lines, []
        return Reply(code, tuple(lines))

    def _shown(self, line: bytes) -> str:
        return self._masked(line.decode("utf-8", "backslashreplace"))[:LONGEST_SHOWN]


def extensions(ehlo: Reply) -> dict[str, tuple[str, ...]]:
    """Return the extensions that the answer to EHLO names, in upper case, with their parameters (section 4.1.1.1).

    Parameters of the same name in several lines are gathered; ``AUTH=LOGIN``, which old servers write, is AUTH LOGIN.
    """
    found: dict[str, tuple[str, ...]] = {}
    for line in ehlo.lines[1:]:
        name, *parameters = line.upper().replace("AUTH=", "AUTH ").split() or [""]
        found[name] = (*found.get(name, ()), *parameters)
    return found
