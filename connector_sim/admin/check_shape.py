"""How the result of a reachability check is shown, by our own API, the page and the command line alike. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

from connector_sim.on_premise.reachability.result import CheckResult, PortCheck, SentCertificate, TlsCheck
from connector_sim.on_premise.system_mapping import SystemMapping

REACHABLE, WARNING, UNCHECKED = "Reachable", "Warning", "Unchecked"
"""The states that the product's page shows (facts, section 3.3)."""

NOT_YET = "Not checked since the mapping or the Cloud Connector was there."


def check_shape(mapping: SystemMapping, result: CheckResult | None) -> dict[str, Any]:
    """Return everything that is known of a mapping's internal system; ``ports`` is empty without a check."""
    return {
        **check_summary(mapping, result),
        "portsNotTried": result.untried if result else 0,
        "ports": [_port_shape(each) for each in result.ports] if result else [],
    }


def check_summary(mapping: SystemMapping, result: CheckResult | None) -> dict[str, Any]:
    """Return the same without the details."""
    state = UNCHECKED if result is None else REACHABLE if result.is_reachable else WARNING
    return {
        "virtual": mapping.virtual,
        "internal": f"{mapping.internal_host}:{mapping.internal_ports}",
        "protocol": mapping.protocol.value,
        "result": state,
        "message": result.message if result else NOT_YET,
        "checkedTimeStamp": result.checked_ms if result else None,
    }


def _port_shape(port: PortCheck) -> dict[str, Any]:
    return {
        "port": port.port,
        "result": REACHABLE if port.is_reachable else WARNING,
        "reason": port.reason.value,
        "message": port.message,
        "durationMillis": port.duration_ms,
        "tls": _tls_shape(port.tls) if port.tls else None,
    }


def _tls_shape(tls: TlsCheck) -> dict[str, Any]:
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "serverName": tls.server_name,
        "nameChecked": tls.name_checked,
        "trustsAll": tls.trusts_all,
        "chain": [_certificate_shape(each) for each in tls.chain],
        "anchor": tls.anchor,
        "missing": [
            {"role": each.role, "subjectDN": each.subject, "issuer": each.issuer, "wasSent": each.was_sent}
            for each in tls.missing
        ],
        "clientCertificate": {"asked": tls.client_certificate_asked, "offered": tls.client_certificate_offered},
        "error": tls.error,
        "verifyCode": tls.verify_code,
        "alertSent": tls.alert_sent,
        "alertReceived": tls.alert_received,
    }


def _certificate_shape(sent: SentCertificate) -> dict[str, Any]:
    return {
        "role": sent.role,
        "subjectDN": sent.summary.subject,
        "issuer": sent.summary.issuer,
        "dnsNames": list(sent.summary.dns_names),
        "notBeforeTimeStamp": _milliseconds(sent.summary.not_before),
        "notAfterTimeStamp": _milliseconds(sent.summary.not_after),
        "fingerprint": sent.summary.fingerprint,
        "inStore": sent.in_store,
    }


def _milliseconds(moment: str) -> int | None:
    """Return a moment of a summary in milliseconds since 1970; None for one that could not be read."""
    try:
        return int(dt.datetime.fromisoformat(moment).timestamp() * 1000)
    except ValueError:
        return None
