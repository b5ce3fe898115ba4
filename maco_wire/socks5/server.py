"""The Connectivity service's side of the SOCKS5 handshake.

The machine answers by itself whatever needs no knowledge (method, command, address type, unreadable values) and leaves
to its caller who may come in and what is reachable. Three kinds of fault are kept apart:

- bytes that are not this protocol (wrong version, reserved byte, a token length beyond reason): RemoteProtocolError;
- a well-framed request with a value nobody could honour: refused on the wire, and reported as ``Refused``;
- a client that sends its next message early: read later, in its turn; known clients never do so.
"""

from __future__ import annotations

import base64
import binascii
import enum

from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.host_names import is_visible_ascii
from maco_wire.receive_buffer import ReceiveBuffer
from maco_wire.socks5.addresses import encode_address, take_address
from maco_wire.socks5.values import (
    AUTHENTICATION_ACCEPTED,
    AUTHENTICATION_VERSION,
    MAX_TOKEN_BYTES,
    PROTOCOL,
    VERSION,
    AddressType,
    AuthenticationRequested,
    Command,
    ConnectRequested,
    Method,
    Refused,
    Reply,
    ServerEvent,
    Step,
)

MAX_EARLY_BYTES = 64 * 1024  # ours: what a client may send ahead while its token or its request is being decided

_REQUEST_HEAD_SIZE = 3  # VER, CMD, RSV stand before ATYP
_TOKEN_START = 5  # version and four bytes of length stand before the token


class _State(enum.Enum):
    """What the server waits for; the text completes "expected …"."""

    METHODS = "the methods offered by the client"
    AUTHENTICATION = "the client's token"
    AUTHENTICATION_DECISION = "the caller's decision on the token"
    REQUEST = "the client's request"
    CONNECT_DECISION = "the caller's decision on the request"
    CONNECTED = "payload"
    REFUSED = "nothing more after a refusal"
    FAILED = "nothing more after a protocol error"


_READING = frozenset({_State.METHODS, _State.AUTHENTICATION, _State.REQUEST})
_DECIDING = frozenset({_State.AUTHENTICATION_DECISION, _State.CONNECT_DECISION})


class Socks5Server:
    """Speak the proxy's part of one handshake."""

    def __init__(self) -> None:
        self._state = _State.METHODS
        self._received = ReceiveBuffer()
        self._outgoing = b""

    def __repr__(self) -> str:
        return f"<Socks5Server {self._state.name}>"

    @property
    def must_close(self) -> bool:
        """Whether the connection must be closed once ``data_to_send()`` has been written."""
        return self._state in {_State.REFUSED, _State.FAILED}

    @property
    def trailing_data(self) -> bytes:
        """The first payload: what the client sent behind its request; empty until ``accept()``."""
        return bytes(self._received) if self._state is _State.CONNECTED else b""

    def data_to_send(self) -> bytes:
        """Drain the bytes to write."""
        data, self._outgoing = self._outgoing, b""
        return data

    def receive_data(self, data: bytes) -> list[ServerEvent]:
        """Take bytes from the client and return the events they complete.

        Raises:
            RemoteProtocolError: the bytes are not this protocol; close the connection.
            LocalProtocolError: the handshake is over; what follows is payload and not for this machine.
        """
        if self._state not in _READING | _DECIDING:
            raise LocalProtocolError(f"the SOCKS5 handshake expects {self._state.value}")
        self._received.append(data)
        return self._read_messages()

    def receive_eof(self) -> list[ServerEvent]:
        """Take the end of the client's stream; it is an error before the handshake is over.

        Raises:
            RemoteProtocolError: the client left in the middle of the handshake.
        """
        if self._state in _READING | _DECIDING:
            expected, self._state = self._state.value, _State.FAILED
            raise RemoteProtocolError(PROTOCOL, expected, "the end of the stream")
        return []

    def accept_authentication(self) -> list[ServerEvent]:
        """Answer ``01 00``; return the events of a request that the client had already sent (usually none)."""
        self._require(_State.AUTHENTICATION_DECISION)
        self._outgoing += bytes([AUTHENTICATION_VERSION, AUTHENTICATION_ACCEPTED])
        self._state = _State.REQUEST
        return self._read_messages()

    def refuse_authentication(self, status: int = Reply.CONNECTION_REFUSED) -> None:
        """Answer ``01`` and the status (1 to 255; clients read it like a reply code); the connection must then end."""
        self._require(_State.AUTHENTICATION_DECISION)
        self._refuse("authentication", _refusal_code(status), "refused by the caller")

    def accept(self, bound_host: str = "0.0.0.0", bound_port: int = 0) -> None:  # noqa: S104 - a value on the wire
        """Answer success; the bound address is written as ATYP 01 or 03, the only ones SAP's sample client can skip."""
        self._require(_State.CONNECT_DECISION)
        self._outgoing += _encode_reply(Reply.SUCCESS, bound_host, bound_port)
        self._state = _State.CONNECTED

    def refuse(self, reply: int) -> None:
        """Answer the request with a reply code (1 to 255); the connection must then end."""
        self._require(_State.CONNECT_DECISION)
        self._refuse("connect", _refusal_code(reply), "refused by the caller")

    def _require(self, state: _State) -> None:
        if self._state is not state:
            raise LocalProtocolError(f"the SOCKS5 handshake expects {self._state.value}, not {state.value}")

    def _read_messages(self) -> list[ServerEvent]:
        """Read as many messages as are there and may be read now; the method message alone yields no event."""
        events: list[ServerEvent] = []
        try:
            while self._state in _READING:
                before = self._state
                event = self._read_message()
                if event is not None:
                    events.append(event)
                elif self._state is before:
                    break
            self._check_early_bytes()
        except RemoteProtocolError:
            self._state = _State.FAILED
            raise
        return events

    def _read_message(self) -> ServerEvent | None:
        match self._state:
            case _State.METHODS:
                return self._read_methods()
            case _State.AUTHENTICATION:
                return self._read_authentication()
            case _:
                return self._read_request()

    def _read_methods(self) -> ServerEvent | None:
        self._check_version(VERSION)
        count = self._received.byte(1)
        message = None if count is None else self._received.take(2 + count)
        if message is None:
            return None
        if Method.SAP_TOKEN not in message[2:]:
            offered = message[2:].hex(" ") or "none"
            return self._refuse("method", Method.NO_ACCEPTABLE, f"method 80 is required, offered: {offered}")
        self._outgoing += bytes([VERSION, Method.SAP_TOKEN])
        self._state = _State.AUTHENTICATION
        return None

    def _read_authentication(self) -> ServerEvent | None:
        self._check_version(AUTHENTICATION_VERSION)
        token_size = self._received.number(1, 4)
        if token_size is None:
            return None
        if token_size > MAX_TOKEN_BYTES:
            raise RemoteProtocolError(PROTOCOL, f"a token of at most {MAX_TOKEN_BYTES} bytes", f"{token_size} bytes")
        token_end = _TOKEN_START + token_size
        location_size = self._received.byte(token_end)
        message = None if location_size is None else self._received.take(token_end + 1 + location_size)
        if message is None:
            return None
        return self._read_credentials(message[_TOKEN_START:token_end], message[token_end + 1 :])

    def _read_credentials(self, token: bytes, location: bytes) -> ServerEvent:
        if not token or not is_visible_ascii(token):
            return self._refuse("authentication", Reply.CONNECTION_REFUSED, "the token is empty or not ASCII")
        location_id = _decode_location_id(location)
        if location_id is None:
            return self._refuse("authentication", Reply.FAILURE, "the location ID is not Base64 of printable UTF-8")
        self._state = _State.AUTHENTICATION_DECISION
        return AuthenticationRequested(token.decode("ascii"), location_id)

    def _read_request(self) -> ServerEvent | None:
        self._check_version(VERSION)
        if self._received.byte(2) not in {None, 0x00}:
            # RFC 1928, section 4: "Fields marked RESERVED (RSV) must be set to X'00'."
            raise RemoteProtocolError(PROTOCOL, "a reserved byte 00", f"{self._received.byte(2):02x}")
        command, address_type = self._received.byte(1), self._received.byte(_REQUEST_HEAD_SIZE)
        if command is None or address_type is None:
            return None
        if command != Command.CONNECT:
            return self._refuse("connect", Reply.COMMAND_UNSUPPORTED, f"command {command:02x} is not CONNECT")
        if address_type not in {AddressType.IPV4, AddressType.DOMAIN}:
            return self._refuse("connect", Reply.ADDRESS_UNSUPPORTED, f"address type {address_type:02x}")
        address = take_address(self._received, _REQUEST_HEAD_SIZE)
        return None if address is None else self._read_destination(*address)

    def _read_destination(self, host: bytes, port: int) -> ServerEvent:
        if not host or not is_visible_ascii(host):
            return self._refuse("connect", Reply.FAILURE, "the host name is empty or not visible ASCII")
        if port == 0:
            return self._refuse("connect", Reply.FAILURE, "nothing can be reached on port 0")
        self._state = _State.CONNECT_DECISION
        return ConnectRequested(host.decode("ascii"), port)

    def _check_early_bytes(self) -> None:
        if self._state in _DECIDING and len(self._received) > MAX_EARLY_BYTES:
            raise RemoteProtocolError(PROTOCOL, f"at most {MAX_EARLY_BYTES} bytes sent ahead", "more")

    def _check_version(self, expected: int) -> None:
        version = self._received.byte(0)
        if version not in {None, expected}:
            raise RemoteProtocolError(PROTOCOL, f"version {expected:02x} before {self._state.value}", f"{version:02x}")

    def _refuse(self, step: Step, code: int, text: str) -> Refused:
        match step:
            case "method":
                self._outgoing += bytes([VERSION, code])
            case "authentication":
                self._outgoing += bytes([AUTHENTICATION_VERSION, code])
            case "connect":
                self._outgoing += _encode_reply(code, "0.0.0.0", 0)  # noqa: S104 - a value on the wire
        self._state = _State.REFUSED
        return Refused(code, text, step)


def _encode_reply(reply: int, bound_host: str, bound_port: int) -> bytes:
    return bytes([VERSION, reply, 0x00]) + encode_address(bound_host, bound_port)


def _refusal_code(code: int) -> int:
    if not 1 <= code <= 0xFF:
        raise LocalProtocolError(f"a refusal is a code from 1 to 255, not {code}")
    return int(code)


def _decode_location_id(text: bytes) -> str | None:
    """Return the location ID behind its Base64 text, None if there is none to be read."""
    try:
        location_id = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return location_id if location_id.isprintable() else None
