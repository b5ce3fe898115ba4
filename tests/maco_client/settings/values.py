"""E-mail servers and connections for the tests of the settings."""

from __future__ import annotations

from typing import Any

from maco_client.settings import Credential, EmailConnection, EmailServer, Protection, ProxyType

CREDENTIAL = Credential("mailbox", "maco", "sesame")
OAUTH2 = Credential("token", "maco", access_token="sesame")
ON_PREMISE = EmailServer("s", "mail:143", ProxyType.ON_PREMISE)
INTERNET = EmailServer("s", "mail:143", ProxyType.INTERNET)


def connection(
    server: EmailServer = INTERNET, protection: Any = Protection.STARTTLS_MANDATORY, **more: Any
) -> EmailConnection:
    return EmailConnection(
        **{"name": "c", "credential": CREDENTIAL, **more, "server": server, "protection": protection}
    )
