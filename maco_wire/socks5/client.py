"""MaCo's side of the SOCKS5 handshake: ask for method 0x80, send the token, ask for a virtual host.

Each request leaves only after the previous answer was read, as with every known client of the Connectivity service.
A refusal is an event, not an error: errors are for bytes that RFC 1928 and SAP's page do not allow.
"""

from __future__ import annotations

import base64
import enum

from maco_wire.exceptions import LocalProtocolError, RemoteProtocolError
from maco_wire.host_names import check_port, is_visible_ascii
from maco_wire.receive_buffer import ReceiveBuffer
from maco_wire.socks5.addresses import encode_address, take_address
from maco_wire.socks5.values import (
    AUTHENTICATION_ACCEPTED,
    AUTHENTICATION_VERSION,
    MAX_LOCATION_ID_BYTES,
    MAX_TOKEN_BYTES,
    PROTOCOL,
    VERSION,
    AddressType,
    Authenticated,
    AuthenticationRefused,
    ClientEvent,
    Command,
    Connected,
    ConnectRefused,
    Method,
    MethodAccepted,
    MethodRefused,
    Reply,
)

_RESERVED = 0x00
_REPLY_HEAD_SIZE = 3  # VER, REP, RSV stand before ATYP


class _State(enum.Enum):
    """What the client waits for; the text completes "expected …"."""

    METHOD = "the method chosen by the proxy"
    AUTHENTICATION = "the status of the authentication"
    REPLY = "the reply to CONNECT"
    CONNECTED = "payload"
    REFUSED = "nothing more after a refusal"
    FAILED = "nothing more after a protocol error"


_WAITING = frozenset({_State.METHOD, _State.AUTHENTICATION, _State.REPLY})


class Socks5Client:
    """Speak the client's part of one handshake.

    ``token`` is the JWT without ``Bearer``; an empty ``location_id`` means the connector without one; ``host`` and
    ``port`` are the *virtual* ones.

    Raises:
        LocalProtocolError: a value does not fit the wire (token, location ID over 189 bytes, host name, port).
    """

    def __init__(self, *, token: str, location_id: str, host: str, port: int) -> None:
        check_port(port)
        self._host = host
        self._port = port
        self._authentication = _encode_authentication(token, location_id)
        self._connect = bytes([VERSION, Command.CONNECT, _RESERVED]) + encode_address(host, port)
        self._state = _State.METHOD
        self._received = ReceiveBuffer()
        self._outgoing = bytes([VERSION, 1, Method.SAP_TOKEN])

    def __repr__(self) -> str:
        return f"<Socks5Client {self._host}:{self._port} {self._state.name}>"

    def data_to_send(self) -> bytes:
        """Drain the bytes to write; the very first call yields the method request."""
        data, self._outgoing = self._outgoing, b""
        return data

    @property
    def trailing_data(self) -> bytes:
        """The first payload: what arrived behind the reply (a mail server's greeting may be glued to it)."""
        return bytes(self._received) if self._state is _State.CONNECTED else b""

    def receive_data(self, data: bytes) -> list[ClientEvent]:
        """Take bytes from the proxy and return the event they complete, if any.

        Raises:
            RemoteProtocolError: the proxy broke the protocol, or spoke before it was asked.
            LocalProtocolError: the handshake is over; what follows is payload and not for this machine.
        """
        if self._state not in _WAITING:
            raise LocalProtocolError(f"the SOCKS5 handshake expects {self._state.value}")
        self._received.append(data)
        try:
            event = self._read_answer()
            self._check_silence(event)
        except RemoteProtocolError:
            self._state = _State.FAILED
            raise
        return [] if event is None else [event]

    def receive_eof(self) -> list[ClientEvent]:
        """Take the end of the proxy's stream; it is an error while an answer is outstanding.

        Raises:
            RemoteProtocolError: the proxy closed instead of answering.
        """
        if self._state in _WAITING:
            expected, self._state = self._state.value, _State.FAILED
            raise RemoteProtocolError(PROTOCOL, expected, "the end of the stream")
        return []

    def _read_answer(self) -> ClientEvent | None:
        match self._state:
            case _State.METHOD:
                return self._read_method()
            case _State.AUTHENTICATION:
                return self._read_status()
            case _:
                return self._read_reply()

    def _read_method(self) -> ClientEvent | None:
        self._check_version(VERSION)
        answer = self._received.take(2)
        if answer is None:
            return None
        if answer[1] != Method.SAP_TOKEN:
            self._state = _State.REFUSED
            return MethodRefused(answer[1])
        self._state = _State.AUTHENTICATION
        self._outgoing += self._authentication
        self._authentication = b""
        return MethodAccepted()

    def _read_status(self) -> ClientEvent | None:
        self._check_version(AUTHENTICATION_VERSION)
        answer = self._received.take(2)
        if answer is None:
            return None
        if answer[1] != AUTHENTICATION_ACCEPTED:
            self._state = _State.REFUSED
            return AuthenticationRefused(answer[1])
        self._state = _State.REPLY
        self._outgoing += self._connect
        return Authenticated()

    def _read_reply(self) -> ClientEvent | None:
        self._check_version(VERSION)
        reply = self._received.byte(1)
        if reply is None:
            return None
        if reply != Reply.SUCCESS:
            # SAP's sample client "reads REP first and throws at once if it is not 0": the rest may never come.
            self._state = _State.REFUSED
            return ConnectRefused(reply)
        self._check_reply_head()
        if self._received.byte(_REPLY_HEAD_SIZE) is None:
            return None
        address = take_address(self._received, _REPLY_HEAD_SIZE)
        if address is None:
            return None
        self._state = _State.CONNECTED
        # SAP's sample client skips the bound address, so odd bytes in it are no reason to fail.
        return Connected(address[0].decode("ascii", "backslashreplace"), address[1])

    def _check_silence(self, event: ClientEvent | None) -> None:
        if event is not None and self._state in _WAITING and self._received:
            raise RemoteProtocolError(PROTOCOL, "silence until the next request", "further bytes")

    def _check_version(self, expected: int) -> None:
        version = self._received.byte(0)
        if version not in {None, expected}:
            raise RemoteProtocolError(PROTOCOL, f"version {expected:02x} in {self._state.value}", f"{version:02x}")

    def _check_reply_head(self) -> None:
        reserved, address_type = self._received.byte(2), self._received.byte(3)
        if reserved not in {None, _RESERVED}:
            # RFC 1928, section 6: "Fields marked RESERVED (RSV) must be set to X'00'."
            raise RemoteProtocolError(PROTOCOL, "a reserved byte 00", f"{reserved:02x}")
        if address_type not in {None, AddressType.IPV4, AddressType.DOMAIN}:
            raise RemoteProtocolError(PROTOCOL, "address type 01 or 03", f"{address_type:02x}")


def _encode_authentication(token: str, location_id: str) -> bytes:
    """Return message 3 of SAP's table: 01, token length in 4 bytes, token, length of the Base64 text, Base64 text."""
    raw_token = token.encode("utf-8", "surrogatepass")
    if not 1 <= len(raw_token) <= MAX_TOKEN_BYTES or not is_visible_ascii(raw_token):
        raise LocalProtocolError(f"a token is 1 to {MAX_TOKEN_BYTES} visible ASCII characters")
    raw_location_id = location_id.encode("utf-8", "surrogatepass")
    if len(raw_location_id) > MAX_LOCATION_ID_BYTES:
        raise LocalProtocolError(f"a location ID has at most {MAX_LOCATION_ID_BYTES} bytes")
    location = base64.b64encode(raw_location_id)
    head = bytes([AUTHENTICATION_VERSION]) + len(raw_token).to_bytes(4, "big")
    return head + raw_token + bytes([len(location)]) + location
