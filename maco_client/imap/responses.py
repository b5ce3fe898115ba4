"""Read an IMAP server's byte stream as responses (RFC 3501, section 7), whatever the boundaries of the reads.

One rule: the body of a mail is passed on as it comes and never collected. Every other part of a response, small
literals such as a mailbox name included, counts against ``MAX_RESPONSE_BYTES``.
"""

from __future__ import annotations

import re

from maco_client.imap.data import LARGEST_NUMBER, interpret
from maco_client.imap.text import broken, printable
from maco_client.imap.tokens import CollectedLiteral, Part, StreamedLiteral, parse_tokens
from maco_client.imap.values import (
    BodyChunk,
    BodyEnded,
    BodyStarted,
    Condition,
    ContinuationRequest,
    Response,
    ResponseCode,
    StatusResponse,
)

MAX_RESPONSE_BYTES = 64 * 1024

_STATUS = re.compile(
    rb"(?P<tag>\*|[^\x00-\x20+*%(){\"\\\x7f]+) (?P<condition>OK|NO|BAD|PREAUTH|BYE)(?: (?P<text>.*))?",
    re.IGNORECASE,
)
_CODE = re.compile(rb"\[(?P<name>[^\x00-\x20\]]+)(?: (?P<argument>[^\]]*))?\]")
_LITERAL = re.compile(rb"\{(?P<size>[0-9]{1,20})\}\Z")
_FETCH = re.compile(rb"\* (?P<number>[0-9]{1,10}) FETCH ", re.IGNORECASE)
_BODY_ITEM = re.compile(rb"[( ](?:BODY\[[^\]]*\](?:<[0-9]+>)?|RFC822(?:\.HEADER|\.TEXT)?) \Z", re.IGNORECASE)


class _Literal:
    """The literal that is being read: how much is missing, and where it goes."""

    def __init__(self, size: int, *, streamed: bool) -> None:
        self.size = size
        self.missing = size
        self.streamed = streamed
        self.collected = bytearray()


class ResponseReader:
    """Bytes in, responses out, one at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._parts: list[Part] = []
        self._spent = 0
        self._literal: _Literal | None = None

    def receive_data(self, data: bytes) -> None:
        """Take the next bytes of the server; drain ``next_response`` before more are given."""
        self._buffer += data

    def next_response(self) -> Response | None:
        """Return the next response or piece of a body, None if more bytes are needed; raises RemoteProtocolError."""
        while True:
            if self._literal is not None:
                if self._literal.missing and not self._buffer:
                    return None
                response = self._read_literal(self._literal)
            else:
                line = self._take_line()
                if line is None:
                    return None
                response = self._read_line(line)
            if response is not None:
                return response

    def take_rest(self) -> bytes:
        """Return the bytes that have not been read as responses, and forget them."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return rest

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._searched)
        length = len(self._buffer) if end < 0 else end + 1
        if self._spent + length > MAX_RESPONSE_BYTES:
            raise broken(
                f"a response of at most {MAX_RESPONSE_BYTES} bytes",
                f"a response longer than {MAX_RESPONSE_BYTES} bytes",
            )
        if end < 0:
            self._searched = length
            return None
        if not self._buffer.endswith(b"\r\n", 0, length):
            raise broken("a line that ends with CRLF", bytes(self._buffer[:end]))
        line = bytes(self._buffer[: end - 1])
        del self._buffer[:length]
        self._searched = 0
        self._spent += length
        return line

    def _read_line(self, line: bytes) -> Response | None:
        if not self._parts:
            # Free text may end like a literal: "* OK see {5}" has none, so status and "+" are read first.
            complete = _read_continuation(line) or _read_status(line)
            if complete is not None:
                self._spent = 0
                return complete
            if not line.startswith(b"* "):
                raise broken("a response", line)
        literal = _LITERAL.search(line)
        if literal is not None:
            return self._begin_literal(line[: literal.start()], int(literal["size"]))
        self._parts.append(line)
        return self._finish()

    def _finish(self) -> Response:
        parts, self._parts, self._spent = self._parts, [], 0
        first = parts[0]
        assert isinstance(first, bytes)  # a response begins with a line
        return interpret(parse_tokens([first[2:], *parts[1:]]))

    def _begin_literal(self, before: bytes, size: int) -> Response | None:
        if size > LARGEST_NUMBER:
            raise broken("a literal of at most 2^32 - 1 bytes", f"{size}")
        self._parts.append(before)
        first = self._parts[0]
        assert isinstance(first, bytes)  # a response begins with a line
        message = _FETCH.match(first)
        streamed = message is not None and _BODY_ITEM.search(before) is not None
        if not streamed and self._spent + size > MAX_RESPONSE_BYTES:
            raise broken(f"a response of at most {MAX_RESPONSE_BYTES} bytes", f"a literal of {size}")
        self._literal = _Literal(size, streamed=streamed)
        return BodyStarted(int(message["number"]), size) if message is not None and streamed else None

    def _read_literal(self, literal: _Literal) -> Response | None:
        if not literal.missing:
            return self._end_literal(literal)
        piece = bytes(self._buffer[: literal.missing])
        del self._buffer[: len(piece)]
        literal.missing -= len(piece)
        if literal.streamed:
            return BodyChunk(piece)
        literal.collected += piece
        return None

    def _end_literal(self, literal: _Literal) -> Response | None:
        self._literal = None
        if literal.streamed:
            self._parts.append(StreamedLiteral(literal.size))
            return BodyEnded()
        self._parts.append(CollectedLiteral(bytes(literal.collected)))
        self._spent += literal.size
        return None


def _read_continuation(line: bytes) -> ContinuationRequest | None:
    return ContinuationRequest(printable(line[2:])) if line == b"+" or line.startswith(b"+ ") else None


def _read_status(line: bytes) -> StatusResponse | None:
    found = _STATUS.fullmatch(line)
    if found is None:
        return None
    tag = None if found["tag"] == b"*" else found["tag"].decode("ascii", "backslashreplace")
    text = found["text"] or b""
    code = _CODE.match(text)
    return StatusResponse(
        tag,
        Condition(found["condition"].decode("ascii").upper()),
        printable(text),
        ResponseCode(printable(code["name"]).upper(), printable(code["argument"] or b"")) if code else None,
    )
