"""In an async test, what takes time is awaited: the test's own loop goes on meanwhile. Needs pytest-asyncio."""

import pytest


@pytest.mark.asyncio
async def test_an_async_test_awaits(maco, mail_server):
    await mail_server.deliver_async("gas@stadtwerke.example")

    result = await maco.poll_async("way-b")

    assert result.stored == 1
