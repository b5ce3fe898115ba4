"""What is wrong with a setting of the mail server."""

from __future__ import annotations


class SettingsError(ValueError):
    """A setting cannot work; ``setting`` names it, the text says what was found and what is allowed."""

    def __init__(self, setting: str, text: str) -> None:
        super().__init__(f"{setting}: {text}")
        self.setting = setting
