"""MaCo's settings, in the words of its screens "Configure Email Server" and "Configure Email Connection".

One rule: a value that exists is valid; whatever contradicts itself raises SettingsError when it is built. Traps that
the real product allows are not errors but ``warnings``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from maco_client.failures import SettingsError

IMAP_PORT = 143
IMAPS_PORT = 993
DEFAULT_TIMEOUT_MS = 30_000  # CPI mail adapter, "Timeout (in ms)"
LARGEST_TIMEOUT_MS = 3_600_000
LARGEST_PORT = 65_535
PASSWORD_CHARACTERS = 255  # CPI: User Credentials artifact, password
LOCATION_ID_BYTES = 189  # the most whose Base64 text fits the length byte of SAP's SOCKS5 sub-negotiation
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class ProxyType(enum.StrEnum):
    """Way to the mail server."""

    INTERNET = "Internet"
    ON_PREMISE = "On-Premise"


class Protection(enum.StrEnum):
    """What MaCo itself does about TLS."""

    OFF = "Off"
    STARTTLS_MANDATORY = "STARTTLS Mandatory"
    STARTTLS_OPTIONAL = "STARTTLS Optional"
    IMAPS = "IMAPS"


class Selection(enum.StrEnum):
    """Which mails of the folder are polled."""

    ALL = "All Mails"
    UNREAD = "Only Unread"


class PostProcessing(enum.StrEnum):
    """What becomes of a mail on the server once it is stored in the inbox."""

    ARCHIVE = "Archive"
    ARCHIVE_AND_MARK_READ = "Archive and Mark as Read"
    DELETE = "Delete"
    MARK_READ = "Mark as Read"

    @property
    def archives(self) -> bool:
        """Tell whether the mail is moved to the archive folder."""
        return self in (PostProcessing.ARCHIVE, PostProcessing.ARCHIVE_AND_MARK_READ)

    @property
    def marks_read(self) -> bool:
        """Tell whether the mail is flagged as seen."""
        return self in (PostProcessing.MARK_READ, PostProcessing.ARCHIVE_AND_MARK_READ)


_Choice = TypeVar("_Choice", bound=enum.StrEnum)


def _choice(kind: type[_Choice], name: str, value: str) -> _Choice:
    """Return the member of ``kind`` that ``value`` names; raises SettingsError with what is allowed."""
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(repr(str(member)) for member in kind)
        raise SettingsError(name, f"found {value!r}, allowed are {allowed}") from None


def _text(name: str, value: str) -> None:
    if not value or not value.isprintable():
        raise SettingsError(name, f"found {value!r}, allowed is printable text of at least one character")


def _number(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise SettingsError(name, f"found {value}, allowed is {low} to {high}")


def _host(name: str, value: str) -> None:
    if not value or not value.isascii() or not value.isprintable() or set(value) & set(" :/@"):
        raise SettingsError(name, f"found host {value!r}, allowed is a host name without scheme, path and spaces")


def _split_address(address: str) -> tuple[str, int]:
    host, separator, port = address.partition(":")
    _host("address", host)
    if not separator:
        return host, IMAP_PORT
    if not (port.isascii() and port.isdecimal()):
        raise SettingsError("address", f"found port {port!r} in {address!r}, allowed is 'virtualHost:port'")
    _number("address", int(port), 1, LARGEST_PORT)
    return host, int(port)


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
        _text("name", self.name)
        _split_address(self.address)
        object.__setattr__(self, "proxy_type", _choice(ProxyType, "proxy_type", self.proxy_type))
        _number("timeout_ms", self.timeout_ms, 1, LARGEST_TIMEOUT_MS)
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
    def timeout_s(self) -> float:
        """The time-out in seconds."""
        return self.timeout_ms / 1000


@dataclass(frozen=True)
class Credential:
    """A User Credentials artifact; ``name`` is what an e-mail connection refers to."""

    name: str
    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be; the message never repeats the password."""
        _text("name", self.name)
        _text("user", self.user)
        if not 1 <= len(self.password) <= PASSWORD_CHARACTERS or "\0" in self.password:
            raise SettingsError("password", f"allowed are 1 to {PASSWORD_CHARACTERS} characters other than NUL")


@dataclass(frozen=True)
class EmailConnection:
    """What is polled on an e-mail server, and how ("Configure Email Connection").

    ``max_messages_per_poll`` None means no limit, as in Camel.
    """

    name: str
    server: EmailServer
    protection: Protection
    credential: Credential
    folder: str = "INBOX"
    selection: Selection = Selection.UNREAD
    max_messages_per_poll: int | None = None
    post_processing: PostProcessing = PostProcessing.MARK_READ
    archive_folder: str = ""

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be."""
        _text("name", self.name)
        _text("folder", self.folder)
        for name, kind in (("protection", Protection), ("selection", Selection), ("post_processing", PostProcessing)):
            object.__setattr__(self, name, _choice(kind, name, getattr(self, name)))
        if self.max_messages_per_poll is not None and self.max_messages_per_poll < 1:
            raise SettingsError("max_messages_per_poll", f"found {self.max_messages_per_poll}, allowed is 1 or more")
        self._check_protection()
        self._check_archive()

    def _check_protection(self) -> None:
        if self.protection is Protection.IMAPS and self.server.proxy_type is ProxyType.ON_PREMISE:
            raise SettingsError(
                "protection",
                "found 'IMAPS' with Proxy Type On-Premise, which MaCo does not offer; allowed are 'STARTTLS Mandatory' "
                "or 'STARTTLS Optional' (mapping protocol TCP), or 'Off' with a mapping of protocol TCP TLS, where the "
                "Cloud Connector speaks TLS to the mail server",
            )

    def _check_archive(self) -> None:
        if not self.post_processing.archives:
            return
        if not self.archive_folder or not self.archive_folder.isprintable():
            found = repr(self.archive_folder) if self.archive_folder else "none"
            raise SettingsError("archive_folder", f"found {found}, {self.post_processing} needs a folder name")
        if self.archive_folder == self.folder:
            raise SettingsError("archive_folder", f"found {self.folder!r}, which is the polled folder itself")

    def warnings(self) -> list[str]:
        """Return what is allowed but rarely meant."""
        return [text for applies, text in self._traps() if applies]

    def _traps(self) -> list[tuple[bool, str]]:
        internet = self.server.proxy_type is ProxyType.INTERNET
        starttls = self.protection in (Protection.STARTTLS_MANDATORY, Protection.STARTTLS_OPTIONAL)
        marks_all = self.selection is Selection.ALL and self.post_processing is PostProcessing.MARK_READ
        return [
            (marks_all, "Selection 'All Mails' with Post-Processing 'Mark as Read' meets every mail at every poll"),
            (
                self.protection is Protection.STARTTLS_OPTIONAL,
                "'STARTTLS Optional' goes on in clear, password included, when STARTTLS is not offered",
            ),
            (
                internet and self.protection is Protection.OFF,
                "Protection 'Off' with Proxy Type Internet sends the password in clear over the internet",
            ),
            (
                starttls and self.server.port == IMAPS_PORT,
                f"STARTTLS on port {IMAPS_PORT}: a server that expects TLS at once never greets ('Read timed out')",
            ),
            (
                bool(self.archive_folder) and not self.post_processing.archives,
                f"Archive Folder {self.archive_folder!r} is not used with Post-Processing '{self.post_processing}'",
            ),
        ]


@dataclass(frozen=True)
class SocksProxy:
    """The Connectivity service's SOCKS5 proxy (``onpremise_socks5_proxy_port`` of the service binding)."""

    host: str
    port: int

    def __post_init__(self) -> None:
        """Raise SettingsError for what cannot be."""
        _text("host", self.host)
        _number("port", self.port, 1, LARGEST_PORT)


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
        _text("client_id", self.client_id)
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
