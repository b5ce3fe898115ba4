"""From what the taps kept to a file for Wireshark: one interface for each hop, the parties named.

The bytes are those that passed, in their order and at their time. Everything below them is made up, because a tap is a
relay and sees no packets: addresses (``capture_addresses``), handshake, sequence numbers, and the end of a connection,
which stands where its last bytes passed. The real addresses are in a comment on a connection's first packet.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from maco_lab.capture_addresses import CaptureAddresses, Servers
from maco_lab.taps.chunk import HOPS, Hop, TapChunk, TappedConnection
from maco_wire import pcapng
from maco_wire.made_up_tcp import MadeUpTcp
from maco_wire.observation import Address

_DESCRIPTIONS: Mapping[Hop, str] = {
    "cloud network": "hop 1: MaCo to the Connectivity service",
    "tunnel": "hop 2: Cloud Connector to the Connectivity service, over the internet",
    "customer LAN": "hop 3: Cloud Connector to the mail server",
}
# Far enough apart that a connection whose ports were used before is not taken for the same one.
_SEQUENCE_STEP = 1 << 20
_SERVER_SEQUENCE = 1 << 31


def write_capture(path: Path, chunks: Sequence[TapChunk], servers: Servers, key_log: Iterable[bytes] = ()) -> None:
    """Write the file, whole or not at all, for its owner alone: it holds what passed in clear, and maybe keys.

    ``key_log`` are lines of an NSS key log; without them the file is what an eavesdropper has. Raises OSError.
    """
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600 from the start
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(capture_blocks(chunks, servers, key_log))
        Path(draft).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(draft).unlink()
        raise


def capture_blocks(chunks: Sequence[TapChunk], servers: Servers, key_log: Iterable[bytes] = ()) -> Iterator[bytes]:
    """Yield the blocks of the file."""
    yield pcapng.section_header("maco-lab")
    for hop in HOPS:
        yield pcapng.interface_description(hop, _DESCRIPTIONS[hop])
    addresses = CaptureAddresses(servers)
    streams = {each: _stream(each, addresses) for each in dict.fromkeys(chunk.connection for chunk in chunks)}
    yield pcapng.name_resolution(addresses.names)
    if keys := b"".join(line + b"\n" for line in key_log):
        yield pcapng.tls_secrets(keys)
    for at, event in sorted(_events(chunks), key=lambda timed: timed[0]):  # stable: each connection keeps its order
        for packet, comment in _packets(event, streams[event.connection]):
            interface = HOPS.index(event.connection.hop)
            yield pcapng.enhanced_packet(interface, round(at * 1_000_000), packet, comment)


def _stream(connection: TappedConnection, addresses: CaptureAddresses) -> MadeUpTcp:
    client, server = addresses.ends(connection)
    start = connection.number * _SEQUENCE_STEP
    return MadeUpTcp(client, server, client_starts_at=start, server_starts_at=start + _SERVER_SEQUENCE)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A connection begins."""

    connection: TappedConnection


@dataclass(frozen=True, slots=True)
class _Over:
    """Nothing more of a connection comes."""

    connection: TappedConnection


_Event: TypeAlias = _Opened | TapChunk | _Over


def _events(chunks: Iterable[TapChunk]) -> Iterator[tuple[float, _Event]]:
    """Yield what happens and when; time never runs back within a connection, even if the clock was set."""
    passed: dict[TappedConnection, float] = {}
    for chunk in chunks:
        connection = chunk.connection
        if connection not in passed:
            passed[connection] = connection.opened_at
            yield connection.opened_at, _Opened(connection)
        passed[connection] = max(passed[connection], chunk.at)
        yield passed[connection], chunk
    for connection, at in passed.items():
        yield at, _Over(connection)


def _packets(event: _Event, stream: MadeUpTcp) -> Iterator[tuple[bytes, str]]:
    """Yield the packets of an event, each with its comment."""
    match event:
        case _Opened(connection):
            real = f"{_written(connection.client)} to {_written(connection.server)}"
            first, *others = stream.opening()
            yield first, f"connection {connection.number} of the taps: really {real}; headers are made up"
            yield from ((packet, "") for packet in others)
        case TapChunk():
            yield from ((packet, "") for packet in stream.data(event.data, from_client=event.from_client))
        case _Over():
            yield from ((packet, "") for packet in stream.closing(from_client=True))


def _written(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
