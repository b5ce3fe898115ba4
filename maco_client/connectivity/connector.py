"""The Cloud Connector connectivity test: whether there is one with a location ID, and answers.

The SOCKS5 proxy knows no such question. So a virtual host is asked for that nobody maps: the refusal of the access
control shows that a Cloud Connector was asked, any other that there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from maco_client.dialer import dial_on_premise
from maco_client.failures import SocksRefused, StepFailed
from maco_client.reach import Reach
from maco_client.settings import EmailServer

PROBE_HOST = "connectivity-test.invalid"  # RFC 2606, section 2: nobody has such a name
PROBE_PORT = 1
NOT_ALLOWED = 0x02  # RFC 1928, section 6: connection not allowed by ruleset


@dataclass(frozen=True, slots=True)
class ConnectorCheck:
    """What the test came to."""

    succeeded: bool
    error: str = ""
    hint: str = ""
    socks_reply: int | None = None


async def check_connector(location_id: str, reach: Reach, *, timeout_ms: int) -> ConnectorCheck:
    """Run the test; an empty ``location_id`` asks for the Cloud Connector without one. Raises SettingsError."""
    probe = EmailServer(
        "Cloud Connector test", f"{PROBE_HOST}:{PROBE_PORT}", location_id=location_id, timeout_ms=timeout_ms
    )
    try:
        dialled = await dial_on_premise(probe, reach.proxy, reach.tokens)
    except SocksRefused as error:
        if error.evidence.socks_reply == NOT_ALLOWED:
            return ConnectorCheck(succeeded=True, socks_reply=NOT_ALLOWED)
        shown = f"location ID {location_id!r}" if location_id else "no location ID"
        hint = f"Check the configuration, and whether a Cloud Connector with {shown} is connected"
        return ConnectorCheck(succeeded=False, error=error.error, hint=hint, socks_reply=error.evidence.socks_reply)
    except StepFailed as error:
        return ConnectorCheck(succeeded=False, error=error.error, hint=error.hint)
    await dialled.stream.aclose()
    return ConnectorCheck(succeeded=True)
