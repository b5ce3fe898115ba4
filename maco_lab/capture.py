"""From what the taps kept to a file for Wireshark: one interface for each hop, the parties named.

The bytes are those that passed, in their order and at their time. Everything below them is made up, because a tap is a
relay and sees no packets: addresses (``capture_addresses``), handshake and sequence numbers. A connection ends as the
tap met it, FIN by FIN or with a reset; one whose end was not seen has none. The real addresses are in a comment on a
connection's first packet.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, assert_never

from maco_lab.capture_addresses import CaptureAddresses, Servers
from maco_lab.taps.chunk import HOPS, Hop, TapChunk, TapEnd, TappedConnection
from maco_lab.taps.copies import Wiretap
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


def write_capture(path: Path, wiretap: Wiretap, servers: Servers, key_log: Iterable[bytes] = ()) -> None:
    """Write the file, whole or not at all, for its owner alone: it holds what passed in clear, and maybe keys.

    ``key_log`` are lines of an NSS key log; without them the file is what an eavesdropper has. Raises OSError.
    """
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600 from the start
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(capture_blocks(wiretap, servers, key_log))
        Path(draft).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(draft).unlink()
        raise


def capture_blocks(wiretap: Wiretap, servers: Servers, key_log: Iterable[bytes] = ()) -> Iterator[bytes]:
    """Yield the blocks of the file."""
    yield pcapng.section_header("maco-lab")
    for hop in HOPS:
        yield pcapng.interface_description(hop, _DESCRIPTIONS[hop])
    addresses = CaptureAddresses(servers)
    streams = {connection: _stream(connection, addresses) for connection in wiretap.connections}
    yield pcapng.name_resolution(addresses.names)
    if keys := b"".join(line + b"\n" for line in key_log):
        yield pcapng.tls_secrets(keys)
    events = _events(wiretap)
    for at, event in sorted(events, key=lambda timed: timed[0]):  # stable: each connection keeps its order
        for packet, comment in _packets(event, streams[event.connection]):
            interface = HOPS.index(event.connection.hop)
            yield pcapng.enhanced_packet(interface, round(at * 1_000_000), packet, comment)


def _stream(connection: TappedConnection, addresses: CaptureAddresses) -> MadeUpTcp:
    client, server = addresses.ends(connection)
    start = connection.number * _SEQUENCE_STEP % 2**32
    return MadeUpTcp(client, server, client_starts_at=start, server_starts_at=start ^ _SERVER_SEQUENCE)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A connection begins; the taps may have kept only its last bytes."""

    connection: TappedConnection
    is_whole: bool


_Event: TypeAlias = _Opened | TapChunk | TapEnd


def _events(wiretap: Wiretap) -> Iterator[tuple[float, _Event]]:
    """Yield what happens and when; time never runs back within a connection, even if the clock was set.

    A direction's end stands behind its last bytes, and a reset behind those of both: a tap may meet it while bytes from
    before are on their way.
    """
    passed = {connection: connection.opened_at for connection in wiretap.connections}
    spoke = {(connection, from_client): at for connection, at in passed.items() for from_client in (True, False)}
    for connection, at in passed.items():
        yield at, _Opened(connection, connection.number not in wiretap.incomplete)
    for chunk in wiretap.chunks:
        passed[chunk.connection] = at = max(passed[chunk.connection], chunk.at)
        spoke[chunk.connection, chunk.from_client] = at
        yield at, chunk
    for end in wiretap.ends:
        before = passed[end.connection] if end.how == "reset" else spoke[end.connection, end.from_client]
        yield max(before, end.at), end


def _packets(event: _Event, stream: MadeUpTcp) -> Iterator[tuple[bytes, str]]:
    """Yield the packets of an event, each with its comment."""
    match event:
        case _Opened():
            first, *others = stream.opening()
            yield first, _about(event)
            yield from ((packet, "") for packet in others)
        case TapChunk():
            yield from ((packet, "") for packet in stream.data(event.data, from_client=event.from_client))
        case TapEnd(how="reset"):
            yield stream.reset(from_client=event.from_client), ""
        case TapEnd():
            yield from ((packet, "") for packet in stream.end(from_client=event.from_client))
        case _:
            assert_never(event)


def _about(opened: _Opened) -> str:
    connection = opened.connection
    real = f"{_written(connection.client)} to {_written(connection.server)}"
    lost = "" if opened.is_whole else "; its first bytes are missing: the taps kept only the last"
    return f"connection {connection.number} of the taps, really {real}; all below the payload is made up{lost}"


def _written(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
