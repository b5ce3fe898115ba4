"""Where a mail server is, seen from MaCo."""

from __future__ import annotations

from dataclasses import dataclass

from maco_client.failures import SettingsError
from maco_client.settings.choices import ProxyType, choice
from maco_client.settings.fields import LARGEST_PORT, check_host, check_name, check_number

IMAP_PORT = 143
IMAPS_PORT = 993
POP3_PORT = 110
POP3S_PORT = 995
DEFAULT_TIMEOUT_MS = 30_000  # CPI mail adapter, "Timeout (in ms)"
LARGEST_TIMEOUT_MS = 3_600_000
LOCATION_ID_BYTES = 189  # the most whose Base64 text fits the length byte of SAP's SOCKS5 sub-negotiation


@dataclass(frozen=True)
class EmailServer:
    """Where the mail server is, seen from MaCo ("Configure Email Server").

    ``address`` is ``virtualHost:virtualPort`` (without a port: 143). ``timeout_ms`` holds for connecting and for
    reading alike, as Camel writes it into both of JavaMail's properties; ``patience`` says what that means for an
    answer that comes drop by drop.
    """

    name: str
    address: str
    proxy_type: ProxyType = ProxyType.ON_PREMISE
    location_id: str = ""
    timeout_ms: int = DEFAULT_TIMEOUT_MS

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be."""
        check_name("name", self.name)
        _split_address(self.address)
        object.__setattr__(self, "proxy_type", choice(ProxyType, "proxy_type", self.proxy_type))
        check_number("timeout_ms", self.timeout_ms, 1, LARGEST_TIMEOUT_MS)
        if self.location_id and self.proxy_type is ProxyType.INTERNET:
            raise SettingsError("location_id", f"found {self.location_id!r}, allowed only with Proxy Type On-Premise")
        if len(self.location_id.encode()) > LOCATION_ID_BYTES or not (self.location_id + "x").isprintable():
            raise SettingsError("location_id", f"allowed is printable text of at most {LOCATION_ID_BYTES} bytes")

    @property
    def host(self) -> str:
        """The virtual host: the name in the mapping, and the name that the certificate is compared with."""
        return _split_address(self.address)[0]

    @property
    def port(self) -> int:
        """The virtual port."""
        return _split_address(self.address)[1]

    @property
    def names_port(self) -> bool:
        """Tell whether the address says which port."""
        return ":" in self.address

    @property
    def timeout_s(self) -> float:
        """The time-out in seconds."""
        return self.timeout_ms / 1000


def _split_address(address: str) -> tuple[str, int]:
    host, separator, port = address.partition(":")
    check_host("address", host)
    if not separator:
        return host, IMAP_PORT
    if not (port.isascii() and port.isdecimal()):
        raise SettingsError("address", f"found port {port!r} in {address!r}, allowed is 'virtualHost:port'")
    check_number("address", int(port), 1, LARGEST_PORT)
    return host, int(port)
