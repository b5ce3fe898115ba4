"""What the sections of a lab file are made of: names, numbers, host and port, certificates, and a strict mapping."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connector_sim.on_premise.port_range import PortRange

Port: TypeAlias = Annotated[int, Field(ge=0, le=65_535, strict=True)]
"""0 takes a free port."""

Limit: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
Quota: TypeAlias = Annotated[int, Field(ge=0, strict=True)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=120)]


SubaccountId: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
"""Upper case is refused, as in the real product."""


def _kind(value: Any) -> str:
    """Return a simple value as it stands in the file, and the kind of any other."""
    match value:
        case None:
            return "nothing"
        case str() | int() | float():
            return repr(value)
    return (
        "a list" if isinstance(value, list) else "a mapping" if isinstance(value, Mapping) else "another kind of value"
    )


MOST_PEM_CHARACTERS = 65_536

HOST_PORTS = "host:port, as in mail.example.com:143, or host:low-high, as in ftp.example.com:1000-1010"


def split_host_ports(value: Any) -> tuple[str, PortRange]:
    """Turn ``host:port`` or ``host:low-high`` into a pair. Raises ValueError for anything else, with an example."""
    host, _, ports = str(value).rpartition(":")
    with contextlib.suppress(ValueError):
        if host:
            return host.strip("[]"), PortRange.parse(ports)
    raise ValueError(f"found {_kind(value)}, allowed: {HOST_PORTS}")


def _split_unless_done(value: Any) -> Any:
    return value if isinstance(value, tuple) else split_host_ports(value)


HostPorts: TypeAlias = Annotated[tuple[str, PortRange], BeforeValidator(_split_unless_done)]
"""A host with a port, or with a range of ports."""


def _loopback_unless_told(value: Any) -> Any:
    """Let a listener leave loopback only where the file says so by an explicit address."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError as error:
        raise ValueError(f"found {_kind(value)}, allowed: an IP address, as in 127.0.0.1") from error
    return str(value)


ListenHost: TypeAlias = Annotated[str, BeforeValidator(_loopback_unless_told)]


class Section(BaseModel):
    """A mapping of the lab file: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CertificateFile(Section):
    """A certificate of the user's own: PEM or DER, leaf first; a server's key is PEM, in ``key`` or the same file."""

    file: Name
    key: Name | None = None


class CertificateText(Section):
    """A certificate that stands in the lab file itself, as PEM; only to be trusted, since it comes without a key."""

    pem: Annotated[str, Field(min_length=1, max_length=MOST_PEM_CHARACTERS)]


def _one_of_three(value: Any) -> Any:
    """Say once what is allowed, instead of once for each kind."""
    if isinstance(value, Mapping) and "file" in value and set(value) <= {"file", "key"}:
        return value
    if isinstance(value, Mapping) and set(value) == {"pem"}:
        return value
    if isinstance(value, str | CertificateFile | CertificateText):
        return value
    shown = "a mapping without 'file' or with other keys" if isinstance(value, Mapping) else _kind(value)
    raise ValueError(
        f"found {shown}, allowed: the name of a certificate, 'file: PATH' (and 'key: PATH'), or 'pem: TEXT' to trust it"
    )


Certificate: TypeAlias = Annotated[CertificateFile | CertificateText | Name, BeforeValidator(_one_of_three)]
"""A name in the lab's PKI, a PEM or DER file, or PEM itself."""


def certificate_name(choice: CertificateFile | CertificateText | str) -> str:
    """Return how a person calls a certificate: by its name in the lab's PKI, by its file, or by where it stands."""
    match choice:
        case str():
            return choice
        case CertificateFile():
            return choice.file
        case CertificateText():
            return "(in the lab file)"
