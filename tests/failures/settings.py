"""Changes of the default lab file, each one mistake in the settings of one system."""

from __future__ import annotations

from typing import Any

from maco_lab.testing.settings import Change

WAY_A, WAY_B = "way-a", "way-b"
INTERNAL_A, INTERNAL_B = "mail.stadtwerke.example:143", "mail.stadtwerke.example:993"
_INDEX = {WAY_A: 0, WAY_B: 1}


def certificate(name: str) -> Change:
    """Let the mail server present another certificate."""

    def change(data: dict[str, Any]) -> None:
        data["mail_server"]["certificate"] = name

    return change


def mail_tls(port: str, **values: object) -> Change:
    """Give one port of the mail server TLS of its own."""
    return lambda data: data["mail_server"].update(tls={port: values})


def key_store(*names: str) -> Change:
    """Fill MaCo's key store."""

    def change(data: dict[str, Any]) -> None:
        data["maco"]["key_store"] = {name: name for name in names}

    return change


def verification(profile: str) -> Change:
    """Let MaCo judge certificates by another profile."""
    return lambda data: data["maco"].update(verification=profile)


def back_end_store(*names: str, trust_all: bool = False) -> Change:
    """Fill the Cloud Connector's back-end trust store."""

    def change(data: dict[str, Any]) -> None:
        store = {"certificates": list(names), "trust_all_backends": trust_all}
        data["cloud_connectors"][0]["back_end_trust_store"] = store

    return change


def connector(**values: object) -> Change:
    """Change the Cloud Connector."""
    return lambda data: data["cloud_connectors"][0].update(values)


def cloud(**values: object) -> Change:
    """Change the Connectivity service."""
    return lambda data: data["cloud"].update(values)


def mapping(way: str, **values: object) -> Change:
    """Change the mapping of a way."""
    return lambda data: data["cloud_connectors"][0]["subaccounts"][0]["mappings"][_INDEX[way]].update(values)


def email_server(way: str, **values: object) -> Change:
    """Change the e-mail server of a way."""
    return lambda data: data["maco"]["email_servers"][_INDEX[way]].update(values)


def email_connection(way: str, **values: object) -> Change:
    """Change the e-mail connection of a way."""
    return lambda data: data["maco"]["email_connections"][_INDEX[way]].update(values)
