"""What the command line says of a mail server that runs by itself, checked and turned into its settings.

Every error names the option that is wrong, and never shows a password.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailserver_sim.archives.values import Kind
from mailserver_sim.settings import (
    HIGHEST_PORT,
    LISTENER_PROTOCOLS,
    Account,
    Listener,
    MailServerSettings,
    Preload,
    SettingsError,
)

HOST = "127.0.0.1"
UNPRIVILEGED = 1000
"""What is added to a well-known port, so that nobody must be root."""

WELL_KNOWN_PORTS: Mapping[str, int] = {
    "imap": 143,
    "imaps": 993,
    "smtp": 25,
    "submission": 587,
    "smtps": 465,
    "pop3": 110,
    "pop3s": 995,
}
"""IANA, Service Name and Transport Protocol Port Number Registry."""

OFF = "off"
MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class MailServerOptions:
    """The options, with their defaults."""

    users: tuple[str, ...]
    host_name: str = ""
    """Empty: that of the certificate."""
    listeners: Mapping[str, str] = field(default_factory=dict)
    """What was said for each protocol: ``HOST:PORT``, ``PORT`` or ``off``."""
    store: str = MEMORY
    certificate: Path | None = None
    key: Path | None = None
    certificates: Path | None = None
    write_root: Path | None = None
    preload: tuple[str, ...] = ()
    """``PATH`` for the first user, or ``NAME=PATH``."""
    export: Path | None = None
    """A folder for the mail of each account when the server ends; new or empty."""
    export_as: Kind | None = None
    api: int | None = None
    as_json: bool = False

    def __post_init__(self) -> None:
        """Raise SettingsError for options that contradict each other."""
        if self.key and not self.certificate:
            raise SettingsError("--tls-key", "needs --tls-cert, the certificate that it belongs to")
        if self.certificate and self.certificates:
            raise SettingsError("--certs", "not together with --tls-cert: one of them gives the certificate")
        if self.write_root and (self.certificate or self.certificates):
            raise SettingsError("--write-root", "only for a throw-away CA, so without --tls-cert and --certs")
        if self.export_as and not self.export:
            raise SettingsError("--export-as", "needs --export, the folder to write into")
        if self.export and self.export.exists() and not (self.export.is_dir() and not any(self.export.iterdir())):
            raise SettingsError("--export", f"{self.export} is there and not an empty folder")

    def settings(self, host_name: str, store: Path) -> MailServerSettings:
        """Return the settings of the mail server. Raises SettingsError."""
        names = [each.partition(":")[0] for each in self.users]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SettingsError("--user", f"{', '.join(twice)} appears more than once")
        return MailServerSettings(
            host_name=host_name,
            accounts=tuple(account(each, host_name) for each in self.users),
            listeners=listeners(self.listeners),
            store=store,
            preload=tuple(_preload(each, names) for each in self.preload),
        )


def account(text: str, host_name: str) -> Account:
    """Return the account of ``NAME:PASSWORD``; its address is NAME, or NAME at the server's host name."""
    name, colon, password = text.partition(":")
    if not (name and colon and password):
        raise SettingsError("--user", f"found {name!r} without a password, allowed: NAME:PASSWORD")
    try:
        return Account(name, password, (name if "@" in name else f"{name}@{host_name}",))
    except SettingsError as error:
        raise SettingsError("--user", f"found {name!r}, allowed: NAME:PASSWORD or NAME@DOMAIN:PASSWORD") from error


def _preload(text: str, users: Sequence[str]) -> Preload:
    """Return the archive of ``NAME=PATH``, or that of the first user: a path may have a ``=`` in it too."""
    name, _, path = text.partition("=")
    found = Preload(name, Path(path)) if name in users and path else Preload(users[0], Path(text))
    if not found.path.exists():
        raise SettingsError("--preload", f"{found.path}: No such file or directory")
    return found


def listeners(told: Mapping[str, str]) -> tuple[Listener, ...]:
    """Return a listener for each protocol that is not off. Raises SettingsError."""
    found = [listener(protocol, told.get(protocol, "")) for protocol in LISTENER_PROTOCOLS]
    switched_on = tuple(each for each in found if each is not None)
    if not switched_on:
        raise SettingsError(f"--{LISTENER_PROTOCOLS[0]}", "every protocol is off, so nothing would listen")
    return switched_on


def listener(protocol: str, told: str) -> Listener | None:
    """Return what listens for a protocol; None if it is off. Raises SettingsError."""
    if told == OFF:
        return None
    host, port = _address(f"--{protocol}", told) if told else (HOST, UNPRIVILEGED + WELL_KNOWN_PORTS[protocol])
    return Listener(protocol, host, port)  # type: ignore[arg-type]  # one of LISTENER_PROTOCOLS


def _address(option: str, told: str) -> tuple[str, int]:
    host, _, port = told.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or HOST
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= len(str(HIGHEST_PORT)) else -1
    if not 0 <= number <= HIGHEST_PORT or not is_address(host):
        raise SettingsError(option, f"found {told!r}, allowed: ADDRESS:PORT, PORT (0 is a free one) or {OFF}")
    return host, number


def is_address(host: str) -> bool:
    """Tell whether ``host`` is an IP address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
