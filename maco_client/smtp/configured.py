"""Changes of a configuration's sending connections: each returns a new one, or raises and changes nothing. Pure."""

from __future__ import annotations

import dataclasses
from typing import Any

from maco_client.configuration import (
    SENDING_CONNECTION,
    Configuration,
    find,
    must_be_free,
    referred_to,
    with_entry,
    without_entry,
)
from maco_client.settings import Credential
from maco_client.smtp.choices import SendingAuthentication
from maco_client.smtp.settings import SendingConnection


def with_sending(configuration: Configuration, name: str, **settings: Any) -> Configuration:
    """Add a sending connection; ``credential`` is a name, or empty for none."""
    must_be_free(SENDING_CONNECTION, name, configuration.sending)
    connection = SendingConnection(name=name, **_resolved(configuration, settings))
    return dataclasses.replace(configuration, sending=with_entry(configuration.sending, connection))


def with_changed_sending(configuration: Configuration, name: str, **changes: Any) -> Configuration:
    """Change a sending connection; ``credential`` among the changes is a name, or empty for none."""
    before = find(SENDING_CONNECTION, configuration.sending, name)
    changed = dataclasses.replace(before, **_resolved(configuration, changes))
    return dataclasses.replace(configuration, sending=with_entry(configuration.sending, changed))


def without_sending(configuration: Configuration, name: str) -> Configuration:
    """Remove a sending connection."""
    find(SENDING_CONNECTION, configuration.sending, name)
    return dataclasses.replace(configuration, sending=without_entry(configuration.sending, name))


def _resolved(configuration: Configuration, settings: dict[str, Any]) -> dict[str, Any]:
    if "credential" not in settings:
        return settings
    name = settings["credential"]
    held: Credential | None = referred_to("credential", configuration.credentials, name) if name else None
    no_login = {"authentication": SendingAuthentication.NONE} if held is None else {}
    return {**no_login, **settings, "credential": held}
