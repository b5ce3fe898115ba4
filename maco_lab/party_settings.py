"""What one party in a process of its own needs to know, as a message that its parent sends it.

Pure. Secrets are in it (the lab file's text, the signing key, the planted lines), so it travels by a pipe and never as
an argument of a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connector_sim.on_premise.port_range import PortRange
from maco_lab.lab_file import LabFile, parse_lab
from maco_lab.lab_model import LabModel
from maco_lab.lab_section import HostPorts, split_host_ports
from maco_lab.maco_model import MaCo
from maco_wire.observation import Address

CLOUD_PROTOCOLS = ("socks5", "token", "tunnel")


class PartyFailed(Exception):
    """A party in a process of its own could not start; the text says why."""


@dataclass(frozen=True, slots=True)
class PartySettings:
    """One party's share of a lab; ``file`` has the ports that are really used, as far as they are known."""

    file: LabFile
    state: Path
    certificates: Path
    canary_lines: tuple[str, ...] = field(repr=False)
    ports: Mapping[str, int] = field(default_factory=dict)
    """Where a listener is not to take the lab file's port, by protocol; 0 takes a free one."""
    keeps: bool = False
    """Whether what the Cloud Connectors and MaCo are configured with is kept in ``state``."""
    connector: str = ""
    """Which Cloud Connector of the lab file."""
    role: str = ""
    """Which of a pair: master or shadow, at first."""
    address: tuple[str, int] | None = None
    """Where this one of a pair listens; port 0 takes a free one."""
    peer: tuple[str, int] | None = None
    """Where the other one of a pair listens, as far as it is known."""
    installation_id: str = ""
    dials: Mapping[str, Address] = field(default_factory=dict)
    """Where a party dials that does not dial the listeners themselves, by protocol: there are taps before them."""
    key_folder: str = ""
    """Where TLS keys are logged; empty without taps."""
    maco: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What is configured at MaCo, instead of the lab file's section."""
    signing_key: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The token service's private key (RFC 7517), kept so that tokens outlive a restart."""

    def as_message(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return {
            "lab": {"name": self.file.name, "folder": str(self.file.folder), "text": self.file.text},
            "state": str(self.state),
            "certificates": str(self.certificates),
            "canary_lines": list(self.canary_lines),
            "ports": dict(self.ports),
            "keeps": self.keeps,
            "connector": self.connector,
            "role": self.role,
            "address": self.address,
            "peer": self.peer,
            "installation_id": self.installation_id,
            "dials": dict(self.dials),
            "key_folder": self.key_folder,
            "maco": dict(self.maco),
            "signing_key": dict(self.signing_key),
        }

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> PartySettings:
        """Return the settings that were sent. Raises LabFileError, KeyError for a message of another version."""
        lab, ports = message["lab"], message["ports"]
        file = parse_lab(lab["text"], name=lab["name"], folder=Path(lab["folder"]))
        model = placed(file.model, ports)
        if message["maco"]:
            model = model.model_copy(update={"maco": MaCo.model_validate(message["maco"])})
        return cls(
            replace(file, model=model),
            Path(message["state"]),
            Path(message["certificates"]),
            tuple(message["canary_lines"]),
            ports,
            bool(message["keeps"]),
            message["connector"],
            message["role"],
            _address(message["address"]),
            _address(message["peer"]),
            message["installation_id"],
            {protocol: (str(host), int(port)) for protocol, (host, port) in message["dials"].items()},
            message["key_folder"],
            message["maco"],
            message["signing_key"],
        )


def _address(pair: Any) -> tuple[str, int] | None:
    return None if pair is None else (str(pair[0]), int(pair[1]))


def placed(model: LabModel, ports: Mapping[str, int]) -> LabModel:
    """Return the lab with ``ports`` (by protocol) instead of its own.

    Names on premise that lead to the mail server follow it to its new port.
    """
    cloud = {f"{name}_port": ports[name] for name in CLOUD_PROTOCOLS if name in ports}
    server = model.mail_server
    own = {name: port for name, port in server.ports.model_dump().items() if port is not None and name in ports}
    moved = {(server.host, port): (server.host, ports[name]) for name, port in own.items()}
    mail_ports = server.ports.model_copy(update={name: ports[name] for name in own})
    return model.model_copy(
        update={
            "cloud": model.cloud.model_copy(update=cloud),
            "mail_server": server.model_copy(update={"ports": mail_ports}),
            "hosts": _follow(model.hosts, moved),
        }
    )


def _follow(hosts: Mapping[str, HostPorts], moved: Mapping[Address, Address]) -> dict[str, HostPorts]:
    """Return the names on premise with what has moved; a port of a range gets a row of its own, which comes first."""
    followed = dict(hosts)
    for name, (address, there) in hosts.items():
        host, ports = split_host_ports(name)
        for (old_address, old_port), (new_address, new_port) in moved.items():
            if old_address == address and old_port in there:
                own_name = f"{host}:{ports.first + old_port - there.first}"
                if own_name == name or own_name not in hosts:
                    followed[own_name] = new_address, PortRange(new_port, new_port)
    return followed
