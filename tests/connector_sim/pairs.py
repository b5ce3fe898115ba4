"""One of a pair of Cloud Connectors beside a landscape, and what the two trust."""

from __future__ import annotations

from typing import Any

from certs.trust import client_context, server_context
from connector_sim.on_premise.ha.link import Role
from connector_sim.on_premise.ha.node import HaNode, HaTrust
from connector_sim.on_premise.ha.settings import HaSettings
from connector_sim.on_premise.settings import SubaccountSettings
from tests.connector_sim.landscape import CAST, SUBACCOUNT, TCP, Landscape, connector, connector_settings

SERVER_NAME = "localhost"


def ha_trust(*, client: bool = True) -> HaTrust:
    """Return what each of a pair presents and trusts; without ``client`` it presents a certificate of another CA."""
    anchors = [CAST.connector_ca.certificate]
    own = CAST.system_certificate if client else CAST.subaccount_certificate(SUBACCOUNT)
    return HaTrust(
        server_context(CAST.by_name("administration"), client_anchors=anchors, client_certificate="required"),
        client_context(anchors, check_hostname=True, client_certificate=own),
        SERVER_NAME,
    )


def ha_node(
    lab: Landscape,
    role: Role,
    settings: HaSettings,
    *,
    peer: Any = None,
    number: int = 0,
    own: dict[str, Any] | None = None,
    **more: Any,
) -> HaNode:
    """Return one of a pair, not running; ``own`` are settings of its connector."""
    exposed = SubaccountSettings(SUBACCOUNT, "WERK1", (TCP,) if role == "master" else ())
    its = connector_settings(lab.cloud.tunnel_address, exposed, number=number, **(own or {}))
    return HaNode(
        connector(its, lab, connects=False),
        name=f"scc {role}",
        role=role,
        settings=settings,
        trust=ha_trust(),
        record=lab.seen.record,
        peer=peer,
        **more,
    )
