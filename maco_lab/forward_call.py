"""What a call of ``maco-lab forward`` means: its arguments, checked, and the service binding it uses."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maco_client.failures import SettingsError
from maco_client.settings import LARGEST_PORT, EmailServer, ProxyType, SocksProxy, TokenService
from maco_lab.binding import Binding, binding_of_running_lab
from maco_lab.client import running_note
from maco_lab.state import StateFolder

SECRET_VARIABLE = "MACO_LAB_CLIENT_SECRET"  # noqa: S105 - the name of an environment variable
MAX_SECRET_BYTES = 64 * 1024


class CallError(Exception):
    """The call is wrong; the text says what was found and what is allowed."""


@dataclass(frozen=True, slots=True)
class ForeignService:
    """A Connectivity service that is not of a running lab, as its options name it; all of them or none."""

    proxy: str | None
    token_url: str | None
    client_id: str | None
    secret_file: Path | None

    @property
    def is_named(self) -> bool:
        """Whether any option is there."""
        return any(each is not None for each in (self.proxy, self.token_url, self.client_id, self.secret_file))

    def binding(self) -> Binding:
        """Return the service binding; its secret comes from the file, the environment or the terminal.

        Raises CallError.
        """
        options = {"--proxy": self.proxy, "--token-url": self.token_url, "--client-id": self.client_id}
        if missing := [name for name, value in options.items() if not value]:
            raise CallError(f"a service other than the running lab's also needs {', '.join(missing)}")
        host, port = split_address(str(self.proxy), "--proxy")
        secret = self._secret()
        try:
            return Binding(SocksProxy(host, port), TokenService(str(self.token_url), str(self.client_id), secret))
        except SettingsError as error:
            raise CallError(f"the service binding: {error}") from error

    def _secret(self) -> str:
        if self.secret_file:
            return _first_line(self.secret_file)
        if secret := os.environ.get(SECRET_VARIABLE):
            return secret
        return _asked_on_terminal(str(self.client_id))


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            line = file.readline(MAX_SECRET_BYTES)
        return line.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise CallError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CallError(f"{path}: is not UTF-8 text") from error


def _asked_on_terminal(client_id: str) -> str:
    """Ask the terminal itself: standard input may be the program that is forwarded."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError as error:
        raise CallError(
            f"the client secret of {client_id!r} is needed: --client-secret-file, or {SECRET_VARIABLE} in the "
            "environment (there is no terminal to ask on)"
        ) from error
    try:
        return getpass.getpass(f"Client secret of {client_id}: ")
    except (EOFError, KeyboardInterrupt) as error:
        raise CallError("no client secret was given") from error


def split_address(text: str, what: str) -> tuple[str, int]:
    """Split ``host:port``. Raises CallError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 1 <= int(port[:6]) <= LARGEST_PORT:
        raise CallError(f"{what}: found {text!r}, allowed is HOST:PORT, as in mail.stadtwerke.example:143")
    return host, int(port)


def split_arguments(arguments: Sequence[str], *, stdio: bool) -> tuple[int, str]:
    """Return the local port (0 for ``--stdio``) and the virtual address. Raises CallError."""
    if stdio:
        if len(arguments) != 1:
            raise CallError("forward --stdio takes one argument, VIRTUAL_HOST:PORT")
        return 0, arguments[0]
    if len(arguments) != 2:
        raise CallError("forward takes LOCAL_PORT and VIRTUAL_HOST:PORT, or --stdio and VIRTUAL_HOST:PORT")
    port, address = arguments
    if not port.isascii() or not port.isdecimal() or int(port[:6]) > LARGEST_PORT:
        raise CallError(f"LOCAL_PORT: found {port!r}, allowed are 0 (a free port) to {LARGEST_PORT}")
    return int(port), address


def target(address: str, location_id: str) -> EmailServer:
    """Return what is dialled. Raises CallError."""
    split_address(address, "VIRTUAL_HOST:PORT")
    try:
        return EmailServer("forward", address, ProxyType.ON_PREMISE, location_id)
    except SettingsError as error:
        option = {"address": "VIRTUAL_HOST:PORT", "location_id": "--location-id"}.get(error.field, error.field)
        raise CallError(f"{option}: {error.message}") from error


def chosen_binding(foreign: ForeignService, state: StateFolder) -> Binding:
    """Return the binding that the options name, or that of the running lab.

    Raises CallError, NoLabError, ControlError.
    """
    return foreign.binding() if foreign.is_named else binding_of_running_lab(running_note(state))
