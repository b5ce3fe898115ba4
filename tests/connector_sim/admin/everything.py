"""Everything that the configuration's GETs show of one connector: to compare what was with what is there again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from connector_sim.admin.endpoints import ENDPOINTS
from connector_sim.admin.stored_lists import encoded

SUBACCOUNTS = "/api/v1/configuration/subaccounts"
TRUST = "/api/v1/configuration/connector/onPremises/truststore"

Get: TypeAlias = Callable[[str], tuple[int, bytes]]
"""Return status and body of a GET."""

_PATHS = [each.path for each in ENDPOINTS if each.method == "GET" and each.path.startswith("/api/v1/configuration/")]
_HA = "/api/v1/configuration/connector/ha"
_OF_A_PAIR = {f"{_HA}/master/state", f"{_HA}/shadow/state", f"{_HA}/shadow/config"}
_OF_THE_RUN = ("connectedSinceTimeStamp", "connections", "state")
"""Of a tunnel: what it did since the start, and not what is configured."""


def everything(get: Get) -> dict[str, Any]:
    """Return what each path shows, without what belongs to one run: hosts and ports, and how long a tunnel is up."""
    shown = {path: _shown(*get(path)) for path in _all_paths(get) if path not in _OF_A_PAIR}
    assert len(shown) > 10
    return shown


def _all_paths(get: Get) -> Iterator[str]:
    for template in _PATHS:
        yield from (template.format(**values) for values in _values(get, template))


def _values(get: Get, template: str) -> Iterator[Mapping[str, str]]:
    """Return the values of a path's names, for everything there is."""
    names = frozenset(re.findall(r"{(\w+)}", template))
    if names == {"alias"}:
        yield from ({"alias": each["alias"]} for each in _json(get, TRUST)["trustedBackends"])
    elif not names:
        yield {}
    else:
        for subaccount in _json(get, SUBACCOUNTS):
            found = {"region_host": subaccount["regionHost"], "subaccount": subaccount["subaccount"]}
            yield from _of_subaccount(get, found, names, template)


def _of_subaccount(
    get: Get, found: Mapping[str, str], names: frozenset[str], template: str
) -> Iterator[Mapping[str, str]]:
    if not names - set(found):
        yield found
        return
    if "id" in names:
        channels = template.partition("/{id}")[0].format(**found)
        yield from ({**found, "id": str(each["id"])} for each in _json(get, channels))
        return
    mappings = f"{SUBACCOUNTS}/{found['region_host']}/{found['subaccount']}/systemMappings"
    for each in _json(get, mappings):
        virtual = f"{each['virtualHost']}:{each['virtualPort']}"
        if "resource" not in names:
            yield {**found, "virtual": virtual}
            continue
        for resource in _json(get, f"{mappings}/{virtual}/resources"):
            yield {**found, "virtual": virtual, "resource": encoded(resource["id"])}


def _json(get: Get, path: str) -> Any:
    status, body = get(path)
    assert status == 200, (path, status, body)
    return json.loads(body)


def _shown(status: int, body: bytes) -> tuple[int, object]:
    try:
        content = json.loads(body)
    except ValueError:
        return status, body
    return status, _lasting(content)


def _lasting(content: Any) -> Any:
    match content:
        case {"tunnel": {**tunnel}}:
            lasting = {name: value for name, value in tunnel.items() if name not in _OF_THE_RUN}
            is_wanted = tunnel["state"] != "Disconnected"
            return {**_lasting({**content, "tunnel": None}), "tunnel": {**lasting, "isWanted": is_wanted}}
        case dict():
            return {name: _lasting(value) for name, value in content.items() if name != "haPort"}
        case list():
            return [_lasting(each) for each in content]
        case str():
            return re.sub(r"^https://[^/]+", "https://HOST", content)
    return content
