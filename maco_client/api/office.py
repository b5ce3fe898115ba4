"""What the answers of the API are given: the tenant, its inbox, and what it takes to describe them."""

from __future__ import annotations

from dataclasses import dataclass

from maco_client.inbox import Inbox
from maco_client.reach import Reach
from maco_client.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Office:
    """One running MaCo, as the API sees it."""

    tenant: Tenant
    inbox: Inbox
    reach: Reach
