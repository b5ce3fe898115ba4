"""The relays of one party that run now: they belong to no task, so somebody has to end them."""

from __future__ import annotations

from connector_sim.admission import Lease
from connector_sim.relay import Passed, Relay, RelayEnd


class Relays:
    """Start relays, count them, and end them with the party."""

    def __init__(self) -> None:
        self._running: dict[Relay, Lease | None] = {}
        self._forget = self._ended  # one bound method for all of them

    def __len__(self) -> int:
        return len(self._running)

    def passed(self) -> list[Passed]:
        """Return what has passed so far through each that runs."""
        return [relay.passed for relay in self._running]

    def start(
        self, relay: Relay, lease: Lease | None = None, *, early_to_maco: bytes = b"", early_to_mail_server: bytes = b""
    ) -> None:
        """Start a relay; when it ends, it is forgotten, and its place, if it takes one, is given back."""
        self._running[relay] = lease
        try:
            relay.start(self._forget, early_to_maco=early_to_maco, early_to_mail_server=early_to_mail_server)
        except BaseException:
            relay.cut()
            raise

    def _ended(self, relay: Relay, _: RelayEnd) -> None:
        lease = self._running.pop(relay)
        if lease is not None:
            lease.release()

    def cut(self) -> None:
        """Reset every connection, because the party shuts down."""
        for relay in tuple(self._running):
            relay.cut()
