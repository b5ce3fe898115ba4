"""The end of an ``asyncio.Server`` that loses no connection; where we accept ourselves, ``listener`` does it."""

from __future__ import annotations

import asyncio
import socket

_TURNS_UNTIL_MADE = 2
"""How many turns of the loop lie between ``accept`` and ``connection_made``."""


async def stop_accepting(server: asyncio.Server, listening: socket.socket) -> None:
    """Close a server and its one socket; what it had accepted has been made then, and is the caller's to end.

    ``Server.close`` alone forgets a connection that was accepted a moment before: its client would wait for ever.
    """
    asyncio.get_running_loop().remove_reader(listening)
    try:
        for _ in range(_TURNS_UNTIL_MADE):
            await asyncio.sleep(0)
    finally:
        server.close()
