"""Every endpoint that SAP documents or recordings show, with who may call it: the fact sheet's tables 5.3 to 5.8.

It is written down from the facts and not from our code, so that what the code has can be compared with it. Marks: MUST
is needed for mail or its automation, SHOULD is useful, OUT concerns HTTP and RFC only. What the product does not have
is OURS, outside of its paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Mark: TypeAlias = Literal["MUST", "SHOULD", "OUT", "OURS"]

A, AA, SA, S, D, M = "sccadmin", "sccassocadmin", "sccsubadmin", "sccsupport", "sccdisplay", "sccmonitoring"
ALL = (A, AA, SA, S, D, M)
WRITE = (A, AA, SA)
CONNECTOR = (A, AA)
LOGS = (A, S)
MONITORING = (A, M)
ADMIN = (A,)
TOKEN = ("token",)
ANY = "any"
"""The method of a row whose methods the facts do not tell apart."""
NOBODY_SIGNS_IN: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """One method of one path."""

    mark: Mark
    method: str
    path: str
    roles: tuple[str, ...]


CONFIGURATION = "/api/v1/configuration"
SUBACCOUNTS = f"{CONFIGURATION}/subaccounts"
SUBACCOUNT = SUBACCOUNTS + "/{region_host}/{subaccount}"
MAPPINGS = f"{SUBACCOUNT}/systemMappings"
MAPPING = MAPPINGS + "/{virtual}"
OWN = f"{CONFIGURATION}/connector"
ON_PREMISE = f"{OWN}/onPremises"
AUTHENTICATION_2 = "/api/v2/configuration/connector/authentication"
TRUST = f"{ON_PREMISE}/truststore"
LOG, AUDIT = f"{OWN}/logAndTrace", f"{OWN}/auditLog"
MONITOR = "/api/monitoring"
OF_SUBACCOUNT = "/subaccounts/{region_host}/{subaccount}"

# mark, path, methods that read with who may, methods that change with who may
Row: TypeAlias = tuple[Mark, str, str, tuple[str, ...], str, tuple[str, ...]]

CHANNEL_TYPES = ("HANA", "VirtualMachine", "ABAPCloud", "ABAPCloudSNC", "K8S")
_CHANNELS: tuple[Row, ...] = tuple(
    row
    for kind in CHANNEL_TYPES
    for row in (
        ("OUT", f"{SUBACCOUNT}/channels/{kind}", "GET", ALL, "POST", WRITE),
        ("OUT", f"{SUBACCOUNT}/channels/{kind}/{{id}}", "GET", ALL, "PUT DELETE", WRITE),
        ("OUT", f"{SUBACCOUNT}/channels/{kind}/{{id}}/state", "", (), "PUT", WRITE),
    )
)

_ROWS: tuple[Row, ...] = (
    # 5.3
    ("MUST", SUBACCOUNTS, "GET", ALL, "POST", WRITE),
    ("MUST", SUBACCOUNT, "GET", ALL, "PUT DELETE", WRITE),
    ("MUST", f"{SUBACCOUNT}/state", "", (), "PUT", WRITE),
    ("SHOULD", f"{SUBACCOUNT}/validity", "", (), "POST", WRITE),
    ("SHOULD", f"{SUBACCOUNT}/trust", "GET", ALL, "POST PUT", WRITE),
    ("OUT", f"{SUBACCOUNT}/trust/idps", "GET", ALL, "", ()),
    ("OUT", f"{SUBACCOUNT}/trust/apps", "GET", ALL, "", ()),
    ("OUT", f"{SUBACCOUNT}/trust/{{type}}/{{id}}", "GET", ALL, "PUT", WRITE),
    ("SHOULD", f"{SUBACCOUNTS}/corrupted", "GET", ALL, "", ()),
    ("OUT", f"{SUBACCOUNT}/recovery*", ANY, ALL, "", ()),
    # 5.4
    ("MUST", MAPPINGS, "GET", ALL, "POST", WRITE),
    ("SHOULD", MAPPINGS, "", (), "DELETE", WRITE),
    ("MUST", MAPPING, "GET", ALL, "PUT DELETE", WRITE),
    ("OUT", f"{MAPPING}/allowedClients", "GET", ALL, "POST PATCH DELETE", WRITE),
    ("OUT", f"{MAPPING}/blockedClientUsers", "GET", ALL, "POST PATCH DELETE", WRITE),
    ("OUT", f"{MAPPING}/resources", "GET", ALL, "POST", WRITE),
    ("OUT", f"{MAPPING}/resources/{{resource}}", "GET", ALL, "PUT DELETE", WRITE),
    ("OUT", f"{SUBACCOUNT}/domainMappings", "GET", ALL, "POST", WRITE),
    ("OUT", f"{SUBACCOUNT}/domainMappings/{{internal_domain}}", "", (), "PUT DELETE", WRITE),
    # 5.5
    ("MUST", TRUST, "GET", ALL, "PATCH", CONNECTOR),
    ("MUST", f"{TRUST}/certificates", "", (), "POST", CONNECTOR),
    ("SHOULD", f"{TRUST}/certificates", "GET", ALL, "DELETE", CONNECTOR),
    ("SHOULD", f"{TRUST}/certificates/{{alias}}", "GET", ALL, "", ()),
    ("MUST", f"{TRUST}/certificates/{{alias}}", "", (), "DELETE", CONNECTOR),
    # 5.6
    ("MUST", "/api/v1/connector/version", "GET", ALL, "", ()),
    ("MUST", f"{OWN}/authentication/basic", "", (), "PUT", ADMIN),
    ("SHOULD", f"{OWN}/authentication", "GET", ALL, "", ()),
    ("OUT", f"{OWN}/authentication/ldap", "", (), "PUT", ADMIN),
    ("OUT", AUTHENTICATION_2, "", (), ANY, ADMIN),
    ("OUT", f"{AUTHENTICATION_2}/ldap", "", (), ANY, ADMIN),
    ("OUT", f"{AUTHENTICATION_2}/ldap/servers…", "", (), ANY, ADMIN),
    ("MUST", f"{OWN}/haRole", "GET", ALL, "POST", ADMIN),
    ("SHOULD", OWN, "GET", ALL, "PUT", CONNECTOR),
    ("SHOULD", f"{CONFIGURATION}/availableCipherSuites", "GET", ALL, "", ()),
    ("OUT", f"{OWN}/ui/cipherSuites", "GET", ALL, "POST DELETE", ADMIN),
    ("SHOULD", f"{ON_PREMISE}/systemCertificate", "GET", ALL, "POST PUT PATCH DELETE", CONNECTOR),
    ("OUT", f"{ON_PREMISE}/ppCaCertificate", "GET", ALL, "POST PUT PATCH DELETE", CONNECTOR),
    ("SHOULD", f"{OWN}/ui/uiCertificate", "GET", ALL, "POST PUT PATCH", CONNECTOR),
    ("OUT", f"{ON_PREMISE}/subjectPatternRules", "GET", ALL, "POST", CONNECTOR),
    ("OUT", f"{ON_PREMISE}/subjectPatternRules/{{rule}}", "", (), "PUT DELETE", CONNECTOR),
    # 5.7
    ("SHOULD", f"{OWN}/proxy", "GET", ALL, "PUT DELETE", ADMIN),
    ("SHOULD", f"{OWN}/ha/master/config", "GET", ALL, "PUT", ADMIN),
    ("SHOULD", f"{OWN}/ha/master/state", "GET", ALL, "POST DELETE", ADMIN),
    ("SHOULD", f"{OWN}/ha/shadow/config", "GET", ALL, "PUT", ADMIN),
    ("SHOULD", f"{OWN}/ha/shadow/state", "GET", ALL, "POST DELETE", ADMIN),
    ("SHOULD", f"{CONFIGURATION}/backup", "", (), "POST PUT", ADMIN),
    ("SHOULD", LOG, "GET", ALL, "PATCH", LOGS),
    ("SHOULD", LOG + OF_SUBACCOUNT, "GET", ALL, "PATCH", LOGS),
    ("SHOULD", AUDIT, "GET", ALL, "PATCH", ADMIN),
    ("SHOULD", AUDIT + OF_SUBACCOUNT, "GET", ALL, "PATCH", ADMIN),
    ("SHOULD", f"{OWN}/alerting", "GET", ALL, "PUT PATCH", ADMIN),
    # the pages that 5.7 names for "email*", "solutionManagement*" and "ppSettings" have these
    ("OUT", f"{OWN}/email", "GET", ALL, "PUT PATCH", CONNECTOR),
    ("OUT", f"{OWN}/email/truststore", "GET", ALL, "", ()),
    ("OUT", f"{OWN}/email/truststore/certificates", "GET", ALL, "POST DELETE", CONNECTOR),
    ("OUT", f"{OWN}/email/truststore/certificates/{{alias}}", "GET", ALL, "DELETE", CONNECTOR),
    ("OUT", f"{OWN}/solutionManagement", "GET", ALL, "POST DELETE", LOGS),
    ("OUT", f"{OWN}/solutionManagement/registrationFile", "GET", LOGS, "", ()),
    ("OUT", f"{ON_PREMISE}/ppSettings", "GET", ALL, "PUT PATCH", WRITE),
    *_CHANNELS,
    # 5.8
    ("MUST", "/exposed?action=ping", "GET", NOBODY_SIGNS_IN, "", ()),
    ("SHOULD", "/exposed?action=hasMasterRole", "GET", NOBODY_SIGNS_IN, "", ()),
    ("SHOULD", "/exposed?action=ensureMasterRole", "GET", NOBODY_SIGNS_IN, "", ()),
    ("MUST", f"{MONITOR}/subaccounts", "GET", MONITORING, "", ()),
    ("MUST", f"{MONITOR}/connections/backends", "GET", MONITORING, "", ()),
    ("OUT", f"{MONITOR}/connections/serviceChannels", "GET", MONITORING, "", ()),
    ("SHOULD", f"{MONITOR}/performance/backends", "GET", MONITORING, "", ()),
    ("OUT", f"{MONITOR}/performance/topTimeConsumers", "GET", MONITORING, "", ()),
    ("SHOULD", f"{MONITOR}/usage", "GET", MONITORING, "", ()),
    ("SHOULD", f"{MONITOR}/memory", "GET", MONITORING, "", ()),
    ("SHOULD", f"{MONITOR}/disk", "GET", MONITORING, "", ()),
    ("SHOULD", f"{MONITOR}/cpu", "GET", MONITORING, "", ()),
    ("SHOULD", f"{MONITOR}/certificates", "GET", MONITORING, "", ()),
    ("SHOULD", f"{MONITOR}/certificates/expired", "GET", MONITORING, "", ()),
    ("SHOULD", f"{MONITOR}/certificates/expiring", "GET", MONITORING, "", ()),
    ("SHOULD", f"{MONITOR}/certificates/ok", "GET", MONITORING, "", ()),
    ("SHOULD", f"{MONITOR}/alerts", "GET", MONITORING, "", ()),
    # the cloud's: the binding of plan api_access says where
    ("SHOULD", "<url><scc_info_path>", "GET", TOKEN, "", ()),
)


CHECKS = f"/maco-lab{OF_SUBACCOUNT}/checks"
CHECK = f"/maco-lab{OF_SUBACCOUNT}/systemMappings/{{virtual}}/check"
AUDIT_LOGS = ("/maco-lab/auditLog", f"/maco-lab{OF_SUBACCOUNT}/auditLog")

_OURS = (
    Fact("OURS", "GET", "/maco-lab/openapi.json", NOBODY_SIGNS_IN),
    # The product has these on its page only (facts, 3.3).
    Fact("OURS", "GET", CHECKS, ALL),
    Fact("OURS", "GET", CHECK, ALL),
    Fact("OURS", "POST", CHECK, ALL),
    # The same (facts, 5.7: "no audit-log read API and no log download API").
    Fact("OURS", "GET", "/maco-lab/logFiles", ALL),
    Fact("OURS", "GET", "/maco-lab/logFiles/{file}", LOGS),
    *(Fact("OURS", "GET", each, LOGS) for each in AUDIT_LOGS),
    *(Fact("OURS", "GET", f"{each}/download", LOGS) for each in AUDIT_LOGS),
    *(Fact("OURS", "POST", f"{each}/check", LOGS) for each in AUDIT_LOGS),
)


def ours() -> Iterator[Fact]:
    """Yield every endpoint that is ours alone."""
    yield from _OURS


def facts() -> Iterator[Fact]:
    """Yield every endpoint."""
    for mark, path, reading, readers, changing, writers in _ROWS:
        for method in reading.split():
            yield Fact(mark, method, path, readers)
        for method in changing.split():
            yield Fact(mark, method, path, writers)
