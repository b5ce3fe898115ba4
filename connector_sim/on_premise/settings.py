"""The settings of a Cloud Connector: frozen values in the words of its administration, checked when built."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from connector_sim.exceptions import SettingsError as SettingsError  # noqa: PLC0414 - re-exports: callers know them from here
from connector_sim.on_premise.system_mapping import BackEndType as BackEndType  # noqa: PLC0414
from connector_sim.on_premise.system_mapping import MappingProtocol as MappingProtocol  # noqa: PLC0414
from connector_sim.on_premise.system_mapping import SystemMapping as SystemMapping  # noqa: PLC0414
from connector_sim.on_premise.tunnel_settings import TunnelLife
from connector_sim.on_premise.virtual_systems import VirtualSystems
from connector_sim.relay import RelaySettings


@dataclass(frozen=True, slots=True)
class SubaccountSettings:
    """One subaccount of a connector: where its tunnel goes and what it exposes there.

    Location IDs: SAP says only "can be used in a URI"; at most 189 bytes fit through SOCKS5.
    """

    subaccount: str
    location_id: str = ""
    mappings: tuple[SystemMapping, ...] = ()
    connects: bool = True
    """Whether its tunnel is opened without being told to."""

    def __post_init__(self) -> None:
        """Check every value; raises SettingsError."""
        if not self.subaccount:
            raise SettingsError("subaccount", "found nothing, allowed: the subaccount's ID")
        if len(self.location_id.encode()) > 189 or not self.location_id.isprintable():
            raise SettingsError("locationID", "allowed: printable characters, at most 189 bytes in UTF-8")
        VirtualSystems(self.mappings)  # raises MappingOverlap, which is a SettingsError


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """One installed Cloud Connector; all durations in seconds."""

    name: str
    installation_id: str
    tunnel_host: str
    """The name of the tunnel endpoint, which its certificate must carry."""
    tunnel_address: tuple[str, int]
    """Where the tunnel endpoint listens."""
    subaccounts: tuple[SubaccountSettings, ...]
    check_back_end_name: bool = False
    """Compare the certificate of a TCP TLS back end with the internal host; SAP documents no such check."""
    connect_s: float = 10.0
    back_end_tls_s: float = 10.0
    tunnel_connect_s: float = 10.0
    tunnel_handshake_s: float = 10.0
    open_request_s: float = 10.0
    half_closed_s: float = 30.0
    """How long a connection that one side has ended may stand still."""
    maco_end_to_tls: Literal["hold", "close"] = "hold"
    """What becomes of MaCo's end towards a TLS back end; see RelaySettings."""
    truncated_as: Literal["reset", "end"] = "reset"
    """What MaCo sees when a TLS back end ends without close_notify; see RelaySettings."""
    max_connections: int = 4000
    """How many connections this connector may have open, over all its subaccounts; more are refused."""
    max_reconnect_attempts: int = 150
    first_reconnect_delay_s: float = 0.5
    longest_reconnect_delay_s: float = 60.0
    tunnel: TunnelLife = dataclasses.field(default_factory=TunnelLife)

    def __post_init__(self) -> None:
        """Check every value; raises SettingsError."""
        if self.max_connections <= 0:
            raise SettingsError("max_connections", f"found {self.max_connections}, allowed: more than 0")
        names = [subaccount.subaccount for subaccount in self.subaccounts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SettingsError("subaccounts", f"{twice[0]} is there twice; a connector has one tunnel per subaccount")

    @property
    def relay(self) -> RelaySettings:
        """How the ends of relayed connections are passed on."""
        return RelaySettings(self.half_closed_s, self.maco_end_to_tls, self.truncated_as)
