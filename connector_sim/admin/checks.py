"""Reachability checks of system mappings. The product has them on its page alone: these paths are ours.

Whoever may read a mapping may check it: nothing is changed by that.
"""

from __future__ import annotations

from connector_sim.admin.call import Call
from connector_sim.admin.check_shape import check_shape, check_summary
from connector_sim.admin.endpoint import LAB, Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid
from connector_sim.admin.replies import Reply, ok
from connector_sim.admin.roles import READ
from connector_sim.admin.subaccounts import named
from connector_sim.on_premise.reachability.checks import ChecksBusy
from connector_sim.on_premise.system_mapping import SystemMapping

OF_SUBACCOUNT = f"{LAB}/subaccounts/{{region_host}}/{{subaccount}}"
ALL = f"{OF_SUBACCOUNT}/checks"
ONE = f"{OF_SUBACCOUNT}/systemMappings/{{virtual}}/check"


def _list(call: Call) -> Reply:
    """List the last result of every mapping that carries traffic, without details."""
    connector = call.installation.connector
    mappings = connector.mappings(named(call)[1])
    return ok([check_summary(each, connector.checks.result(each)) for each in mappings])


def _last(call: Call) -> Reply:
    mapping = _mapping(call)
    return ok(check_shape(mapping, call.installation.connector.checks.result(mapping)))


async def _check(call: Call) -> Reply:
    """Check now, and answer with the result; a warning is a result too."""
    mapping = _mapping(call)
    try:
        result = await call.installation.connector.checks.check(mapping)
    except ChecksBusy as error:
        raise Refused(ErrorType.ILLEGAL_STATE, str(error)) from error
    return ok(check_shape(mapping, result))


def _mapping(call: Call) -> SystemMapping:
    entry = call.installation.mappings.get(named(call)[1], call.parameters["virtual"])
    if not entry.is_carried:
        raise invalid(f"protocol: {entry.protocol} is kept and carries no traffic; allowed for a check: TCP, TCPS")
    return entry.as_system_mapping()


ENDPOINTS = (
    Endpoint("GET", ALL, READ, _list),
    Endpoint("GET", ONE, READ, _last),
    Endpoint("POST", ONE, READ, _check, only_asks=True),
)
