"""What the settings of both sides complain with."""

from __future__ import annotations


class SettingsError(ValueError):
    """A setting is wrong; ``field`` names it (on premise: as in the connector's REST API)."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
