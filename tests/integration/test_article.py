"""The article's configuration, done in one way alone, and each time two mails are fetched at its end.

By REST: a Cloud Connector on which nothing is configured gets the subaccount with its location ID, a TCP and a TCP TLS
mapping, and the root in its back-end trust store; an empty MaCo gets the root in its key store, e-mail servers
and e-mail connections. By lab file: all is there from the start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maco_lab.testing.lab import Lab, lab_for_tests
from tests.connector_sim.admin.client import AdminClient
from tests.maco_client.api.empty import CONNECTIONS, CREDENTIALS, SERVERS, unconfigured
from tests.maco_lab.page.client import PageClient

SUBACCOUNT, REGION, LOCATION_ID = "stadtwerke", "lab.example", "WERK1"
SUBACCOUNTS = "/api/v1/configuration/subaccounts"
MAPPINGS = f"{SUBACCOUNTS}/{REGION}/{SUBACCOUNT}/systemMappings"
TRUST = "/api/v1/configuration/connector/onPremises/truststore/certificates"
MAIL_HOST = "mail.stadtwerke.example"
MAIL = "Subject: UTILMD\n\nUNA:+.? '"


def mapping(virtual: str, port: str, protocol: str) -> dict[str, str]:
    """Return a mapping to the mail server, with the fields that SAP's own client sends."""
    return {
        "virtualHost": virtual,
        "virtualPort": port,
        "localHost": MAIL_HOST,
        "localPort": port,
        "protocol": protocol,
        "backendType": "nonSAPsys",
        "authenticationMode": "NONE",
    }


def freshly_installed(data: dict[str, Any]) -> None:
    """Leave the Cloud Connector with another subaccount, no mapping and an empty trust store, and MaCo with nothing."""
    unconfigured(data)
    data["subaccounts"].append("elsewhere")
    connector = data["cloud_connectors"][0]
    connector["back_end_trust_store"]["certificates"] = []
    connector["subaccounts"] = [{"subaccount": "elsewhere"}]


def deliver(lab: Lab) -> None:
    for user in ("strom@stadtwerke.example", "gas@stadtwerke.example"):
        lab.mail_server.deliver(user, MAIL)


def configure_maco(api: PageClient, root_pem: bytes) -> None:
    """Do the article's second half by MaCo's own API."""
    api.ask("POST", "/api/keystore?alias=mail-root", root_pem, Content_Type="application/x-pem-file")
    for name, (user, password) in CREDENTIALS.items():
        api.post("/api/credentials", {"name": name, "user": user, "password": password})
    for name, address in SERVERS.items():
        api.post("/api/servers", {"name": name, "address": address, "location_id": LOCATION_ID})
    for name, settings in CONNECTIONS.items():
        api.post("/api/connections", {"name": name, **settings})


def polled(api: PageClient) -> dict[str, int]:
    """Let MaCo poll by its API, and return how many mails each way has brought."""
    return {each["connection"]: each["stored"] for each in api.post("/api/poll", {}).data["results"]}


@pytest.mark.maco_lab(change=freshly_installed)
def test_by_rest_alone(maco_lab: Lab) -> None:
    admin = AdminClient(maco_lab.cloud_connector.administration_url)
    assert maco_lab.running.maco_api
    api = PageClient(maco_lab.running.maco_api)
    deliver(maco_lab)
    configure_maco(api, maco_lab.root_pem)
    assert polled(api) == {"way-a": 0, "way-b": 0}

    added = {
        "regionHost": REGION,
        "subaccount": SUBACCOUNT,
        "cloudUser": "admin@stadtwerke.example",
        "cloudPassword": "Cloud4711Admin",
        "locationID": LOCATION_ID,
    }
    assert admin.call("POST", SUBACCOUNTS, added).json["tunnel"]["state"] == "Connected"
    assert admin.call("POST", MAPPINGS, mapping(MAIL_HOST, "143", "TCP")).status == 201
    assert admin.call("POST", MAPPINGS, mapping("mailbox.virtual", "993", "TCPS")).status == 201
    check = f"/maco-lab/subaccounts/{REGION}/{SUBACCOUNT}/systemMappings/mailbox.virtual:993/check"
    assert admin.call("POST", check).json["result"] == "Warning"  # nobody trusts the mail server yet
    assert polled(api) == {"way-a": 1, "way-b": 0}
    assert admin.upload("POST", TRUST, certificates=maco_lab.root_pem).status == 201

    assert admin.call("POST", check).json["result"] == "Reachable"
    assert polled(api) == {"way-a": 0, "way-b": 1}
    assert [each["connection"] for each in api.get("/api/inbox").data["mails"]] == ["way-a", "way-b"]


# The article in the words of the lab file, and nothing that it does not speak of.
LAB_FILE = """
cloud:
  clients:
    - {client_id: maco, client_secret: secret-of-maco, subaccount: stadtwerke}
subaccounts: [stadtwerke]
cloud_connectors:
  - name: scc
    back_end_trust_store: {certificates: [root]}
    subaccounts:
      - subaccount: stadtwerke
        location_id: WERK1
        mappings:
          - {virtual: mail.stadtwerke.example:143, internal: mail.stadtwerke.example:143, protocol: TCP}
          - {virtual: mailbox.virtual:993, internal: mail.stadtwerke.example:993, protocol: TCPS}
hosts:
  mail.stadtwerke.example:143: 127.0.0.1:3143
  mail.stadtwerke.example:993: 127.0.0.1:3993
mail_server:
  host_name: mail.stadtwerke.example
  ports: {imap: 3143, imaps: 3993}
  accounts:
    - {user: strom@stadtwerke.example, password: Strom4711Postfach}
    - {user: gas@stadtwerke.example, password: Gas0815Postfach}
maco:
  client: maco
  key_store: {mail-root: root}
  credentials:
    - {name: STROM, user: strom@stadtwerke.example, password: Strom4711Postfach}
    - {name: GAS, user: gas@stadtwerke.example, password: Gas0815Postfach}
  email_servers:
    - {name: starttls, address: "mail.stadtwerke.example:143", proxy_type: On-Premise, location_id: WERK1}
    - {name: tcp-tls, address: "mailbox.virtual:993", proxy_type: On-Premise, location_id: WERK1}
  email_connections:
    - {name: way-a, server: starttls, protection: STARTTLS Mandatory, credential: STROM}
    - {name: way-b, server: tcp-tls, protection: "Off", credential: GAS}
"""


@pytest.mark.slow
def test_by_lab_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(LAB_FILE)

    with lab_for_tests(path) as lab:
        deliver(lab)
        assert [lab.maco.poll(connection).stored for connection in ("way-a", "way-b")] == [1, 1]
