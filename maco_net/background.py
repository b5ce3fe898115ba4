"""Run jobs beside a block of code: they live as long as the block and never longer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any


@contextlib.asynccontextmanager
async def in_background(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run ``jobs`` while the block runs; then cancel them and wait for their end.

    What the block raises comes out as it is. A job that fails ends the block and comes out in an ExceptionGroup.
    """
    failure: BaseException | None = None
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(job) for job in jobs]
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - raised again below: a TaskGroup would wrap it in a group
            failure = error
        finally:
            for task in running:
                task.cancel()
    if failure is not None:
        raise failure
