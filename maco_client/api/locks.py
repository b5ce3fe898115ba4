"""Answer what concerns the locks of polls, as CPI's Manage Locks has them."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException

from maco_client.api import shapes
from maco_client.api.asked import Asked
from maco_client.api.entries import iso
from maco_client.api.office import Office
from maco_client.inbox_tables.locks import LockPlace

MOST_LOCKS = 500  # CPI, Message Locks: the list shows the newest 500


async def locks(office: Office, _asked: Asked) -> shapes.Locks:
    """Return the locks that are held, the newest first."""
    held = await asyncio.get_running_loop().run_in_executor(None, office.inbox.locks)
    return shapes.Locks(
        locks=[
            shapes.Lock(
                host=each.place.host,
                user=each.place.user,
                folder=each.place.folder,
                created_at=iso(each.created_at),
                expires_at=iso(each.expires_at),
            )
            for each in held[:MOST_LOCKS]
        ]
    )


async def release_lock(office: Office, asked: Asked) -> shapes.Done:
    """Release a lock, whoever holds it; its poll ends before it would touch another mail."""
    place = LockPlace(asked.text("host"), asked.text("user"), asked.text("folder"))
    if not await office.inbox.release(place):
        raise HTTPException(404, f"found no lock on {place.folder!r} of {place.user!r} at {place.host!r}")
    return shapes.Done()
