"""The table of misconfigurations, in the order of the way."""

from __future__ import annotations

from tests.failures.settings import WAY_A, WAY_B, email_connection
from tests.misconfigurations import dialogue, pop3, routing, tls
from tests.misconfigurations.row import Refused, Row

HOPS = {
    "H1": "From MaCo to the Connectivity service",
    "H2": "From the Connectivity service to the Cloud Connector: tunnel and mapping",
    "H3": "From the Cloud Connector to the mail server",
    "H4": "TLS of MaCo with the mail server, inside the tunnel",
    "H5": "The dialogue with the mail server",
}
"""Where a mistake shows."""

ROWS: tuple[Row, ...] = tuple(
    sorted((*routing.ROWS, *tls.ROWS, *dialogue.ROWS, *pop3.ROWS), key=lambda row: (row.hop, row.number))
)

REFUSED = (
    Refused(
        "M13", "MaCo", "Protection is IMAPS, although Proxy Type is On-Premise",
        email_connection(WAY_B, protection="IMAPS"),
        "found 'IMAPS' with Proxy Type On-Premise, which MaCo does not offer",
        "MaCo, Configure Email Connection: Protection Off, with a mapping of protocol TCP TLS",
    ),
    pop3.POP3S_ON_PREMISE,
    Refused(
        "M34c", "MaCo", "Credential Name is that of no User Credentials artifact",
        email_connection(WAY_A, credential="strom"),
        "found 'strom', allowed: 'GAS', 'STROM'",
        "MaCo, Configure Email Connection: Credential Name, as it was deployed (upper and lower case differ)",
    ),
)  # fmt: skip
