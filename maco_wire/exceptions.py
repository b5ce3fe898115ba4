"""The errors of every wire machine.

WireError
├── RemoteProtocolError   the peer sent what the protocol does not allow: end the connection
└── LocalProtocolError    this side called a machine out of turn: a defect in the caller
"""

from __future__ import annotations


class WireError(Exception):
    """Stand for any breach of a wire protocol."""


class RemoteProtocolError(WireError):
    """The peer broke the protocol; ``expected`` and ``got`` say how, in words fit for a log line."""

    def __init__(self, protocol: str, expected: str, got: str) -> None:
        super().__init__(f"{protocol}: expected {expected}, got {got}")
        self.protocol = protocol
        self.expected = expected
        self.got = got


class LocalProtocolError(WireError):
    """The caller used a machine out of turn."""
