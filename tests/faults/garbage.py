"""What no peer should send: random bytes, messages that break off, and frames from outside the specification."""

from __future__ import annotations

import ssl

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.faults.raw_yamux import ACK, DATA, FIN, GO_AWAY, PING, RST, SYN, WINDOW, WINDOW_UPDATE, data, frame
from tests.faults.seeds import SOAK

bounded = settings(
    max_examples=40 if SOAK else 8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
"""Each example starts a landscape of its own and is many connections: one that fails is not shrunk."""

noise = st.binary(max_size=300)


def cut_then_noise(*whole: bytes) -> st.SearchStrategy[bytes]:
    """Begin as one of ``whole``, break off somewhere, and go on with noise."""
    return st.builds(
        lambda message, share, tail: message[: int(len(message) * share)] + tail,
        st.sampled_from([b"", *whole]),
        st.floats(0, 1),
        noise,
    )


def client_hello() -> bytes:
    """Return a real one, from the real library."""
    written = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    try:
        context.wrap_bio(ssl.MemoryBIO(), written).do_handshake()
    except ssl.SSLWantReadError:
        return written.read()
    raise AssertionError("a handshake without a peer does not succeed")


_raw_frame = st.builds(
    lambda version, kind, flags, stream_id, length, tail: (
        bytes([version]) + frame(kind, flags, stream_id, length)[1:] + tail
    ),
    st.sampled_from([0] * 9 + [1, 255]),
    st.sampled_from([0, 1, 2, 3] * 3 + [4, 255]),
    st.integers(0, 31),
    st.integers(0, 6) | st.just(0xFFFFFFFF),
    st.integers(0, 20) | st.sampled_from([WINDOW, WINDOW + 1, 0xFFFFFFFF]),
    st.binary(max_size=20),
)

frames = st.builds(
    lambda written, cut: written[: len(written) - cut],
    st.lists(_raw_frame | noise, max_size=12).map(b"".join),
    st.integers(0, 15),
)
"""Frames of all kinds, good and bad, the last one often cut in its middle."""


def breaches(theirs: int, ours: int) -> dict[str, bytes]:
    """Return what ends a session with "protocol error"; new streams of the peer have IDs like ``theirs``.

    Nobody has opened a stream before.
    """
    opened = frame(WINDOW_UPDATE, SYN, theirs, 0)
    return {
        "version": b"\x01" + frame(PING, SYN, 0, 1)[1:],
        "type": frame(4, 0, 0, 0),
        "flag": frame(PING, SYN | 16, 0, 0),
        "data for the session": data(0, b"x"),
        "window update for the session": frame(WINDOW_UPDATE, 0, 0, 1),
        "data on a stream that nobody opened": data(theirs, b"x"),
        "end of a stream that nobody opened": frame(DATA, FIN, ours, 0),
        "acknowledgement of a stream that nobody opened": frame(WINDOW_UPDATE, ACK, ours, 0),
        "reset of a stream that nobody opened": frame(WINDOW_UPDATE, RST, ours, 0),
        "an ID of the wrong side": frame(WINDOW_UPDATE, SYN, ours, 0),
        "an ID used again": opened + opened,
        "more than the window": opened + frame(DATA, 0, theirs, 0xFFFFFFFF),
        "more than the window at once": frame(DATA, SYN, theirs, 0xFFFFFFFF),
        "ping on a stream": opened + frame(PING, SYN, theirs, 1),
        "go-away with an unknown code": frame(GO_AWAY, 0, 0, 99),
    }
