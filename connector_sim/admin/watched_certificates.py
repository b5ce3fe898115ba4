"""Which certificates end soon, and the alerts that come of it (SAP, "Monitoring APIs"; not recorded).

Watched are the UI, system and CA certificate and those of the subaccounts; entries of the trust store are not (facts,
section 4). Alerts tell of certificates and of the free disk space; of the processor's load they do not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from cryptography import x509

from connector_sim.admin.alerting import thresholds
from connector_sim.admin.call import Call
from connector_sim.admin.certificate_shape import milliseconds, serial_number
from connector_sim.admin.endpoint import Answers, Endpoint
from connector_sim.admin.hardware import free_disk_mb
from connector_sim.admin.key_pair import KeyPair
from connector_sim.admin.monitoring import PATH, VERSION
from connector_sim.admin.replies import Reply, ok
from connector_sim.admin.roles import MONITORING

Judgement: TypeAlias = Literal["expired", "expiring", "ok"]
JUDGEMENTS: tuple[Judgement, ...] = get_args(Judgement)


def _certificates(call: Call) -> Reply:
    """Sort the connector's own certificates and those of its subaccounts; the trust store's raise no alert."""
    return ok({name: [each.shape for each in found] for name, found in _judged(call).items()})


def _certificates_of(judgement: Judgement) -> Answers:
    return lambda call: ok([each.shape for each in _judged(call)[judgement]])


def _alerts(call: Call) -> Reply:
    judged = _judged(call)
    words: tuple[tuple[Judgement, str], ...] = (("expired", "has expired"), ("expiring", "expires soon"))
    alerts = [
        _alert(call, f"{each.kind}Certificate", f"{each.kind} certificate {each.name} {word}", each.name)
        for judgement, word in words
        for each in judged[judgement]
    ]
    if (free := free_disk_mb()) < (least := thresholds(call.installation)["freeDiskSpaceMb"]):
        alerts.append(_alert(call, "Disk", f"{free} MB of disk space are free, fewer than {least} MB", ""))
    return ok({"alerts": alerts, "version": VERSION})


def _alert(call: Call, kind: str, message: str, entity: str) -> dict[str, Any]:
    return {
        "timestamp": int(call.installation.now() * 1000),
        "status": "Warning",
        "type": kind,
        "origin": "Master" if call.installation.role == "master" else "Shadow",
        "message": message,
        "entity": entity,
    }


@dataclass(frozen=True, slots=True)
class _Watched:
    """A certificate that is watched."""

    kind: Literal["UI", "System", "CA", "Subaccount"]
    name: str
    certificate: x509.Certificate
    shape: dict[str, Any]


def _judged(call: Call) -> dict[Judgement, list[_Watched]]:
    now = dt.datetime.fromtimestamp(call.installation.now(), dt.UTC)
    expiring = dt.timedelta(days=thresholds(call.installation)["certificateValidityDays"])
    judged: dict[Judgement, list[_Watched]] = {"expired": [], "expiring": [], "ok": []}
    for each in _watched(call):
        left = each.certificate.not_valid_after_utc - now
        judged["expired" if left < dt.timedelta() else "expiring" if left < expiring else "ok"].append(each)
    return judged


def _watched(call: Call) -> Iterator[_Watched]:
    installation = call.installation
    own: tuple[tuple[Literal["UI", "System", "CA"], KeyPair], ...] = (
        ("UI", installation.ui_certificate),
        ("System", installation.system_certificate),
        ("CA", installation.ca_certificate),
    )
    for kind, pair in own:
        if certificate := pair.certificate:
            subject, issuer = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
            shape = {
                "type": kind,
                "validTo": milliseconds(certificate.not_valid_after_utc),
                "subjectDN": subject,
                "issuerDN": issuer,
                "serialNumber": serial_number(certificate),
            }
            yield _Watched(kind, subject, certificate, shape)
    region_host = installation.subaccounts.region_host
    for name in installation.subaccounts.names():
        certificate = x509.load_der_x509_certificate(installation.subaccounts.certificate(name).der)
        shape = {
            "type": "subaccount",
            "validTo": milliseconds(certificate.not_valid_after_utc),
            "subaccountName": name,
            "subaccountRegion": region_host,
        }
        yield _Watched("Subaccount", f"{name}@{region_host}", certificate, shape)


ENDPOINTS = (
    Endpoint("GET", f"{PATH}/certificates", MONITORING, _certificates),
    *(Endpoint("GET", f"{PATH}/certificates/{each}", MONITORING, _certificates_of(each)) for each in JUDGEMENTS),
    Endpoint("GET", f"{PATH}/alerts", MONITORING, _alerts),
)
