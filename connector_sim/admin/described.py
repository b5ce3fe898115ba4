"""What each endpoint takes and gives, for the API's description of itself: a table by method and path. Pure.

Where nothing is said of an answer, it has none: 201 after a POST, 204 after any other change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from connector_sim.admin import (
    alerting,
    authentication,
    backup,
    checks,
    connector,
    ha_kept,
    logs,
    monitoring,
    own_certificates,
    service_channels,
    shapes,
    stored,
    stored_lists,
    subaccounts,
    subject_pattern_rules,
    system_mappings,
    trust_store,
    version,
    watched_certificates,
)
from connector_sim.admin.certificate_files import DER, PEM
from connector_sim.admin.endpoint import LAB, Endpoint
from connector_sim.admin.replies import JSON
from connector_sim.admin.shapes import Schema, closed, listed, sent

OCTETS = "application/octet-stream"
TEXT_PLAIN = "text/plain"

OPENAPI_PATH = f"{LAB}/openapi.json"
"""Where the description itself is."""

Content: TypeAlias = Mapping[str, Schema]
"""What a body holds, by its media type."""


@dataclass(frozen=True, slots=True)
class Described:
    """A request's body, and the answer to one that is granted; ``answers`` is by status code."""

    request: Schema | None = None
    answers: Mapping[int, Content] | None = None
    query: Mapping[str, Schema] | None = None


def _json(schema: Schema, status: int = 200) -> Mapping[int, Content]:
    return {status: {JSON: schema}}


def _shown(schema: Schema) -> Described:
    return Described(answers=_json(schema))


def _certificate(path: str) -> dict[tuple[str, str], Described]:
    password = shapes.TEXT
    pkcs12 = sent("pkcs12", pkcs12=shapes.FILE, password=password, keyPassword=password)
    return {
        ("GET", path): Described(answers={200: {JSON: shapes.CERTIFICATE, OCTETS: shapes.FILE}}),
        ("POST", path): Described(shapes.MADE_CERTIFICATE, {201: {}, 200: {PEM: shapes.FILE}}),
        ("PUT", path): Described(pkcs12),
        ("PATCH", path): Described(sent("signedCertificate", signedCertificate=shapes.FILE), {201: {}}),
    }


def _section(path: str, fields: stored.Section) -> dict[tuple[str, str], Described]:
    return {("GET", path): _shown(shapes.section(fields)), ("PATCH", path): Described(shapes.changed(fields))}


def _channels(kind: service_channels.ChannelType) -> dict[tuple[str, str], Described]:
    one = f"{kind.path}/{{id}}"
    return {
        ("GET", kind.path): _shown(listed(shapes.channel(kind))),
        ("POST", kind.path): Described(shapes.added_channel(kind)),
        ("GET", one): _shown(shapes.channel(kind)),
        ("PUT", one): Described(shapes.changed_channel(kind)),
        ("PUT", f"{one}/state"): Described(sent("enabled", enabled=shapes.FLAG)),
    }


_CHANNELS = {path: each for kind in service_channels.TYPES for path, each in _channels(kind).items()}
_CERTIFICATES = {
    path: each
    for name in ("onPremises/systemCertificate", "ui/uiCertificate", "onPremises/ppCaCertificate")
    for path, each in _certificate(f"{own_certificates.OWN}/{name}").items()
}
_WATCHED = f"{monitoring.PATH}/certificates"
_UPLOAD = sent(certificates=listed(shapes.FILE), certificate=shapes.FILE)

DESCRIBED: Mapping[tuple[str, str], Described] = {
    ("GET", version.PATH): _shown(closed(version=shapes.TEXT)),
    ("GET", connector.PATH): _shown(closed(ha=closed(role=shapes.TEXT), description=shapes.TEXT)),
    ("PUT", connector.PATH): Described(sent(description=shapes.TEXT)),
    ("GET", f"{connector.PATH}/haRole"): _shown(shapes.one_of("master", "shadow")),
    ("POST", f"{connector.PATH}/haRole"): Described(shapes.one_of("master", "shadow"), {204: {}}),
    ("GET", connector.CIPHER_SUITES): _shown(shapes.TEXTS),
    ("GET", authentication.PATH): _shown(closed(type=shapes.TEXT, configuration=closed(user=shapes.TEXT))),
    ("PUT", f"{authentication.PATH}/basic"): Described(
        sent(oldPassword=shapes.FILLED, newPassword=shapes.FILLED, password=shapes.FILLED, user=shapes.FILLED)
    ),
    ("POST", backup.PATH): Described(sent("password", password=shapes.FILLED), {200: {backup.ZIP: shapes.FILE}}),
    ("PUT", backup.PATH): Described(sent("backup", "password", backup=shapes.FILE, password=shapes.FILLED)),
    ("GET", f"{ha_kept.MASTER}/config"): _shown(closed(**shapes.MASTER_CONFIG_KEYS)),
    ("PUT", f"{ha_kept.MASTER}/config"): Described(sent(**shapes.MASTER_CONFIG_KEYS)),
    ("GET", f"{ha_kept.MASTER}/state"): _shown(closed(state=shapes.TEXT, shadowHost=shapes.TEXT)),
    ("POST", f"{ha_kept.MASTER}/state"): Described(sent("op", op=shapes.one_of("SWITCH", "FORCE_SWITCH")), {204: {}}),
    ("GET", f"{ha_kept.SHADOW}/config"): _shown(closed(**shapes.SHADOW_CONFIG_KEYS)),
    ("PUT", f"{ha_kept.SHADOW}/config"): Described(
        sent(**shapes.SHADOW_CONFIG_KEYS), _json(closed(**shapes.SHADOW_CONFIG_KEYS))
    ),
    ("GET", f"{ha_kept.SHADOW}/state"): _shown(
        closed(
            state=shapes.TEXT,
            ownHosts=shapes.TEXTS,
            stateMessage=shapes.TEXT,
            masterVersions=listed({"type": "object"}),
        )
    ),
    ("POST", f"{ha_kept.SHADOW}/state"): Described(
        sent("op", op=shapes.one_of("CONNECT", "DISCONNECT"), user=shapes.TEXT, password=shapes.TEXT), {204: {}}
    ),
    ("GET", subaccounts.PATH): _shown(listed(shapes.SUBACCOUNT_IN_LIST)),
    ("POST", subaccounts.PATH): Described(shapes.ADDED_SUBACCOUNT, _json(shapes.SUBACCOUNT, 201)),
    ("GET", f"{subaccounts.PATH}/corrupted"): _shown(listed(closed(regionHost=shapes.TEXT, subaccount=shapes.TEXT))),
    ("GET", subaccounts.ONE): _shown(shapes.SUBACCOUNT),
    ("PUT", subaccounts.ONE): Described(shapes.CHANGED_SUBACCOUNT, _json(shapes.SUBACCOUNT)),
    ("PUT", f"{subaccounts.ONE}/state"): Described(sent("connected", connected=shapes.FLAG)),
    ("POST", f"{subaccounts.ONE}/validity"): Described(shapes.RENEWED_CERTIFICATE, _json(shapes.SUBACCOUNT)),
    ("POST", f"{subaccounts.ONE}/trust"): Described(answers={204: {}}),
    ("GET", f"{subaccounts.ONE}/trust"): _shown(closed(autoSyncTrustEnabled=shapes.FLAG)),
    ("PUT", f"{subaccounts.ONE}/trust"): Described(sent("autoSyncTrustEnabled", autoSyncTrustEnabled=shapes.FLAG)),
    ("GET", system_mappings.PATH): _shown(listed(shapes.MAPPING)),
    ("POST", system_mappings.PATH): Described(shapes.ADDED_MAPPING),
    ("GET", system_mappings.ONE): _shown(shapes.MAPPING),
    ("PUT", system_mappings.ONE): Described(shapes.CHANGED_MAPPING),
    ("GET", stored_lists.RESOURCES): _shown(listed(shapes.RESOURCE)),
    ("POST", stored_lists.RESOURCES): Described(shapes.ADDED_RESOURCE),
    ("GET", stored_lists.RESOURCE): _shown(shapes.RESOURCE),
    ("PUT", stored_lists.RESOURCE): Described(shapes.CHANGED_RESOURCE),
    ("GET", stored_lists.DOMAINS): _shown(listed(shapes.DOMAIN)),
    ("POST", stored_lists.DOMAINS): Described(shapes.ADDED_DOMAIN),
    ("PUT", stored_lists.DOMAIN): Described(shapes.CHANGED_DOMAIN),
    **_CHANNELS,
    ("GET", subject_pattern_rules.RULES): _shown(listed(shapes.PATTERN_RULE)),
    ("POST", subject_pattern_rules.RULES): Described(shapes.SENT_PATTERN_RULE),
    ("PUT", subject_pattern_rules.RULE): Described(shapes.SENT_PATTERN_RULE),
    ("GET", trust_store.PATH): _shown(shapes.TRUST_STORE),
    ("PATCH", trust_store.PATH): Described(sent("trustAllBackends", trustAllBackends=shapes.FLAG)),
    ("GET", trust_store.CERTIFICATES): Described(answers={200: {PEM: shapes.FILE, DER: shapes.FILE}}),
    ("POST", trust_store.CERTIFICATES): Described(_UPLOAD),
    ("GET", trust_store.ONE): Described(answers={200: {DER: shapes.FILE}}),
    **_CERTIFICATES,
    **_section(f"{stored.OWN}/auditLog", stored.AUDIT),
    **_section(f"{stored.OWN}/auditLog{stored.OF_SUBACCOUNT}", stored.AUDIT_OF_SUBACCOUNT),
    **_section(f"{stored.OWN}/logAndTrace", stored.LOG),
    **_section(f"{stored.OWN}/logAndTrace{stored.OF_SUBACCOUNT}", stored.LOG_OF_SUBACCOUNT),
    ("GET", stored.PROXY_PATH): _shown(shapes.PROXY),
    ("PUT", stored.PROXY_PATH): Described(shapes.CHANGED_PROXY),
    ("GET", alerting.PATH): _shown(shapes.ALERTS_CONFIGURATION),
    ("PUT", alerting.PATH): Described(shapes.CHANGED_ALERTS),
    ("PATCH", alerting.PATH): Described(shapes.CHANGED_ALERTS),
    ("GET", monitoring.EXPOSED): Described(
        answers={200: {}},  # nothing for ping, "true" or "false" for the others
        query={"action": shapes.one_of("ping", "hasMasterRole", "ensureMasterRole")},
    ),
    ("GET", f"{monitoring.PATH}/subaccounts"): _shown(shapes.MONITORED),
    ("GET", f"{monitoring.PATH}/connections/backends"): _shown(shapes.CONNECTIONS),
    ("GET", f"{monitoring.PATH}/performance/backends"): _shown(shapes.PERFORMANCE),
    ("GET", f"{monitoring.PATH}/usage"): _shown(shapes.USAGE),
    ("GET", f"{monitoring.PATH}/memory"): _shown(shapes.MEMORY),
    ("GET", f"{monitoring.PATH}/disk"): _shown(shapes.DISK),
    ("GET", f"{monitoring.PATH}/cpu"): _shown(shapes.CPU),
    ("GET", _WATCHED): _shown(closed(expired=shapes.WATCHED, expiring=shapes.WATCHED, ok=shapes.WATCHED)),
    **{("GET", f"{_WATCHED}/{each}"): _shown(shapes.WATCHED) for each in watched_certificates.JUDGEMENTS},
    ("GET", f"{monitoring.PATH}/alerts"): _shown(shapes.ALERTS),
    ("GET", checks.ALL): _shown(listed(shapes.CHECK_SUMMARY)),
    ("GET", checks.ONE): _shown(shapes.CHECK),
    ("POST", checks.ONE): _shown(shapes.CHECK),
    ("GET", logs.FILES): _shown(listed(shapes.LOG_FILE)),
    ("GET", logs.FILE): Described(answers={200: {TEXT_PLAIN: shapes.FILE}}),
    **{("GET", each): _shown(listed(shapes.AUDIT_ENTRY)) for each in logs.AUDIT_LOGS},
    **{("GET", f"{each}/download"): Described(answers={200: {logs.GZIP: shapes.FILE}}) for each in logs.AUDIT_LOGS},
    **{("POST", f"{each}/check"): _shown(shapes.AUDIT_CHECK) for each in logs.AUDIT_LOGS},
    ("GET", OPENAPI_PATH): _shown({"type": "object"}),
}


def described(endpoint: Endpoint) -> Described:
    """Return what is said of an endpoint, with the answers that it has where nothing is said of them."""
    found = DESCRIBED.get((endpoint.method, endpoint.path), Described())
    if found.answers is not None:
        return found
    return Described(found.request, {201 if endpoint.method == "POST" else 204: {}}, found.query)
