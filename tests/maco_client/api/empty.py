"""A MaCo that is not configured yet, and what the article configures in it."""

from __future__ import annotations

from typing import Any

CREDENTIALS = {
    "STROM": ("strom@stadtwerke.example", "Strom4711Postfach"),
    "GAS": ("gas@stadtwerke.example", "Gas0815Postfach"),
}
SERVERS = {"mail-starttls": "mail.stadtwerke.example:143", "mail-tcp-tls": "mailbox.virtual:993"}
CONNECTIONS = {
    "way-a": {"server": "mail-starttls", "protection": "STARTTLS Mandatory", "credential": "STROM"},
    "way-b": {"server": "mail-tcp-tls", "protection": "Off", "credential": "GAS"},
}


def unconfigured(data: dict[str, Any]) -> None:
    """Leave MaCo with nothing but its client."""
    data["maco"] = {"client": data["maco"]["client"]}
