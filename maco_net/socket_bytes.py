"""How many bytes a TCP connection has carried, from its kernel: a system call at the end, and nothing before.

So bytes below TLS are counted where OpenSSL works on the socket itself. Linux alone tells (``struct tcp_info`` of
``<linux/tcp.h>``, since version 4.19).
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from dataclasses import dataclass
from typing import Protocol

_TCP_INFO_BYTES = 216
"""Where ``tcpi_bytes_retrans`` ends; an older kernel gives less."""
_STATE = struct.Struct("B")
_BYTES_RECEIVED = struct.Struct("@Q"), 128
_NOTSENT_BYTES = struct.Struct("@I"), 144
_SENT_AND_SENT_AGAIN = struct.Struct("@QQ"), 200

_CLOSED = 7  # TCP_CLOSE of <linux/tcp_states.h>
_PEER_HAS_ENDED = frozenset({8, 9, 11})  # TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSING


class HasOptions(Protocol):
    """A socket, or what asyncio shows of one."""

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes:
        """See ``socket.socket``."""


@dataclass(frozen=True, slots=True)
class SocketBytes:
    """What one end sent and received, None where the system does not tell; ``peer_ended``: the peer's FIN had come."""

    sent: int | None = None
    received: int | None = None
    peer_ended: bool = False


def socket_bytes(sock: HasOptions) -> SocketBytes:
    """Return what a connection has carried until now.

    What was handed to the kernel counts as sent, unless it has been lost because the connection is broken. Ask before
    this end has sent its own FIN: after both, a FIN that came cannot be told from a byte.
    """
    if sys.platform != "linux":
        return SocketBytes()
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        state: int = _STATE.unpack_from(info)[0]
        peer_ended = state in _PEER_HAS_ENDED or (state == _CLOSED and _broke_behind_the_end(sock))
    except OSError:
        return SocketBytes()
    if len(info) < _TCP_INFO_BYTES:
        return SocketBytes()
    sent, again = _at(info, _SENT_AND_SENT_AGAIN)
    (received,), (not_sent,) = _at(info, _BYTES_RECEIVED), _at(info, _NOTSENT_BYTES)
    # RFC 9293, section 3.4: a FIN takes a sequence number, and Linux counts it as a byte received.
    return SocketBytes(sent - again + (0 if state == _CLOSED else not_sent), received - peer_ended, peer_ended)


def _broke_behind_the_end(sock: HasOptions) -> bool:
    """Tell whether a FIN came before the reset: Linux calls such a reset a broken pipe (``tcp_reset``)."""
    number: int = struct.unpack("i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR, 4))[0]
    return number == errno.EPIPE


def _at(info: bytes, field: tuple[struct.Struct, int]) -> tuple[int, ...]:
    layout, offset = field
    return layout.unpack_from(info, offset)
