"""The settings of the Connectivity service: frozen values, checked when built."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from connector_sim.cloud.token_defects import TokenDefect
from connector_sim.cloud.tunnel_settings import TunnelCare
from connector_sim.exceptions import SettingsError

UntrustedBackEndAnswer: TypeAlias = Literal["host_unreachable", "failure", "success_then_close"]
BadTokenAnswer: TypeAlias = Literal["status", "reply"]


MAX_CLAIMS_BYTES = 8 * 1024
"""How large claims of a client's own may be as JSON; a token travels in one piece through SOCKS5."""


@dataclass(frozen=True, slots=True)
class OauthClient:
    """A client of the token service, as in the credentials of a service binding."""

    client_id: str
    client_secret: str = field(repr=False)
    subaccount: str
    claims: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Claims of its tokens beside and instead of those that every token has; None leaves one out."""
    defect: TokenDefect | None = None
    """What is wrong with each of its tokens."""

    def __post_init__(self) -> None:
        """Check every value; raises SettingsError."""
        try:
            size = len(json.dumps(dict(self.claims), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise SettingsError("claims", f"found what JSON does not have: {error}") from error
        if size > MAX_CLAIMS_BYTES:
            raise SettingsError("claims", f"found {size} bytes as JSON, allowed: {MAX_CLAIMS_BYTES}")


@dataclass(frozen=True, slots=True)
class CloudUser:
    """Somebody who may add subaccounts to a Cloud Connector ("Cloud Connector Administrator" in the cockpit)."""

    user: str
    password: str = field(repr=False)
    subaccounts: frozenset[str] | None = None
    """Which ones; None: all."""

    def may_administer(self, subaccount: str) -> bool:
        """Tell whether this user may have a certificate of a subaccount signed."""
        return self.subaccounts is None or subaccount in self.subaccounts


@dataclass(frozen=True, slots=True)
class ConnectivitySettings:
    """Addresses, clients and switches of the cloud side; all durations in seconds.

    ``untrusted_back_end_answer``: SAP does not document what a SOCKS5 client sees when the Cloud Connector does not
    trust the back end of a TCP TLS mapping; 0x04 is the default here, 0x01 and "0x00, then close" are the others.
    ``bad_token_answer``: a refused token is answered by the authentication status (``01 05``), or by ``01 00`` and
    then reply 0x05.
    """

    subaccounts: frozenset[str]
    clients: tuple[OauthClient, ...]
    host: str = "127.0.0.1"
    socks5_port: int = 20004
    token_port: int = 20010
    tunnel_port: int = 20011
    issuer: str = "https://maco-lab.authentication.example/oauth/token"
    audience: str = "connectivity"
    token_lifetime_s: int = 43_200  # XSUAA's usual twelve hours
    untrusted_back_end_answer: UntrustedBackEndAnswer = "host_unreachable"
    bad_token_answer: BadTokenAnswer = "status"  # noqa: S105 - how to answer, not a token
    replace_foreign_tunnel: bool = False
    """Let another installation with the same location ID take over instead of refusing it with 409."""
    negotiation_s: float = 10.0
    """How long a SOCKS5 client may take from connecting to its CONNECT request."""
    tunnel_handshake_s: float = 10.0
    """How long opening a tunnel may take: TLS, then the HTTP Upgrade."""
    open_s: float = 25.0
    """How long the Cloud Connector may take to open the back end."""
    http_s: float = 10.0
    """How long a client of the token service may take for one request."""
    half_closed_s: float = 30.0
    """How long a connection that one side has ended may stand still."""
    max_connections: int = 4096
    """How many SOCKS5 clients are served at once; more wait in the backlog."""
    max_connections_per_client: int = 3000
    """How many connections one OAuth client may have open; more are refused with 0x01."""
    tunnel: TunnelCare = field(default_factory=TunnelCare)
    users: tuple[CloudUser, ...] = ()
    """Who may have subaccount certificates signed."""
    region_host: str = "lab.example"
    """What a Cloud Connector calls this region; authentication data names it."""

    def __post_init__(self) -> None:
        """Check every value; raises SettingsError."""
        for name in ("socks5_port", "token_port", "tunnel_port"):
            if not 0 <= (port := getattr(self, name)) <= 65_535:
                raise SettingsError(name, f"found {port}, allowed: 1 to 65535, or 0 for a free one")
        limits = ("max_connections", "max_connections_per_client")
        durations = ("token_lifetime_s", "negotiation_s", "tunnel_handshake_s", "open_s", "http_s", "half_closed_s")
        for name in (*durations, *limits):
            if (found := getattr(self, name)) <= 0:
                raise SettingsError(name, f"found {found}, allowed: more than 0")
        known: set[str] = set()
        for client in self.clients:
            if client.subaccount not in self.subaccounts:
                raise SettingsError("clients", f"{client.client_id}: there is no subaccount {client.subaccount!r}")
            if client.client_id in known or not client.client_id:
                raise SettingsError(
                    "clients", f"found {client.client_id!r} twice or empty: each needs a name of its own"
                )
            known.add(client.client_id)
