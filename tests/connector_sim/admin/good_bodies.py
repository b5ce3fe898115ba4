"""A request that is right for every endpoint, and a lab that has one of everything which a path can name."""

from __future__ import annotations

import json
from typing import Any

from connector_sim.admin.endpoint import Endpoint
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.permissions import KNOWN, named
from tests.connector_sim.admin.settings import MAPPINGS, NEW, OWN
from tests.connector_sim.admin.whole_state import asked, whole_state

JSON = {"content-type": "application/json"}
CONNECTOR = "/api/v1/configuration/connector"
PATTERN_RULES = f"{CONNECTOR}/onPremises/subjectPatternRules"
HTTP_MAPPING = "http.virtual:80"
PATHS = {**KNOWN, "resource": "-known", "internal_domain": "internal.example", "rule": "0"}

_MAPPING = {
    "virtualHost": "new.virtual",
    "virtualPort": "143",
    "localHost": "mail.stadtwerke.example",
    "localPort": "143",
    "protocol": "TCP",
    "backendType": "nonSAPsys",
    "authenticationMode": "NONE",
    "sid": "",
    "description": "",
    "sncPartnerName": "",
    "sapRouter": "",
    "allowedClients": ["100"],
    "blacklistedUsers": ["USER"],
}
_RESOURCE = {
    "id": "/new",
    "enabled": True,
    "exactMatchOnly": False,
    "websocketUpgradeAllowed": False,
    "description": "",
}
_ABAP = {"abapCloudTenantHost": "tenant.abap.example", "instanceNumber": 20, "connections": 1, "comment": "x"}
CHANNELS: dict[str, dict[str, object]] = {
    "HANA": {"hanaInstanceName": "hana", "instanceNumber": 7, "connections": 1, "comment": "x"},
    "VirtualMachine": {"name": "vm", "endpointId": "0-1", "port": 2222, "connections": 1, "comment": "x"},
    "ABAPCloud": _ABAP,
    "ABAPCloudSNC": _ABAP,
    "K8S": {
        "k8sCluster": "cluster.example:443",
        "k8sService": "service",
        "port": 3000,
        "connections": 1,
        "comment": "x",
    },
}
"""A service channel of each type (facts, 5.7); the prepared lab has one of each, with IDs in this order from 1 on."""
PATTERN_RULE = {
    "description": "subject pattern rule",
    "condition": {"variable": "name", "operator": "is", "value": "Terraform"},
    "subjectPattern": {"CN": "Terraform", "C": "TC"},
}
_SUBACCOUNT = {"locationID": "OTHER", "autoCertRenewal": True, "displayName": "x", "description": "x"}
_CERTIFICATE = {"type": "selfsigned", "subjectDN": "CN=scc", "keySize": 2048}
_LOG = {
    "sccLogLevel": "DEBUG",
    "otherLogLevel": "DEBUG",
    "tlsTrace": True,
    "cpicTraceLevel": 1,
    "cleanup": 7,
    "rolloverThreshold": "1 MB",
}
# A body that is taken, by the last parts of a path: whatever is made wrong in it is the only thing that is wrong.
GOOD: dict[tuple[str, str], Any] = {
    ("PUT", "/connector"): {"description": "x"},
    ("POST", "/backup"): {"password": "secret"},
    ("POST", "/haRole"): "master",
    ("PUT", "/authentication/basic"): {"oldPassword": "manage", "newPassword": "better"},
    ("PUT", "/ha/master/config"): {"haEnabled": True, "allowedShadowHost": "x.example"},
    ("POST", "/ha/master/state"): {"op": "SWITCH"},
    ("PUT", "/ha/shadow/config"): {
        "masterHost": "127.0.0.1",
        "masterPort": 1,
        "checkIntervalInSeconds": 30,
        "takeoverDelayInSeconds": 30,
        "connectTimeoutInMillis": 1000,
        "requestTimeoutInMillis": 1000,
    },
    ("POST", "/ha/shadow/state"): {"op": "CONNECT"},
    ("POST", "/subaccounts"): {**NEW, **_SUBACCOUNT, "isManaged": False},
    ("PUT", "/{subaccount}"): _SUBACCOUNT,
    ("PUT", "/{subaccount}/state"): {"connected": False},
    ("POST", "/validity"): {"user": NEW["cloudUser"], "password": NEW["cloudPassword"]},
    ("PUT", "/trust"): {"autoSyncTrustEnabled": True},
    ("POST", "/systemMappings"): _MAPPING,
    ("PUT", "/{virtual}"): {
        name: each for name, each in _MAPPING.items() if name not in {"virtualHost", "virtualPort"}
    },
    ("POST", "/resources"): _RESOURCE,
    ("PUT", "/{resource}"): {name: each for name, each in _RESOURCE.items() if name != "id"},
    ("POST", "/domainMappings"): {"virtualDomain": "virtual.example", "internalDomain": "new.example"},
    ("PUT", "/{internal_domain}"): {"virtualDomain": "other.example", "internalDomain": "other.example"},
    **{("POST", f"/channels/{kind}"): each for kind, each in CHANNELS.items()},
    **{("PUT", f"/channels/{kind}/{{id}}"): each for kind, each in CHANNELS.items()},
    ("PUT", "/{id}/state"): {"enabled": False},
    ("POST", "/subjectPatternRules"): PATTERN_RULE,
    ("PUT", "/{rule}"): PATTERN_RULE,
    ("PATCH", "/truststore"): {"trustAllBackends": True},
    ("POST", "/systemCertificate"): _CERTIFICATE,
    ("POST", "/uiCertificate"): _CERTIFICATE,
    ("POST", "/ppCaCertificate"): _CERTIFICATE,
    ("PATCH", "/auditLog"): {"level": "ALL", "cleanup": 90},
    ("PATCH", "/auditLog/…"): {"level": "ALL"},
    ("PATCH", "/logAndTrace"): _LOG,
    ("PATCH", "/logAndTrace/…"): {"trafficTrace": True, "payloadSncTrace": True},
    ("PUT", "/proxy"): {"host": "proxy.example", "port": 80, "user": "x", "password": "x"},
    ("PUT", "/alerting"): {"thresholds": {"cpuLoad": 1}, "notification": {"ha": False}},
    ("PATCH", "/alerting"): {"thresholds": {"cpuLoad": 1}, "notification": {"ha": False}},
}


def good(endpoint: Endpoint) -> Any:
    """Return a body that this endpoint takes."""
    path = endpoint.path
    if path.startswith(CONNECTOR):
        path = path.replace("/subaccounts/{region_host}/{subaccount}", "/…")
    (found,) = [each for (method, end), each in GOOD.items() if method == endpoint.method and path.endswith(end)]
    return found


def prepare(lab: Lab) -> None:
    """Give the lab one of everything that a path can name."""
    http = {**_MAPPING, "virtualHost": "http.virtual", "virtualPort": "80", "protocol": "HTTP"}
    domain = {"virtualDomain": "v", "internalDomain": "internal.example"}
    for path, content in (
        (MAPPINGS, http),
        (f"{MAPPINGS}/{HTTP_MAPPING}/resources", {"id": "/known"}),
        (f"{OWN}/domainMappings", domain),
        *((f"{OWN}/channels/{kind}", each) for kind, each in CHANNELS.items()),
        (PATTERN_RULES, PATTERN_RULE),
    ):
        assert asked(lab, "POST", path, json.dumps(content).encode(), JSON).status == 201


def prepared(lab: Lab) -> dict[str, object]:
    """Prepare the lab, and return its whole state."""
    prepare(lab)
    return whole_state(lab)


def path_of(endpoint: Endpoint) -> str:
    names = {**PATHS, "virtual": HTTP_MAPPING} if "/resources" in endpoint.path else PATHS
    given = [str(at) for at, kind in enumerate(CHANNELS, start=1) if f"/channels/{kind}/" in endpoint.path]
    return named(endpoint.path, {**names, **({"id": given[0]} if given else {})})
