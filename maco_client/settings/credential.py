"""Who MaCo is for a mail server: a "User Credentials" artifact, or an OAuth2 one."""

from __future__ import annotations

from dataclasses import dataclass, field

from maco_client.failures import SettingsError
from maco_client.settings.fields import check_name, check_text

PASSWORD_CHARACTERS = 255  # CPI: User Credentials artifact, password
TOKEN_CHARACTERS = 16_384


@dataclass(frozen=True)
class Credential:
    """A security material artifact; ``name`` is what an e-mail connection refers to.

    It holds a ``password``, or for OAuth2 Authorization Code the ``access_token`` that the authorization has led to.
    """

    name: str
    user: str
    password: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be; the message never repeats the secret."""
        check_name("name", self.name)
        check_text("user", self.user)
        if self.access_token:
            self._check_token()
        elif not 1 <= len(self.password) <= PASSWORD_CHARACTERS or "\0" in self.password:
            raise SettingsError("password", f"allowed are 1 to {PASSWORD_CHARACTERS} characters other than NUL")

    def _check_token(self) -> None:
        if self.password:
            raise SettingsError("access_token", "found a password too, allowed is one of both")
        token = self.access_token
        if len(token) > TOKEN_CHARACTERS or not token.isascii() or not token.isprintable() or " " in token:
            raise SettingsError(
                "access_token", f"allowed are 1 to {TOKEN_CHARACTERS} printable ASCII characters without spaces"
            )

    @property
    def is_oauth2(self) -> bool:
        """Tell whether the secret is an access token."""
        return bool(self.access_token)
