"""What one command collects of the server's talk, within bounds.

Its rule: a server can say much more than it was asked for, and before TLS anybody can be the server. So only the kind
of data that the command asks for is kept, and both what is heard and what is kept are bounded. The body of a mail is
streamed: it is neither.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from maco_client.imap import (
    CapabilityData,
    Data,
    ExistsData,
    FetchData,
    ListData,
    OtherData,
    SearchData,
    StatusData,
    StatusResponse,
)
from maco_wire.exceptions import RemoteProtocolError

MAX_RESPONSES = 100_000  # per command: no server has that much to say
MAX_ANSWER_BYTES = 8 * 1024 * 1024  # per command, without the bodies of mails
MAX_ITEMS = 100_000  # kept per command: a word of two bytes on the wire takes fifty in memory

_D = TypeVar("_D", bound=Data)


class Answer(Generic[_D]):
    """The answer to ``command``; ``kind`` is the data that it asks for, None if it asks for none."""

    def __init__(self, command: str, kind: type[_D] | None) -> None:
        self.data: list[_D] = []
        self.uid_validity: str | None = None
        """The argument of the last UIDVALIDITY code (RFC 3501, section 7.1)."""
        self._command = command
        self._kind = kind
        self._responses = 0
        self._bytes = 0
        self._items = 0

    def count_bytes(self, size: int) -> None:
        """Count bytes that came, bodies left out; raises RemoteProtocolError."""
        self._bytes += size
        self._bound(self._bytes, MAX_ANSWER_BYTES, "bytes")

    def take(self, response: Data | StatusResponse) -> None:
        """Keep an untagged response if it was asked for; raises RemoteProtocolError."""
        self._responses += 1
        self._bound(self._responses, MAX_RESPONSES, "responses")
        if isinstance(response, StatusResponse):
            if response.code is not None and response.code.name == "UIDVALIDITY":
                self.uid_validity = response.code.argument
        elif self._kind is not None and isinstance(response, self._kind):
            self._items += _items(response)
            self._bound(self._items, MAX_ITEMS, "words and numbers")
            self.data.append(response)

    def _bound(self, got: int, allowed: int, what: str) -> None:
        if got > allowed:
            raise RemoteProtocolError("IMAP", f"an answer to {self._command} of at most {allowed} {what}", "more")


def _items(data: Data) -> int:
    match data:
        case CapabilityData(capabilities=capabilities):
            return 1 + len(capabilities)
        case ListData(attributes=attributes):
            return 1 + len(attributes)
        case SearchData(numbers=numbers):
            return 1 + len(numbers)
        case FetchData(flags=flags):
            return 1 + len(flags or ())
        case ExistsData() | StatusData() | OtherData():
            return 1
