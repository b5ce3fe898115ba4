"""What passes a tunnel, without what may be a secret. Pure.

A payload trace holds what passes in clear, and behind a TCP TLS mapping that includes passwords. They go one way only,
to the back end: there a line is shown if it is a command of IMAP, POP3 or SMTP from a list, and nothing in it looks
like a sign-in; every other byte becomes a dot: passwords on lines of their own, literals, mails that are sent. A
literal that the back end refuses hides as many bytes all the same: rather too much than too little. What a back end
says is shown if it greets as a mail server does; of any other protocol nobody knows where its secrets are.
"""

from __future__ import annotations

import re

MAX_LINE = 1000
"""Bytes of a line that is held until its end is there; what is longer is no command (RFC 5321: 512, RFC 2449: 255)."""

MASK = b"."

_GREETINGS = (b"* ", b"+OK", b"220")  # RFC 3501, section 7; RFC 1939, section 3; RFC 5321, section 4.2.3

_SHOWN = re.compile(
    rb"(?:[A-Za-z0-9.]{1,20} )?(?:UID )?(?:"
    rb"CAPABILITY|NOOP|LOGOUT|STARTTLS|ENABLE|SELECT|EXAMINE|LIST|LSUB|STATUS|NAMESPACE|FETCH|STORE|COPY|MOVE|SEARCH|"
    rb"SORT|EXPUNGE|CLOSE|UNSELECT|CHECK|IDLE|DONE|ID|CAPA|STLS|STAT|RETR|DELE|UIDL|TOP|RSET|QUIT|EHLO|HELO|MAIL|RCPT|"
    rb"DATA)(?: [ -~]*)?\r?\n",
    re.IGNORECASE,
)
_LITERAL = re.compile(rb"\{([0-9]{1,18})\+?\}\r?\n\Z")  # RFC 3501, section 4.3; RFC 7888
_CHUNK = re.compile(rb"BDAT ([0-9]{1,18})(?: LAST)? *\r?\n", re.IGNORECASE)  # RFC 3030, section 2
_MAIL = re.compile(rb"DATA *\r?\n", re.IGNORECASE)  # RFC 5321, section 4.1.1.4
_MAIL_ENDS = frozenset({b".\r\n", b".\n"})
_LONGEST_LITERAL = 24
"""Bytes of a line's end that are kept to find a literal there, however long the line is."""
_SUSPECT = re.compile(rb"login|auth|pass|user|apop|token|bearer|secret|\{[0-9]+\+?\}", re.IGNORECASE)


class ClientMask:
    """What a client sends on one connection; a line is told when it is whole."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._end = b""
        self._hidden = 0
        """How many bytes of a literal or a chunk are still to come."""
        self._is_inside = False
        """Whether what comes next belongs to a line that has begun: one too long, or parted by a literal."""
        self._is_mail = False

    def receive_data(self, data: bytes) -> bytes:
        """Take the next bytes, and return what may be shown of the lines that are whole: as many as they had."""
        told = bytearray()
        at = 0
        while at < len(data):
            if self._hidden:
                count = min(self._hidden, len(data) - at)
                told += MASK * count
                self._hidden -= count
            else:
                count = (data.find(b"\n", at) + 1 or len(data)) - at
                told += self._piece(data[at : at + count])
            at += count
        return bytes(told)

    def _piece(self, piece: bytes) -> bytes:
        self._line += piece
        self._end = (self._end + piece)[-_LONGEST_LITERAL:]
        ends = self._line.endswith(b"\n")
        if not ends and len(self._line) <= MAX_LINE:
            return b""
        line = bytes(self._line)
        self._line.clear()
        is_shown = ends and not self._is_inside and not self._is_mail and len(line) <= MAX_LINE and is_harmless(line)
        self._is_inside = not ends
        if ends:
            self._look_ahead(line)
            self._end = b""
        return line if is_shown else MASK * len(line)

    def _look_ahead(self, line: bytes) -> None:
        """Find out from a line that has ended whether contents follow it."""
        if self._is_mail:
            self._is_mail = line not in _MAIL_ENDS
        elif literal := _LITERAL.search(self._end):
            self._hidden, self._is_inside = int(literal[1]), True
        elif chunk := _CHUNK.fullmatch(line):
            self._hidden = int(chunk[1])
        else:
            self._is_mail = bool(_MAIL.fullmatch(line))


class BackEndMask:
    """What a back end sends on one connection: all of it or nothing, as its first bytes say."""

    def __init__(self) -> None:
        self._is_shown: bool | None = None

    def receive_data(self, data: bytes) -> bytes:
        """Take the next bytes, and return what may be shown of them."""
        if self._is_shown is None:
            self._is_shown = data.startswith(_GREETINGS)
        return data if self._is_shown else MASK * len(data)


def is_harmless(line: bytes) -> bool:
    """Tell whether a line, with its end, is a command that carries no secret."""
    return bool(_SHOWN.fullmatch(line)) and not _SUSPECT.search(line)
