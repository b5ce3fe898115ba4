"""Mistakes with mail by POP3, in a lab that has it beside IMAP (hop 5): the texts are JavaMail's for POP3."""

from __future__ import annotations

from typing import Any

from maco_lab.testing.settings import Change
from tests.failures.scripted import both
from tests.misconfigurations.row import Refused, Row
from tests.pop3 import POP3_A, POP3_B, with_pop3

INTERNAL_STLS, INTERNAL_TLS = "mail.stadtwerke.example:110", "mail.stadtwerke.example:995"
NOT_OFFERED = "STLS required but not supported"


def email_connection(name: str, **values: object) -> Change:
    """Have POP3, with a change of an e-mail connection."""

    def change(data: dict[str, Any]) -> None:
        (connection,) = (each for each in data["maco"]["email_connections"] if each["name"] == name)
        connection.update(values)

    return both(with_pop3, change)


def mapping(virtual: str, **values: object) -> Change:
    """Have POP3, with a change of a mapping."""

    def change(data: dict[str, Any]) -> None:
        mappings = data["cloud_connectors"][0]["subaccounts"][0]["mappings"]
        (found,) = (each for each in mappings if each["virtual"] == virtual)
        found.update(values)

    return both(with_pop3, change)


ROWS = (
    Row(
        "M11b", "H5", "MaCo", "by POP3: Protection is STARTTLS Mandatory, although the mapping is TCP TLS",
        email_connection(POP3_B, protection="STARTTLS Mandatory"),
        "starttls", NOT_OFFERED, "MaCo, Configure Email Connection: Protection Off", way=POP3_B,
        connector=f"TLS verified against: …; opens TCPS to {INTERNAL_TLS}", mail_server="TLS",
    ),
    Row(
        "M30c", "H5", "mail server", "by POP3: it offers no STLS, or somebody on the way takes it out",
        both(with_pop3, lambda data: data["mail_server"].update(offer_starttls=False)),
        "starttls", NOT_OFFERED, "mail server: STLS; the way to it", way=POP3_A,
        connector=f"opens TCP to {INTERNAL_STLS}",
    ),
    Row(
        "M47b", "H5", "Cloud Connector", "by POP3: the internal port of the mapping is that of IMAP",
        mapping("mail.stadtwerke.example:110", internal="mail.stadtwerke.example:143"),
        "greeting", "MessagingException: Connect failed; nested exception is: java.io.IOException: "
        "Unexpected response: * OK …", "Cloud Connector, mapping: Internal Port", way=POP3_A,
        connector="opens TCP to mail.stadtwerke.example:143", answer="* OK …",
    ),
)  # fmt: skip

POP3S_ON_PREMISE = Refused(
    "M13b", "MaCo", "Protection is POP3S, although Proxy Type is On-Premise",
    email_connection(POP3_B, protection="POP3S"),
    "found 'POP3S' with Proxy Type On-Premise, which MaCo does not offer",
    "MaCo, Configure Email Connection: Protection Off, with a mapping of protocol TCP TLS",
)  # fmt: skip
