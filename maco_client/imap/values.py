"""What an IMAP server's bytes mean (RFC 3501, section 7), as frozen values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TypeAlias


class Condition(enum.StrEnum):
    """The status responses of RFC 3501, section 7.1."""

    OK = "OK"
    NO = "NO"
    BAD = "BAD"
    PREAUTH = "PREAUTH"
    BYE = "BYE"


@dataclass(frozen=True, slots=True)
class ResponseCode:
    """A response code such as ``[UIDVALIDITY 3857529045]``; the name in upper case."""

    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class StatusResponse:
    """A status response; ``tag`` is None for an untagged one.

    ``line_text`` is everything behind the condition as the server wrote it, response code included.
    """

    tag: str | None
    condition: Condition
    line_text: str
    code: ResponseCode | None = None


@dataclass(frozen=True, slots=True)
class Greeting:
    """The first response of a connection: OK, PREAUTH or BYE (RFC 3501, section 7.1)."""

    status: StatusResponse


@dataclass(frozen=True, slots=True)
class ContinuationRequest:
    """A ``+`` response (RFC 3501, section 7.5)."""

    text: str


@dataclass(frozen=True, slots=True)
class CapabilityData:
    """``* CAPABILITY`` (section 7.2.1), names in upper case."""

    capabilities: frozenset[str]


@dataclass(frozen=True, slots=True)
class ListData:
    """``* LIST`` (section 7.2.2); ``mailbox`` is decoded from modified UTF-7, attributes are in lower case."""

    attributes: frozenset[str]
    delimiter: str | None
    mailbox: str


@dataclass(frozen=True, slots=True)
class SearchData:
    """``* SEARCH`` (section 7.2.5)."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExistsData:
    """``* n EXISTS`` (section 7.3.1)."""

    count: int


@dataclass(frozen=True, slots=True)
class StatusData:
    """``* STATUS`` (section 7.2.4), as far as this client asks for it; 0 is what the server did not tell."""

    mailbox: str
    uid_validity: int = 0
    uid_next: int = 0


@dataclass(frozen=True, slots=True)
class FetchData:
    """``* n FETCH`` (section 7.4.2), as far as this client asks for it; flags are in lower case.

    ``body`` is the body, or the block of it, if it came as a quoted string. One that came as a literal was passed on in
    BodyStarted, BodyChunk and BodyEnded before, and ``body_streamed`` is set.
    """

    sequence_number: int
    uid: int | None = None
    flags: frozenset[str] | None = None
    size: int | None = None
    body: bytes | None = field(default=None, repr=False)
    body_streamed: bool = False


@dataclass(frozen=True, slots=True)
class OtherData:
    """An untagged response that this client has no use for."""

    name: str


@dataclass(frozen=True, slots=True)
class BodyStarted:
    """A literal of ``size`` bytes begins that holds a body of message ``sequence_number``."""

    sequence_number: int
    size: int


@dataclass(frozen=True, slots=True)
class BodyChunk:
    """The next bytes of the body; never collected here."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BodyEnded:
    """The last byte of the body has been passed on."""


Data: TypeAlias = CapabilityData | ListData | SearchData | ExistsData | StatusData | FetchData | OtherData
BodyEvent: TypeAlias = BodyStarted | BodyChunk | BodyEnded
Response: TypeAlias = StatusResponse | ContinuationRequest | Data | BodyEvent
Event: TypeAlias = Response | Greeting
