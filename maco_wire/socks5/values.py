"""The numbers and events of SOCKS5 as the Connectivity service speaks it.

Sources: RFC 1928, and SAP's page "Using the TCP Protocol for Cloud Applications" (below: SAP) for method 0x80 and the
names of the reply codes. No parsing here.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

PROTOCOL = "SOCKS5"

VERSION = 0x05  # RFC 1928, section 3
AUTHENTICATION_VERSION = 0x01  # SAP: version of the sub-negotiation of method 0x80
AUTHENTICATION_ACCEPTED = 0x00  # SAP: "any other status is a failed authentication"

MAX_TOKEN_BYTES = 64 * 1024  # ours: the length field allows 4 GiB; real tokens have 2 to 8 KiB
MAX_LOCATION_ID_BYTES = 189  # raw; its Base64 text (252 bytes) must fit a one-byte length


class Method(enum.IntEnum):
    """Authentication methods (RFC 1928, section 3); 0x80 is the first of the private range and SAP's choice."""

    NONE = 0x00
    SAP_TOKEN = 0x80
    NO_ACCEPTABLE = 0xFF


class Command(enum.IntEnum):
    """Commands (RFC 1928, section 4); the Connectivity service knows CONNECT only."""

    CONNECT = 0x01
    BIND = 0x02
    UDP_ASSOCIATE = 0x03


class AddressType(enum.IntEnum):
    """Address types (RFC 1928, section 5); the Connectivity service knows no IPv6."""

    IPV4 = 0x01
    DOMAIN = 0x03
    IPV6 = 0x04


class Reply(enum.IntEnum):
    """Reply codes of RFC 1928, section 6, under SAP's names."""

    SUCCESS = 0x00
    FAILURE = 0x01
    FORBIDDEN = 0x02
    NETWORK_UNREACHABLE = 0x03
    HOST_UNREACHABLE = 0x04
    CONNECTION_REFUSED = 0x05
    TTL_EXPIRED = 0x06
    COMMAND_UNSUPPORTED = 0x07
    ADDRESS_UNSUPPORTED = 0x08


REPLY_TEXTS: Mapping[int, str] = MappingProxyType(
    {
        Reply.SUCCESS: "succeeded",
        Reply.FAILURE: "general SOCKS server failure",
        Reply.FORBIDDEN: "connection not allowed by ruleset",
        Reply.NETWORK_UNREACHABLE: "network unreachable",
        Reply.HOST_UNREACHABLE: "host unreachable",
        Reply.CONNECTION_REFUSED: "connection refused",
        Reply.TTL_EXPIRED: "TTL expired",
        Reply.COMMAND_UNSUPPORTED: "command not supported",
        Reply.ADDRESS_UNSUPPORTED: "address type not supported",
    }
)
"""The RFC's own wording of each reply code (section 6); a peer may send codes that are not in it."""


@dataclass(frozen=True, slots=True)
class MethodAccepted:
    """The proxy chose method 0x80; the token is on its way to ``data_to_send()``."""


@dataclass(frozen=True, slots=True)
class MethodRefused:
    """The proxy chose another method: 0xFF for "no acceptable methods", or one that was not offered."""

    method: int


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The proxy accepted the token."""


@dataclass(frozen=True, slots=True)
class AuthenticationRefused:
    """The proxy answered the token with a status other than 0."""

    status: int


@dataclass(frozen=True, slots=True)
class Connected:
    """The back end is reached; every further byte is payload. The bound address carries no meaning here."""

    bound_host: str
    bound_port: int


@dataclass(frozen=True, slots=True)
class ConnectRefused:
    """The proxy answered CONNECT with a reply other than 0; it may be a code that ``Reply`` does not know."""

    reply: int


ClientEvent: TypeAlias = (
    MethodAccepted | MethodRefused | Authenticated | AuthenticationRefused | Connected | ConnectRefused
)


@dataclass(frozen=True, slots=True)
class AuthenticationRequested:
    """A client sent its token; answer with ``accept_authentication()`` or ``refuse_authentication()``."""

    token: str = field(repr=False)
    location_id: str


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """A client asks for a *virtual* host and port; answer with ``accept()`` or ``refuse()``."""

    host: str
    port: int


Step: TypeAlias = Literal["method", "authentication", "connect"]
"""The part of the handshake a refusal belongs to."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The machine refused by itself: ``code`` is the method, status or reply that it sent at this ``step``."""

    code: int
    text: str
    step: Step


ServerEvent: TypeAlias = AuthenticationRequested | ConnectRequested | Refused
