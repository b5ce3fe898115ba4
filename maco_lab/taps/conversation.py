"""Both directions of one connection as bytes, and what stands around the payload on each hop.

Pure. Nothing is decrypted here; see ``tls_stream`` for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from maco_lab.taps.chunk import TapChunk, TappedConnection
from maco_wire.exceptions import RemoteProtocolError
from maco_wire.socks5 import AddressType
from maco_wire.tunnel_messages import OpenAnswerReader, OpenRequestReader
from maco_wire.yamux.frames import FrameReader, Header

_END_OF_HEAD = b"\r\n\r\n"  # RFC 9112, section 2.1


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the end that dialled has said, and what it was told; never shown, because secrets are in it."""

    from_client: bytes = field(default=b"", repr=False)
    to_client: bytes = field(default=b"", repr=False)

    @property
    def sizes(self) -> tuple[int, int]:
        """How many bytes each direction has."""
        return len(self.from_client), len(self.to_client)


@dataclass(frozen=True, slots=True)
class TunnelStream:
    """One stream of a tunnel, with MaCo's end as its client: all of its bytes, and of those the payload."""

    whole: Conversation
    payload: Conversation


def conversation(chunks: Iterable[TapChunk], connection: TappedConnection) -> Conversation:
    """Put the chunks of one connection together."""
    of_it = [chunk for chunk in chunks if chunk.connection.number == connection.number]
    return Conversation(
        b"".join(chunk.data for chunk in of_it if chunk.from_client),
        b"".join(chunk.data for chunk in of_it if not chunk.from_client),
    )


def behind_socks(seen: Conversation) -> Conversation | None:
    """Return what follows the SOCKS5 handshake with method 0x80; None if that is not there or not complete."""
    try:
        begins = _behind_request(seen.from_client), _behind_reply(seen.to_client)
    except (IndexError, ValueError):
        return None
    if any(begin > size for begin, size in zip(begins, seen.sizes, strict=True)):
        return None
    return Conversation(seen.from_client[begins[0] :], seen.to_client[begins[1] :])


def _behind_request(data: bytes) -> int:
    """Skip the methods, the token with the location ID (SAP's method 0x80), and the request (RFC 1928, section 4)."""
    at = 2 + data[1]
    at += 5 + int.from_bytes(data[at + 1 : at + 5], "big")
    at += 1 + data[at]
    return _behind_address(data, at + 3)


def _behind_reply(data: bytes) -> int:
    """Skip the chosen method, the status and the reply (RFC 1928, section 6)."""
    return _behind_address(data, 2 + 2 + 3)


def _behind_address(data: bytes, at: int) -> int:
    match data[at]:
        case AddressType.IPV4:
            return at + 1 + 4 + 2
        case AddressType.DOMAIN:
            return at + 2 + data[at + 1] + 2
    raise ValueError("an address type that the proxy does not speak")


def stream_of(tunnel: Conversation, trace_id: str) -> TunnelStream | None:
    """Return the stream with this trace ID from the decrypted bytes of a tunnel; None if it is not in them.

    The connector is the client of the connection below, the cloud side opens the streams.
    """
    try:
        by_cloud = _by_stream(_behind_head(tunnel.to_client))
        by_connector = _by_stream(_behind_head(tunnel.from_client))
        for number, said in by_cloud.items():
            request = OpenRequestReader()
            opened = request.receive_data(said)
            if opened is not None and opened.trace_id == trace_id:
                answered = by_connector.get(number, b"")
                answer = OpenAnswerReader()
                answer.receive_data(answered)
                payload = Conversation(request.trailing_data, answer.trailing_data)
                return TunnelStream(Conversation(said, answered), payload)
    except RemoteProtocolError:
        pass
    return None


def _behind_head(data: bytes) -> bytes:
    """Skip the HTTP Upgrade or its answer."""
    return data.partition(_END_OF_HEAD)[2]


def _by_stream(frames: bytes) -> dict[int, bytes]:
    """Return the payload of data frames by stream ID. Raises RemoteProtocolError for what is not yamux."""
    found: dict[int, bytearray] = {}
    stream_id = 0
    for part in FrameReader().receive_data(frames):
        if isinstance(part, Header):
            stream_id = part.stream_id
        else:
            found.setdefault(stream_id, bytearray()).extend(part)
    return {number: bytes(data) for number, data in found.items()}
