"""Answer with figures for Prometheus."""

from __future__ import annotations

import asyncio
import collections

from starlette.responses import Response

from maco_client.api.asked import Asked
from maco_client.api.office import Office
from maco_client.metrics import CONTENT_TYPE
from maco_client.metrics import metrics as as_text


async def metrics(office: Office, _asked: Asked) -> Response:
    """Return all figures."""
    loop = asyncio.get_running_loop()
    mails = await loop.run_in_executor(None, office.inbox.mails)
    locks = await loop.run_in_executor(None, office.inbox.locks)
    counted = collections.Counter(each.connection for each in mails)
    tenant = office.tenant
    text = as_text(tenant.configuration, tenant.statistics, counted, len(locks))
    return Response(text, headers={"Content-Type": CONTENT_TYPE})
