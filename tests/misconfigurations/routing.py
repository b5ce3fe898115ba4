"""Mistakes on the way to the mail server: tokens, location ID, mapping, back end (hops 1 to 3)."""

from __future__ import annotations

from typing import Any

from maco_lab.testing.settings import Change
from tests.failures.scripted import both
from tests.failures.settings import INTERNAL_A, WAY_A, WAY_B, cloud, connector, email_server, mapping
from tests.misconfigurations.row import PASSED_ON, Row

SHORT_S = 0.2
PATIENT_MS, IMPATIENT_MS = 30_000, 150

_LOCATION_ID = "MaCo, Configure Email Server: Location ID as in the Cloud Connector's subaccount"
_MAPPING = "Cloud Connector, Cloud To On-Premises: a mapping for the virtual host and port that MaCo's Address names"
_BINDING = "MaCo's service binding of the Connectivity service (no MaCo screen)"
_NOT_OPENED = f"cannot open internal host {INTERNAL_A}"
_NO_MAPPING = "Access denied: no mapping for this virtual host and port"


def refused(text: str, host: str = "mail.stadtwerke.example, 143", timeout_ms: int = PATIENT_MS) -> str:
    """Return JavaMail's text for what fails before the first byte of IMAP."""
    wrapped = f"MailConnectException: Couldn't connect to host, port: {host}; timeout {timeout_ms}"
    return f"{wrapped}; nested exception is: {text}"


NO_CONNECTOR = refused("SOCKS: Network unreachable (0x03 NETWORK_UNREACHABLE)")
FORBIDDEN = "SOCKS: Connection not allowed by ruleset (0x02 FORBIDDEN)"
UNREACHABLE = "SOCKS: Host unreachable (0x04 HOST_UNREACHABLE)"


def subaccount(**values: object) -> Any:
    """Change the subaccount of the Cloud Connector."""
    return lambda data: data["cloud_connectors"][0]["subaccounts"][0].update(values)


def host(name: str, address: str | None) -> Any:
    """Let an on-premise name lead elsewhere; None takes it away."""

    def change(data: dict[str, Any]) -> None:
        if address is None:
            del data["hosts"][name]
        else:
            data["hosts"][name] = address

    return change


def _other_subaccount(data: dict[str, Any]) -> None:
    """Connect a second subaccount, which has the mappings; MaCo's own has none."""
    own = data["cloud_connectors"][0]["subaccounts"][0]
    data["subaccounts"].append("netz")
    data["cloud_connectors"][0]["subaccounts"].append({**own, "subaccount": "netz"})
    own["mappings"] = []


def _foreign_binding(data: dict[str, Any]) -> None:
    """Let MaCo use the binding of another subaccount."""
    data["subaccounts"].append("netz")
    data["cloud"]["clients"].append({"client_id": "netz", "client_secret": "lab-secret-of-netz", "subaccount": "netz"})
    data["maco"]["client"] = "netz"


def tokens(defect: str) -> Change:
    """Let every token of MaCo's client be one that the proxy refuses."""
    return lambda data: data["cloud"]["clients"][0].update(token_defect=defect)


ROWS = (
    Row(
        "M01", "H1", "MaCo", "the Location ID is misspelt",
        email_server(WAY_A, location_id="WERK01"),
        "socks", NO_CONNECTOR, _LOCATION_ID, socks_reply=0x03,
    ),
    Row(
        "M01b", "H1", "MaCo", "the Location ID is empty, the Cloud Connector has one",
        email_server(WAY_A, location_id=""),
        "socks", NO_CONNECTOR, _LOCATION_ID, socks_reply=0x03,
    ),
    Row(
        "M02", "H1", "Cloud Connector", "its subaccount has no Location ID, MaCo asks for one",
        subaccount(location_id=""),
        "socks", NO_CONNECTOR, "Cloud Connector, subaccount: Location ID; or leave it empty in MaCo", socks_reply=0x03,
    ),
    Row(
        "M03", "H2", "Cloud Connector", "it is disconnected from the subaccount",
        subaccount(connected=False),
        "socks", NO_CONNECTOR, "Cloud Connector, subaccount: Connect", socks_reply=0x03,
    ),
    Row(
        "M03b", "H2", "Cloud Connector", "its subaccount certificate has expired",
        subaccount(certificate="expired"),
        "socks", NO_CONNECTOR, "Cloud Connector, subaccount: Refresh Subaccount Certificate", socks_reply=0x03,
        tunnel="SCC handshake failed: 401 — Unauthorized",
    ),
    Row(
        "M04", "H2", "MaCo", "the virtual host in Address is misspelt",
        email_server(WAY_A, address="mail.stadtwerk.example:143"),
        "socks", refused(FORBIDDEN, "mail.stadtwerk.example, 143"), _MAPPING, socks_reply=0x02,
        connector=f"{_NO_MAPPING}; nearest mapping: mail.stadtwerke.example:143",
    ),
    Row(
        "M04b", "H2", "MaCo", "the port in Address is not the virtual port of the mapping",
        email_server(WAY_A, address="mail.stadtwerke.example:144"),
        "socks", refused(FORBIDDEN, "mail.stadtwerke.example, 144"), _MAPPING, socks_reply=0x02,
        connector=f"{_NO_MAPPING}; nearest mapping: mail.stadtwerke.example:143",
    ),
    Row(
        "M04c", "H2", "MaCo", "Address has the host without its domain",
        email_server(WAY_A, address="mail:143"),
        "socks", refused(FORBIDDEN, "mail, 143"), _MAPPING, socks_reply=0x02,
        connector=f"{_NO_MAPPING}…",
    ),
    Row(
        "M04d", "H2", "Cloud Connector", "there is no mapping at all",
        subaccount(mappings=[]),
        "socks", refused(FORBIDDEN), _MAPPING, socks_reply=0x02, connector=_NO_MAPPING,
    ),
    Row(
        "M05", "H2", "MaCo", "Address has the internal host instead of the virtual one",
        both(mapping(WAY_B, internal="imap.intern:993"), host("imap.intern:993", "127.0.0.1:3993"),
             email_server(WAY_B, address="imap.intern:993")),
        "socks", refused(FORBIDDEN, "imap.intern, 993"), "MaCo, Configure Email Server: Address is the virtual host",
        way=WAY_B, socks_reply=0x02, connector=f"{_NO_MAPPING}; nearest mapping: mailbox.virtual:993",
    ),
    Row(
        "M06", "H1", "MaCo's tenant", "the client secret in the service binding is wrong or was renewed",
        lambda data: data["maco"].update(client_secret="another-secret"),
        "token", "Token request failed: 401 …", _BINDING,
    ),
    Row(
        "M06b", "H1", "MaCo's tenant", "the service binding is of another service",
        tokens("wrong_audience"),
        "socks", refused("Authentication failed! (status 0x05)"), _BINDING, socks_status=0x05,
    ),
    Row(
        "M06c", "H1", "MaCo's tenant", "the same, where the proxy tells it by its reply",
        both(tokens("wrong_audience"), cloud(bad_token_answer="reply")),
        "socks", refused("SOCKS: Connection refused (0x05 CONNECTION_REFUSED)"), _BINDING, socks_reply=0x05,
    ),
    Row(
        "M06d", "H1", "MaCo's tenant", "the service binding is of another subaccount, which no Cloud Connector serves",
        _foreign_binding,
        "socks", NO_CONNECTOR, _BINDING, socks_reply=0x03,
    ),
    Row(
        "M06e", "H1", "MaCo's tenant", "the token has expired, or a clock is wrong",
        tokens("expired"),
        "socks", refused("Authentication failed! (status 0x05)"), f"{_BINDING}; the clocks", socks_status=0x05,
    ),
    Row(
        "M07", "H3", "Cloud Connector", "the internal host of the mapping is misspelt, or missing in the DNS",
        host(INTERNAL_A, None),
        "socks", refused(UNREACHABLE), "Cloud Connector, mapping: Internal Host; the DNS on premise", socks_reply=0x04,
        connector=f"{_NOT_OPENED}: the name cannot be resolved on premise",
    ),
    Row(
        "M07b", "H3", "firewall on premise", "it drops what the Cloud Connector sends to the mail server",
        both(connector(connect_timeout_s=SHORT_S), lambda data: data.update(firewall=[INTERNAL_A])),
        "socks", refused(UNREACHABLE), "firewall: from the Cloud Connector to the internal host and port",
        socks_reply=0x04, connector=f"{_NOT_OPENED}: no connection within {SHORT_S:g} s",
    ),
    Row(
        "M08", "H3", "Cloud Connector", "the internal port of the mapping is one on which nothing listens",
        host(INTERNAL_A, "127.0.0.1:1"),
        "socks", refused(UNREACHABLE), "Cloud Connector, mapping: Internal Port; the mail server's IMAP service",
        socks_reply=0x04, connector=f"{_NOT_OPENED}: Connection refused",
    ),
    Row(
        "M10", "H3", "Cloud Connector", "the mapping is TCP TLS, the internal port speaks IMAP in clear first",
        mapping(WAY_B, internal=INTERNAL_A),
        "socks", refused(UNREACHABLE, "mailbox.virtual, 993"),
        "Cloud Connector, mapping: protocol TCP, or Internal Port 993", way=WAY_B, socks_reply=0x04,
        connector=f"TLS with internal host {INTERNAL_A} failed: wrong version number",
    ),
    Row(
        "M46", "H1", "MaCo", "Timeout is shorter than the Cloud Connector needs to give up a silent back end",
        both(email_server(WAY_A, timeout_ms=IMPATIENT_MS), connector(connect_timeout_s=2 * SHORT_S),
             lambda data: data.update(firewall=[INTERNAL_A])),
        "socks", refused("Read timed out", timeout_ms=IMPATIENT_MS), "MaCo, Configure Email Server: Timeout (in ms)",
        connector="…",
    ),
    Row(
        "M47", "H5", "Cloud Connector", "the internal port of the mapping is that of SMTP",
        host(INTERNAL_A, "127.0.0.1:3025"),
        "greeting", "MessagingException: 220 mail.stadtwerke.example…", "Cloud Connector, mapping: Internal Port",
        connector=PASSED_ON, answer="220 mail.stadtwerke.example…",
    ),
    Row(
        "M55", "H2", "Cloud Connector", "the mapping was made under another subaccount",
        _other_subaccount,
        "socks", refused(FORBIDDEN), "Cloud Connector: the mapping under MaCo's subaccount", socks_reply=0x02,
        connector=_NO_MAPPING,
    ),
)  # fmt: skip
