"""What MaCo's binding to the Connectivity service says: the SOCKS5 proxy and the token service."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from maco_client.failures import SettingsError
from maco_client.settings.fields import LARGEST_PORT, check_number, check_text

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class SocksProxy:
    """The Connectivity service's SOCKS5 proxy (``onpremise_socks5_proxy_port`` of the service binding)."""

    host: str
    port: int

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be."""
        check_text("host", self.host)
        check_number("port", self.port, 1, LARGEST_PORT)


@dataclass(frozen=True)
class TokenService:
    """The token service of the Connectivity service's binding.

    ``url`` is its base (``token_service_url``) or the full address of its ``/oauth/token``.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be; the message never repeats the secret."""
        check_text("client_id", self.client_id)
        if not self.client_secret:
            raise SettingsError("client_secret", "found none, needed to ask for a token")
        try:
            parts = urlsplit(self.url)
            host, port, scheme = parts.hostname, parts.port, parts.scheme
        except ValueError as error:
            raise SettingsError("url", f"found {self.url!r}: {error}") from error
        if scheme not in ("http", "https") or not host or port == 0 or parts.username or parts.query or parts.fragment:
            raise SettingsError("url", f"found {self.url!r}, allowed is 'https://host:port' or 'http://127.0.0.1:port'")
        if scheme == "http" and host not in LOOPBACK_HOSTS:
            raise SettingsError("url", f"found {self.url!r}: http is allowed to this machine only, use https")
        if not self.url.isascii() or not self.url.isprintable() or " " in self.url:
            raise SettingsError("url", "allowed are printable ASCII characters without spaces")
