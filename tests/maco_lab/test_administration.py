"""Who is administered where, from the lab file to processes and real clients."""

from __future__ import annotations

import copy
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from maco_lab.lab_file import LabFileError, default_text, parse_lab
from maco_lab.testing.lab import Lab
from maco_lab.testing.settings import lab_text
from tests.connector_sim.admin.client import AdminClient
from tests.programs import require_program

VERSION = "/api/v1/connector/version"
OWN = "/api/v1/configuration/subaccounts/lab.example/stadtwerke"


def two_connectors(data: dict[str, Any]) -> None:
    first = data["cloud_connectors"][0]
    data["cloud_connectors"].append({**copy.deepcopy(first), "name": "other"})
    data["cloud_connectors"][1]["subaccounts"][0]["location_id"] = "WERK2"


def test_the_first_connector_has_the_products_port_and_every_other_a_free_one() -> None:
    model = lab_text(None, two_connectors).parsed().model

    ports = [keys.port for each in model.cloud_connectors if (keys := model.administration_of(each))]
    assert ports == [8443, 0]


@pytest.mark.maco_lab(change=two_connectors)
def test_each_connector_is_administered_by_itself(maco_lab: Lab) -> None:
    clients = [AdminClient(each.administration_url) for each in maco_lab.cloud_connectors.values()]

    assert [each.get(OWN).json["locationID"] for each in clients] == ["WERK1", "WERK2"]


def no_key(data: dict[str, Any]) -> None:
    del data["cloud_connectors"][0]["administration"]


@pytest.mark.maco_lab(change=no_key)
def test_without_a_key_the_initial_password_must_be_changed_as_in_the_product(maco_lab: Lab) -> None:
    assert AdminClient(maco_lab.cloud_connector.administration_url).get(VERSION).status == 403


def not_administered(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["administration"]["serve"] = False


@pytest.mark.maco_lab(change=not_administered)
def test_an_administration_may_be_switched_off(maco_lab: Lab) -> None:
    assert dict(maco_lab.running.administered_at) == {}
    with pytest.raises(LookupError, match="Cloud Connector scc has no administration in the settings"):
        _ = maco_lab.cloud_connector.administration_url


def pair(data: dict[str, Any]) -> None:
    times = {"check_interval_s": 0.1, "takeover_delay_s": 0.1}
    data["cloud_connectors"][0]["high_availability"] = {"master_port": 0, "shadow_port": 0, **times}


@pytest.mark.maco_lab(change=pair)
def test_one_that_has_become_a_shadow_takes_no_changes(maco_lab: Lab) -> None:
    admin = AdminClient(maco_lab.cloud_connector.administration_url)
    role = "/api/v1/configuration/connector/haRole"
    assert (admin.get(role).text, admin.call("PUT", OWN, {"description": "x"}).status) == ('"master"', 200)

    maco_lab.cloud_connector.switch_roles()

    assert admin.get(role).text == '"shadow"'
    refusal = (403, "FORBIDDEN_REQUEST", "This is a shadow: change the master")
    assert admin.call("PUT", OWN, {"description": "y"}).refusal == refusal
    assert admin.call("GET", "/exposed?action=ensureMasterRole").refusal == (409, "ILLEGAL_STATE", "This is a shadow")
    assert admin.call("GET", "/exposed?action=hasMasterRole").text == "false"


WRONG = [
    ({"port": 20004}, "administration.port: port 20004 is that of cloud.socks5_port already"),
    ({"password": ""}, "administration.password: found nothing, allowed: a password"),
    (
        {"users": [{"user": "Administrator", "password": "x", "roles": ["sccadmin"]}]},
        "administration.users: 'Administrator' is there twice",
    ),
    (
        {"users": [{"user": "a:b", "password": "x", "roles": ["sccadmin"]}]},
        "administration.users: a name must not be empty and must have no colon (RFC 7617, section 2)",
    ),
]


@pytest.mark.parametrize(("keys", "text"), WRONG)
def test_keys_that_cannot_be_are_told(keys: dict[str, Any], text: str) -> None:
    def change(data: dict[str, Any]) -> None:
        data["cloud_connectors"][0]["administration"] = keys

    with pytest.raises(LabFileError) as caught:
        lab_text(None, change).parsed()
    assert str(caught.value).endswith(f"cloud_connectors[0].{text}")


def test_a_cloud_user_of_a_subaccount_that_is_none_is_told() -> None:
    text = default_text().replace("password: Cloud4711Admin", "password: Cloud4711Admin\n      subaccounts: [netz]")

    with pytest.raises(LabFileError, match=r"cloud.users\[0\].subaccounts\[0\]: found 'netz', allowed: 'stadtwerke'"):
        parse_lab(text, name="lab.yaml", folder=Path())


@pytest.mark.real
def test_curl_maps_a_system_and_reads_it_back(maco_lab: Lab, tmp_path: Path) -> None:
    curl, url = require_program("curl"), maco_lab.cloud_connector.administration_url
    host, _, port = url.removeprefix("https://").rpartition(":")
    (tmp_path / "ui.pem").write_text(ssl.get_server_certificate((host, int(port))))
    mapping = (
        '{"virtualHost": "a.virtual", "virtualPort": "143", "localHost": "mail.stadtwerke.example", '
        '"localPort": "143", "protocol": "TCP", "backendType": "nonSAPsys", "authenticationMode": "NONE"}'
    )
    asked = [curl, "-sS", "--cacert", str(tmp_path / "ui.pem"), "-u", "Administrator:manage", "--compressed"]

    added = subprocess.run(
        [*asked, "-i", "-H", "Content-Type: application/json", "-d", mapping, f"{url}{OWN}/systemMappings"],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    listed = subprocess.run([*asked, f"{url}{OWN}"], capture_output=True, text=True, check=True, timeout=30)

    assert added.stdout.startswith("HTTP/1.1 201")
    assert f"Location: {url}{OWN}/systemMappings/a.virtual:143" in added.stdout
    assert '"state":"Connected"' in listed.stdout
