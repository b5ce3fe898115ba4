"""The guide printed beside written certificates: which system needs which file, within 80 columns.

Its rule: the rows are data, so that a test can hold them against the files that are really written.
"""

from __future__ import annotations

from dataclasses import dataclass

from certs.plans import BAD_MAIL_SERVERS, ODD_MAIL_SERVERS


@dataclass(frozen=True, slots=True)
class Need:
    """One system needs one file for one of its settings."""

    system: str
    setting: str
    file: str


NEEDS: tuple[Need, ...] = (
    Need("MaCo", "key store (way A, STARTTLS)", "root.pem"),
    Need("", "  if the server omits it: also", "intermediate.pem"),
    Need("Cloud Connector", "back-end trust store (way B, TCP TLS)", "root.pem"),
    Need("", "  if the server omits it: also", "intermediate.pem"),
    Need("", "system certificate", "system_certificate.p12"),
    Need("", "administration page, certificate", "administration.pem"),
    Need("", "administration page, key", "administration.key"),
    Need("", "trust in the tunnel endpoint", "cloud_root.pem"),
    Need("Connectivity", "tunnel endpoint, certificate", "tunnel_endpoint.pem"),
    Need("", "tunnel endpoint, key", "tunnel_endpoint.key"),
    Need("", "trust in subaccount certificates", "cloud_clients.pem"),
    Need("", "  signs them with", "cloud_clients.key"),
    Need("Mail server", "certificate with its chain", "mail_server.pem"),
    Need("", "key", "mail_server.key"),
    Need("", "trust in client certificates (optional)", "connector_ca.pem"),
    Need("Browser, curl", "trust in the administration page", "connector_ca.pem"),
    Need("Java client", "trust store, way A", "root.p12"),
)


def guide() -> str:
    """Return the table of needs and the list of bad mail servers, as lines of at most 80 columns."""
    heading = Need("System", "Setting", "File")
    wide = max(len(need.system) for need in NEEDS) + 2
    wider = max(len(need.setting) for need in NEEDS) + 2
    lines = [f"{need.system:<{wide}}{need.setting:<{wider}}{need.file}" for need in (heading, *NEEDS)]
    lines.insert(1, "-" * max(map(len, lines)))
    lines += ["", "Odd and bad mail servers to present instead (NAME.pem with NAME.key)"]
    instead = {**ODD_MAIL_SERVERS, **BAD_MAIL_SERVERS}
    name_width = max(map(len, instead)) + 2
    lines += [f"  {name:<{name_width}}{plan.purpose}" for name, plan in instead.items()]
    return "\n".join(lines)
