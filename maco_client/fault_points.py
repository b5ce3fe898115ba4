"""The moments of a poll at which a test may kill the process: between any two things that must not be torn apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

FaultPointName: TypeAlias = Literal[
    "locked",
    "searched",
    "fetched",
    "committed",
    "marked_read",
    "archive_begun",
    "copied",
    "copy_recorded",
    "moved",
    "deleted",
    "post_processed",
    "closed",
]
"""In the order of a poll. What has just happened: the lock was taken, the server answered, the inbox committed.

By POP3 a deletion is post-processed only when the session is ``closed``: QUIT does it.
"""

FaultPoint: TypeAlias = Callable[[FaultPointName], None]


def no_fault(_: FaultPointName) -> None:
    """Go on: nothing is injected outside tests."""
