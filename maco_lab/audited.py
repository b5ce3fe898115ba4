"""What a lab changes in a Cloud Connector past its administration, told to the audit log as that tells it.

Scenarios and the facade of the tests change what runs directly. To whoever reads the log, a mapping that came from
nowhere would be a hole in it.
"""

from __future__ import annotations

from cryptography import x509

from connector_sim.logs.audit_entry import Category, Operation
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.system_mapping import SystemMapping
from connector_sim.on_premise.trust_store import BackEndTrustStore


def mapping_changed(
    connector: CloudConnector,
    who: str,
    subaccount: str,
    before: SystemMapping | None,
    after: SystemMapping | None,
) -> None:
    """Tell that a system mapping was added, changed or removed; nothing if it is what it was."""
    there = after or before
    if there is None or before == after:
        return
    operation: Operation = "add" if before is None else "delete" if after is None else "modify"
    subject = f"{subaccount}/{there.virtual}"
    values = _mapping(before), _mapping(after)
    connector.logs.changed(who, operation, Category.BACKEND_MAPPING, subject, values, scope=subaccount)


def trust_changed(connector: CloudConnector, who: str, before: BackEndTrustStore, after: BackEndTrustStore) -> None:
    """Tell that back ends are judged by another trust store."""
    values = _trust(before), _trust(after)
    connector.logs.changed(who, "modify", Category.TRUSTED_BACKEND_CERTIFICATE, "truststore", values)


def account_changed(connector: CloudConnector, who: str, subaccount: str, name: str, before: str, after: str) -> None:
    """Tell that one value of a subaccount is another one; nothing if it is what it was."""
    if before != after:
        values = f"{{{name}={before}}}", f"{{{name}={after}}}"
        connector.logs.changed(who, "modify", Category.ACCOUNT, subaccount, values)


def _mapping(mapping: SystemMapping | None) -> str:
    if mapping is None:
        return ""
    internal = f"localHost={mapping.internal_host}, localPort={mapping.internal_ports}"
    return f"{{{internal}, protocol={mapping.protocol}}}"


def _trust(store: BackEndTrustStore) -> str:
    names = "; ".join(x509.load_der_x509_certificate(each).subject.rfc4514_string() for each in store.certificates)
    return f"{{trustAllBackends={str(store.trusts_all).lower()}, trustedBackends={names}}}"
