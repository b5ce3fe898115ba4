"""Serve the lab page beside a running lab, without its start or its end taking longer for it.

The port is taken at once, so that an occupied one is told at the start and a browser that comes early waits. Starlette
and uvicorn are imported only when MaCo has polled for the first time, or a moment later if that poll takes long.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from maco_http.loopback import LoopbackSocket
from maco_net.background import in_background

if TYPE_CHECKING:
    from maco_lab.lab_model import Page
    from maco_lab.page.landscape import Lab

FIRST_POLL_S = 1.0
"""How long the first poll is given before the page is served beside it."""


class PageSocket(LoopbackSocket):
    """The port of the page, taken before anybody serves on it."""

    def served(self, lab: Lab, polled: asyncio.Event) -> AbstractAsyncContextManager[None]:
        """Serve while the block runs, from the moment that ``polled`` is set or soon after."""
        return in_background(self._serve(lab, polled))

    def served_now(self, lab: Lab) -> AbstractAsyncContextManager[None]:
        """Serve while the block runs, and be ready when it begins."""
        from maco_lab.page.server import served

        return served(lab, self.socket)

    async def _serve(self, lab: Lab, polled: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_POLL_S):
                await polled.wait()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, importlib.import_module, "maco_lab.page.server")
        async with self.served_now(lab):
            await loop.create_future()  # until it is cancelled


@contextlib.contextmanager
def page_socket(page: Page, *, free_port: bool) -> Iterator[PageSocket | None]:
    """Take the page's port while the block runs; None if the lab file switches the page off."""
    if not page.serve:
        yield None
        return
    with contextlib.closing(PageSocket(0 if free_port else page.port)) as taken:
        yield taken
