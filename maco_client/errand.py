"""What one poll is about, and what it works with."""

from __future__ import annotations

from dataclasses import dataclass

from maco_client.fault_points import FaultPoint
from maco_client.inbox import Inbox
from maco_client.key_store import KeyStore
from maco_client.reporter import Reporter
from maco_client.results import Progress
from maco_client.settings import EmailConnection


@dataclass(frozen=True, slots=True)
class Errand:
    """One poll of ``connection``; ``lock`` is what ``Inbox.poll_lock`` gave."""

    connection: EmailConnection
    key_store: KeyStore
    inbox: Inbox
    lock: str
    reporter: Reporter
    progress: Progress
    max_mail_bytes: int
    fault_point: FaultPoint
