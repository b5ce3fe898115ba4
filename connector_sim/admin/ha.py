"""Master and shadow: what they are doing, and their operations (SAP, "Master" and "Shadow Instance Configuration").

Who watches whom, and how often, is set in the lab file; it can be read here and not changed. A connector without a
shadow is a master that is ALONE.
"""

from __future__ import annotations

from typing import Any

from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid
from connector_sim.admin.replies import Reply, no_content, ok
from connector_sim.admin.roles import ADMINISTRATOR, READ
from connector_sim.on_premise.ha.node import HaNode, SwitchRefused
from connector_sim.on_premise.ha.states import MasterState

PATH = "/api/v1/configuration/connector/ha"
MASTER, SHADOW = f"{PATH}/master", f"{PATH}/shadow"


def _master_config(call: Call) -> Reply:
    node = _master(call)
    port = node.address[1] if node else call.installation.settings.port
    return ok({"haEnabled": node is not None, "haPort": port, "allowedShadowHost": ""})


def _master_state(call: Call) -> Reply:
    node = _master(call)
    state = node.state if node else MasterState.ALONE
    address = node.link.address if node and state is not MasterState.ALONE else None
    return ok({"state": str(state), "shadowHost": address[0] if address else ""})


async def _switch(call: Call) -> Reply:
    """Give the master's part to the shadow; running requests are aborted."""
    node = _master(call)
    operation = call.fields().choice("op", ("SWITCH", "FORCE_SWITCH"))
    if node is None:
        raise Refused(ErrorType.ILLEGAL_STATE, f"There is no shadow: this master is {MasterState.ALONE}")
    try:
        await node.switch(force=operation == "FORCE_SWITCH")
    except SwitchRefused as error:
        raise Refused(ErrorType.ILLEGAL_STATE, str(error)) from error
    return no_content()


def _reset(call: Call) -> Reply:
    """Let a master forget its shadow."""
    if node := _master(call):
        node.reset()
    return no_content()


def _shadow_config(call: Call) -> Reply:
    node = _shadow(call)
    watched = node.settings
    host, port = node.link.address or ("", 0)
    shape: dict[str, Any] = {
        "masterHost": host,
        "masterPort": port,
        "ownHost": node.address[0],
        "haPort": node.address[1],
        "checkIntervalInSeconds": _number(watched.check_interval_s),
        "takeoverDelayInSeconds": _number(watched.takeover_delay_s),
        "connectTimeoutInMillis": watched.connect_timeout_ms,
        "requestTimeoutInMillis": watched.request_timeout_ms,
    }
    return ok(shape)


def _shadow_state(call: Call) -> Reply:
    node = _shadow(call)
    own = [node.address[0]]
    return ok({"state": str(node.state), "ownHosts": own, "stateMessage": node.message, "masterVersions": []})


def _operate_shadow(call: Call) -> Reply:
    """Bind a shadow to its master, or let it leave; what comes of it is told by its state."""
    node = _shadow(call)
    if call.fields().choice("op", ("CONNECT", "DISCONNECT")) == "CONNECT":
        node.bind()
    else:
        node.leave()
    return no_content()


def _master(call: Call) -> HaNode | None:
    """Return the master that is one of a pair; None for one that is not. Raises Refused on a shadow."""
    if call.installation.role != "master":
        raise invalid("this is a shadow")
    return call.installation.node


def _shadow(call: Call) -> HaNode:
    """Return the shadow. Raises Refused on a master."""
    node = call.installation.node
    if node is None or node.role != "shadow":
        raise Refused(ErrorType.FORBIDDEN_REQUEST, "This is a master")
    return node


def _number(seconds: float) -> float | int:
    """Return seconds as the product writes them where they are whole."""
    return int(seconds) if seconds == int(seconds) else seconds


ENDPOINTS = (
    Endpoint("GET", f"{MASTER}/config", READ, _master_config),
    Endpoint("GET", f"{MASTER}/state", READ, _master_state),
    Endpoint("POST", f"{MASTER}/state", ADMINISTRATOR, _switch, body="json", on_shadow=True),
    Endpoint("DELETE", f"{MASTER}/state", ADMINISTRATOR, _reset, on_shadow=True),
    Endpoint("GET", f"{SHADOW}/config", READ, _shadow_config),
    Endpoint("GET", f"{SHADOW}/state", READ, _shadow_state),
    Endpoint("POST", f"{SHADOW}/state", ADMINISTRATOR, _operate_shadow, body="json", on_shadow=True),
)
