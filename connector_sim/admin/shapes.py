"""What requests and answers look like, as JSON Schema: for the API's own description of itself. Pure.

Required is what the API requires. It takes booleans and numbers as strings too, and ignores fields that it does not
know, as the product does; the schemas say what a client should send.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from connector_sim.admin.alerting import SECTIONS as ALERTING
from connector_sim.admin.fields import MAX_TEXT
from connector_sim.admin.key_pair import KEY_SIZES
from connector_sim.admin.mapping_entry import PROTOCOLS
from connector_sim.admin.service_channels import ChannelType
from connector_sim.admin.stored import Section
from connector_sim.admin.subject_pattern_rules import OPERATORS, PARTS

Schema: TypeAlias = Mapping[str, Any]

TEXT: Schema = {"type": "string", "maxLength": MAX_TEXT}
FILLED: Schema = {**TEXT, "minLength": 1}
FLAG: Schema = {"type": "boolean"}
WHOLE: Schema = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65_535}
PORTS: Schema = {"type": "string", "pattern": "^[0-9]{1,5}(-[0-9]{1,5})?$"}
MILLISECONDS: Schema = {"type": "integer"}
TEXTS: Schema = {"type": "array", "items": TEXT}
FILE: Schema = {"type": "string", "format": "binary"}


def one_of(*words: str) -> Schema:
    """Return one of some words."""
    return {"type": "string", "enum": list(words)}


def listed(item: Schema) -> Schema:
    """Return a list."""
    return {"type": "array", "items": item}


def closed(optional: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """Return an object of an answer: exactly these keys, and of those that are optional none or some."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def sent(*required: str, **properties: Schema) -> Schema:
    """Return an object of a request: what is required, and what may come."""
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return {**found, "required": list(required)} if required else found


def sent_either(*alternatives: tuple[str, ...], **properties: Schema) -> Schema:
    """Return an object of a request that has all of one list of names, or all of another one."""
    return {**sent(**properties), "anyOf": [{"required": list(each)} for each in alternatives]}


def section(fields: Section) -> Schema:
    """Return the answer that shows a section of stored configuration."""
    return closed(**{name: _of_default(each.default) for name, each in fields.items()})


def changed(fields: Section) -> Schema:
    """Return the request that changes a section; what cannot be changed is left out."""
    return sent(**{name: _of_default(each.default) for name, each in fields.items() if each.read})


def _of_default(default: object) -> Schema:
    if isinstance(default, bool):
        return FLAG
    return WHOLE if isinstance(default, int) else TEXT


REFUSAL = closed(type=TEXT, message={"type": "string"})

_LINK = closed(href=TEXT)
_LINKS: Schema = {"type": "object", "additionalProperties": _LINK}
CERTIFICATE = closed(
    notAfterTimeStamp=MILLISECONDS, notBeforeTimeStamp=MILLISECONDS, subjectDN=TEXT, issuer=TEXT, serialNumber=TEXT
)
TUNNEL = closed(
    state=one_of("Connected", "ConnectFailure", "Disconnected"),
    connectedSinceTimeStamp=MILLISECONDS,
    connections=WHOLE,
    applicationConnections=listed({"type": "object"}),
    serviceChannels=listed({"type": "object"}),
    subaccountCertificate=CERTIFICATE,
    user=TEXT,
)
SUBACCOUNT = closed(
    ("description",),
    description=TEXT,
    displayName=TEXT,
    autoCertRenewal=FLAG,
    tunnel=TUNNEL,
    isManaged=FLAG,
    _links=_LINKS,
    regionHost=TEXT,
    subaccount=TEXT,
    locationID=TEXT,
)
SUBACCOUNT_IN_LIST = closed(_links=_LINKS, regionHost=TEXT, subaccount=TEXT, locationID=TEXT)
ADDED_SUBACCOUNT = sent_either(
    ("regionHost", "subaccount", "cloudUser", "cloudPassword"),
    ("authenticationData",),
    regionHost=FILLED,
    subaccount=FILLED,
    cloudUser=FILLED,
    cloudPassword=FILLED,
    authenticationData=FILLED,
    locationID=TEXT,
    autoCertRenewal=FLAG,
    displayName=TEXT,
    description=TEXT,
    isManaged=FLAG,
)
RENEWED_CERTIFICATE = sent_either(
    ("user", "password"), ("authenticationData",), user=FILLED, password=FILLED, authenticationData=FILLED
)
CHANGED_SUBACCOUNT = sent(locationID=TEXT, autoCertRenewal=FLAG, displayName=TEXT, description=TEXT)

_MAPPING: Mapping[str, Schema] = {
    "virtualHost": FILLED,
    "virtualPort": PORTS,
    "localHost": FILLED,
    "localPort": PORTS,
    "creationDate": {"type": "string", "pattern": "^[0-9]+$"},
    "protocol": one_of(*PROTOCOLS),
    "backendType": TEXT,
    "hostInHeader": one_of("VIRTUAL", "INTERNAL"),
    "sid": TEXT,
    "totalResourcesCount": WHOLE,
    "enabledResourcesCount": WHOLE,
    "authenticationMode": TEXT,
    "description": TEXT,
    "sncPartnerName": TEXT,
    "sapRouter": TEXT,
    "allowedClients": TEXTS,
    "blacklistedUsers": TEXTS,
}
MAPPING = closed(
    ("hostInHeader", "sid", "description", "sncPartnerName", "sapRouter"),
    **_MAPPING,
    _links=closed(self=_LINK, resources=_LINK),
)
_SENT_MAPPING = {name: each for name, each in _MAPPING.items() if name != "creationDate" and not name.endswith("Count")}
ADDED_MAPPING = sent("virtualHost", "virtualPort", "localHost", "localPort", "protocol", "backendType", **_SENT_MAPPING)
CHANGED_MAPPING = sent(**_SENT_MAPPING)

RESOURCE_KEYS: Mapping[str, Schema] = {
    "id": FILLED,
    "enabled": FLAG,
    "exactMatchOnly": FLAG,
    "websocketUpgradeAllowed": FLAG,
    "creationDate": TEXT,
    "description": TEXT,
}
RESOURCE = closed(**RESOURCE_KEYS, _links=_LINKS)
_SENT_RESOURCE = {name: each for name, each in RESOURCE_KEYS.items() if name != "creationDate"}
ADDED_RESOURCE = sent("id", **_SENT_RESOURCE)
CHANGED_RESOURCE = sent(**{name: each for name, each in _SENT_RESOURCE.items() if name != "id"})
DOMAIN = closed(virtualDomain=TEXT, internalDomain=TEXT, _links=closed(self=_LINK))
ADDED_DOMAIN = sent("virtualDomain", "internalDomain", virtualDomain=FILLED, internalDomain=FILLED)
CHANGED_DOMAIN = sent(virtualDomain=FILLED, internalDomain=FILLED)

_INSTANCE: Schema = {"type": "integer", "minimum": 0, "maximum": 99}
_SOME: Schema = {**WHOLE, "minimum": 1}


def channel(kind: ChannelType) -> Schema:
    """Return a service channel as it is shown: disabled, and so without a state."""
    ends = dict.fromkeys(kind.texts, TEXT) | ({} if kind.first_port is None else {"instanceNumber": _INSTANCE})
    return closed(
        **ends,
        id=_SOME,
        type=one_of(kind.name),
        port=PORT,
        enabled={"const": False},
        connections=_SOME,
        comment=TEXT,
        _links=closed(self=_LINK, state=_LINK),
    )


def added_channel(kind: ChannelType) -> Schema:
    """Return the request that adds one; its comment alone may be left out."""
    return sent(*_sent_channel(kind), **_sent_channel(kind), comment=TEXT)


def changed_channel(kind: ChannelType) -> Schema:
    """Return the request that changes one."""
    return sent(**_sent_channel(kind), comment=TEXT)


def _sent_channel(kind: ChannelType) -> Mapping[str, Schema]:
    number = {"port": PORT} if kind.first_port is None else {"instanceNumber": _INSTANCE}
    return dict.fromkeys(kind.texts, FILLED) | number | {"connections": _SOME}


_PATTERN: Mapping[str, Schema] = dict.fromkeys(PARTS, TEXT)
PATTERN_RULE = closed(
    ("description",), description=TEXT, condition={"type": "string"}, subjectPattern=closed(PARTS, **_PATTERN)
)
SENT_PATTERN_RULE = sent(
    "description",
    "condition",
    "subjectPattern",
    description=FILLED,
    condition=sent("variable", "operator", variable=FILLED, operator=one_of(*OPERATORS), value=TEXT),
    subjectPattern=sent(**_PATTERN),
)

TRUSTED = closed(alias=TEXT, subjectDN=TEXT, issuer=TEXT, notAfterTimeStamp=MILLISECONDS)
TRUST_STORE = closed(trustAllBackends=FLAG, trustedBackends=listed(TRUSTED))
MADE_CERTIFICATE = sent(
    "type",
    "subjectDN",
    type=one_of("selfsigned", "csr"),
    subjectDN=FILLED,
    keySize={"type": "integer", "enum": list(KEY_SIZES)},
)

_ALERTING = {name: section(each) for name, each in ALERTING.items()}
ALERTS_CONFIGURATION = closed(**_ALERTING)
CHANGED_ALERTS = sent(**{name: changed(each) for name, each in ALERTING.items()})
PROXY = closed(("host", "port", "user", "password"), host=TEXT, port=TEXT, user=TEXT, password=TEXT)
CHANGED_PROXY = sent("host", "port", host=FILLED, port=PORT, user=TEXT, password=TEXT)
MASTER_CONFIG_KEYS: Mapping[str, Schema] = {"haEnabled": FLAG, "haPort": PORT, "allowedShadowHost": TEXT}
SHADOW_CONFIG_KEYS: Mapping[str, Schema] = {
    "masterHost": TEXT,
    "masterPort": WHOLE,
    "ownHost": TEXT,
    "haPort": PORT,
    "checkIntervalInSeconds": {"type": "number"},
    "takeoverDelayInSeconds": {"type": "number"},
    "connectTimeoutInMillis": WHOLE,
    "requestTimeoutInMillis": WHOLE,
}

_OF = {"regionHost": TEXT, "subaccount": TEXT}
_PLACED = {**_OF, "locationID": TEXT}
_SHARES = closed(total=WHOLE, CloudConnector=WHOLE, others=WHOLE, free=WHOLE)
_WATCHED: Schema = {
    "anyOf": [
        closed(type=TEXT, validTo=MILLISECONDS, subjectDN=TEXT, issuerDN=TEXT, serialNumber=TEXT),
        closed(type=TEXT, validTo=MILLISECONDS, subaccountName=TEXT, subaccountRegion=TEXT),
    ]
}
WATCHED = listed(_WATCHED)
ALERTS = closed(
    alerts=listed(closed(timestamp=MILLISECONDS, status=TEXT, type=TEXT, origin=TEXT, message=TEXT, entity=TEXT)),
    version=WHOLE,
)
MEMORY = closed(physicalKB=_SHARES, virtualKB=_SHARES, cloudConnectorHeapKB=closed(total=WHOLE, used=WHOLE, free=WHOLE))
DISK = _SHARES
CPU = closed(total=WHOLE, CloudConnector=WHOLE)


def of_each_subaccount(**properties: Schema) -> Schema:
    """Return an answer of the monitoring, which has one object for each subaccount."""
    return closed(subaccounts=listed(closed(**properties)), version=WHOLE)


MONITORED = of_each_subaccount(**_OF, displayName=TEXT, description=TEXT, locationID=TEXT, tunnel=TUNNEL)
CONNECTIONS = of_each_subaccount(
    backendConnections=listed(
        closed(virtualBackend=TEXT, internalBackend=TEXT, protocol=TEXT, idle=WHOLE, active=WHOLE)
    ),
    **_PLACED,
)
PERFORMANCE = of_each_subaccount(backendPerformance=listed({"type": "object"}), sinceTime=TEXT, **_PLACED)
USAGE = of_each_subaccount(
    usageStatistics=listed(
        closed(
            virtualHost=TEXT,
            virtualPort=TEXT,
            protocol=TEXT,
            bytesReceived={"type": "integer"},
            bytesSent={"type": "integer"},
            calls=WHOLE,
            mostRecentAccess=MILLISECONDS,
            resources=listed({"type": "object"}),
        )
    ),
    serviceChannelUsageStatistics=listed({"type": "object"}),
    sinceTime=TEXT,
    **_PLACED,
)

_SUMMARY: Mapping[str, Schema] = {
    "virtual": TEXT,
    "internal": TEXT,
    "protocol": TEXT,
    "result": one_of("Reachable", "Warning", "Unchecked"),
    "message": TEXT,
    "checkedTimeStamp": {"type": ["integer", "null"]},
}
CHECK_SUMMARY = closed(**_SUMMARY)
CHECK = closed(
    **_SUMMARY,
    portsNotTried=WHOLE,
    ports=listed(
        closed(
            port=WHOLE,
            result=TEXT,
            reason=TEXT,
            message=TEXT,
            durationMillis={"type": "number"},
            tls={"type": ["object", "null"]},
        )
    ),
)

LOG_FILE = closed(name=TEXT, size={"type": "integer"}, lastModifiedTimeStamp=MILLISECONDS)
AUDIT_ENTRY = closed(
    number={"type": "integer"}, timestamp=TEXT, type=TEXT, user=TEXT, object=TEXT, old=TEXT, new=TEXT, message=TEXT
)
AUDIT_CHECK = closed(
    scope=TEXT, isWhole=FLAG, entries=WHOLE, lastNumber=WHOLE, lastHash=TEXT, findings=TEXTS, notes=TEXTS
)
