"""IMAP4rev1 (RFC 3501) from the client's side, pure: bytes in, values out; no sockets, no clock."""

from maco_client.imap.client import ImapClient, State
from maco_client.imap.commands import Command, encode_command, mailbox, read_uid_set, uid_set
from maco_client.imap.data import read_number
from maco_client.imap.responses import MAX_RESPONSE_BYTES, ResponseReader
from maco_client.imap.text import cut, printable
from maco_client.imap.values import (
    BodyChunk,
    BodyEnded,
    BodyEvent,
    BodyStarted,
    CapabilityData,
    Condition,
    ContinuationRequest,
    Data,
    Event,
    ExistsData,
    FetchData,
    Greeting,
    ListData,
    OtherData,
    ResponseCode,
    SearchData,
    StatusData,
    StatusResponse,
)

__all__ = [
    "MAX_RESPONSE_BYTES",
    "BodyChunk",
    "BodyEnded",
    "BodyEvent",
    "BodyStarted",
    "CapabilityData",
    "Command",
    "Condition",
    "ContinuationRequest",
    "Data",
    "Event",
    "ExistsData",
    "FetchData",
    "Greeting",
    "ImapClient",
    "ListData",
    "OtherData",
    "ResponseCode",
    "ResponseReader",
    "SearchData",
    "State",
    "StatusData",
    "StatusResponse",
    "cut",
    "encode_command",
    "mailbox",
    "printable",
    "read_number",
    "read_uid_set",
    "uid_set",
]
