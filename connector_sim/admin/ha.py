"""Master and shadow: what they are doing, and their operations (SAP, "Master" and "Shadow Instance Configuration").

Where the two listen is set in the lab file. A connector that has no shadow there is a master that is ALONE, and what it
is told about shadows is kept and acts on nothing.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from connector_sim.admin import ha_kept
from connector_sim.admin.call import Call
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid
from connector_sim.admin.fields import Fields
from connector_sim.admin.ha_kept import MASTER, SHADOW
from connector_sim.admin.replies import Reply, no_content, ok
from connector_sim.admin.roles import ADMINISTRATOR, READ
from connector_sim.on_premise.ha.node import HaNode, SwitchRefused
from connector_sim.on_premise.ha.settings import ShadowAdmission
from connector_sim.on_premise.ha.states import MasterState, ShadowState
from maco_wire.observation import Address

_HOST = re.compile(r"[A-Za-z0-9.:-]{0,255}")
_ALONE = ShadowAdmission(is_enabled=False)
_LONGEST_S, _LONGEST_MS = 86_400, 3_600_000


def _master_config(call: Call) -> Reply:
    admission = _admission(call)
    shown = {"haEnabled": admission.is_enabled, "haPort": _ha_port(call), "allowedShadowHost": admission.host}
    return ok(shown)


def _set_master_config(call: Call) -> Reply:
    """Let shadows bind, or not, from the next one on; one that is bound stays."""
    known = _admission(call)
    fields = call.fields()
    admission = ShadowAdmission(
        fields.flag("haEnabled", default=known.is_enabled), _host(fields, "allowedShadowHost", known.host)
    )
    _same_port(fields, _ha_port(call))
    ha_kept.keep_admission(call.installation.stored, admission)
    if node := call.installation.node:
        node.admission = admission
    return no_content()


def _admission(call: Call) -> ShadowAdmission:
    """Return which shadow may bind: kept by the one of a pair, or for a connector that is none."""
    if node := _master(call):
        return node.admission
    return ha_kept.admission(call.installation.stored, _ALONE)


def _ha_port(call: Call) -> int:
    node = call.installation.node
    return node.address[1] if node else call.installation.port


def _same_port(fields: Fields, port: int) -> None:
    """Take the port for each other that there is: another one would need a restart. Raises Refused."""
    if "haPort" in fields and (found := fields.number("haPort", least=1, most=65_535)) != port:
        raise invalid(f"haPort: found {found}, allowed: {port}, as the lab file sets it")


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
    else:
        ha_kept.forget_admission(call.installation.stored)
    return no_content()


def _shadow_config(call: Call) -> Reply:
    return ok(_config_shape(_shadow(call)))


def _set_shadow_config(call: Call) -> Reply:
    """Watch the master by other times from the next check on; another master only while it is connected to none."""
    node = _shadow(call)
    fields = call.fields()
    _same_port(fields, node.address[1])
    if (own := _host(fields, "ownHost", node.address[0])) != node.address[0]:
        raise invalid(f"ownHost: found {own!r}, allowed: {node.address[0]!r}, where the lab file lets it listen")
    address = _master_address(fields, node.link.address)
    settings = dataclasses.replace(
        node.settings,
        check_interval_s=_time(fields, "checkIntervalInSeconds", node.settings.check_interval_s, 1, _LONGEST_S),
        takeover_delay_s=_time(fields, "takeoverDelayInSeconds", node.settings.takeover_delay_s, 0, _LONGEST_S),
        connect_timeout_ms=int(
            _time(fields, "connectTimeoutInMillis", node.settings.connect_timeout_ms, 1, _LONGEST_MS)
        ),
        request_timeout_ms=int(
            _time(fields, "requestTimeoutInMillis", node.settings.request_timeout_ms, 1, _LONGEST_MS)
        ),
    )
    if address != node.link.address:
        if node.state not in {ShadowState.INITIAL, ShadowState.DISCONNECTED}:
            raise Refused(ErrorType.ILLEGAL_STATE, f"masterHost, masterPort: this shadow is {node.state}")
        node.link.address = address
    node.watch_by(settings)
    ha_kept.keep_times(call.installation.stored, settings)
    return ok(_config_shape(node))


def _master_address(fields: Fields, known: Address | None) -> Address | None:
    host, port = known or ("", 0)
    host = _host(fields, "masterHost", host)
    port = fields.number("masterPort", port, least=1, most=65_535) if "masterPort" in fields else port
    return (host, port) if host and port else None


def _time(fields: Fields, name: str, known: float, least: int, most: int) -> float:
    return fields.number(name, least=least, most=most) if name in fields else known


def _host(fields: Fields, name: str, known: str) -> str:
    found = fields.text(name, known)
    if not _HOST.fullmatch(found):
        raise invalid(f"{name}: found {found[:80]!r}, allowed: the name or the address of a host")
    return found


def _config_shape(node: HaNode) -> dict[str, Any]:
    watched = node.settings
    host, port = node.link.address or ("", 0)
    return {
        "masterHost": host,
        "masterPort": port,
        "ownHost": node.address[0],
        "haPort": node.address[1],
        "checkIntervalInSeconds": _number(watched.check_interval_s),
        "takeoverDelayInSeconds": _number(watched.takeover_delay_s),
        "connectTimeoutInMillis": watched.connect_timeout_ms,
        "requestTimeoutInMillis": watched.request_timeout_ms,
    }


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


def _reset_shadow(call: Call) -> Reply:
    """Forget the master, and watch by the product's own times again; only while not connected to one."""
    node = _shadow(call)
    if not node.forget_master():
        raise Refused(ErrorType.ILLEGAL_STATE, f"This shadow is {node.state}: disconnect it first")
    ha_kept.keep_times(call.installation.stored, node.settings)
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
    Endpoint("PUT", f"{MASTER}/config", ADMINISTRATOR, _set_master_config, body="json", on_shadow=True),
    Endpoint("GET", f"{MASTER}/state", READ, _master_state),
    Endpoint("POST", f"{MASTER}/state", ADMINISTRATOR, _switch, body="json", on_shadow=True),
    Endpoint("DELETE", f"{MASTER}/state", ADMINISTRATOR, _reset, on_shadow=True),
    Endpoint("GET", f"{SHADOW}/config", READ, _shadow_config),
    Endpoint("PUT", f"{SHADOW}/config", ADMINISTRATOR, _set_shadow_config, body="json", on_shadow=True),
    Endpoint("GET", f"{SHADOW}/state", READ, _shadow_state),
    Endpoint("POST", f"{SHADOW}/state", ADMINISTRATOR, _operate_shadow, body="json", on_shadow=True),
    Endpoint("DELETE", f"{SHADOW}/state", ADMINISTRATOR, _reset_shadow, on_shadow=True),
)
