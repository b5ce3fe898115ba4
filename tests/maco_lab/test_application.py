"""What an application on BTP finds: a binding as real ones are, and tokens with claims of the lab file's choice."""

from __future__ import annotations

from typing import Any

import pytest

from connector_sim.cloud.tokens import TokenRefusal
from maco_lab.application import environment_answer
from maco_lab.lab_file import LabFileError
from maco_lab.testing.lab import Lab
from maco_lab.testing.settings import lab_text
from maco_wire.observation import Party, TokenRefused
from tests.connector_sim.admin.traffic import connection

NO_CONNECTOR = 0x03


def two_clients(data: dict[str, Any]) -> None:
    data["subaccounts"].append("netzbetreiber")
    other = {
        "client_id": "other",
        "client_secret": "secret-of-other",
        "subaccount": "stadtwerke",
        "claims": {"zid": "netzbetreiber", "scope": ["uaa.resource"]},
    }
    bad = {"client_id": "bad", "client_secret": "s", "subaccount": "stadtwerke", "token_defect": "wrong_audience"}
    data["cloud"]["clients"] += [other, bad]


CLIENTS = pytest.mark.maco_lab(change=two_clients)


def environment_of(lab: Lab, client_id: str = "") -> dict[str, Any]:
    return environment_answer(lab.running.file.model, lab.addresses, client_id)


def test_the_credentials_are_those_of_a_binding_with_every_port_as_a_string(maco_lab: Lab) -> None:
    host, port = maco_lab.addresses["socks5"]
    url = maco_lab.running.cloud.token_url

    # facts, section 1.3
    assert maco_lab.service_binding == {
        "clientid": "maco",
        "clientsecret": "lab-secret-of-maco",
        "credential-type": "instance-secret",
        "identityzone": "stadtwerke",
        "onpremise_proxy_host": host,
        "onpremise_proxy_http_port": "20003",
        "onpremise_proxy_ldap_port": "20001",
        "onpremise_proxy_port": "20003",
        "onpremise_proxy_rfc_port": "20001",
        "onpremise_socks5_proxy_port": str(port),
        "tenantid": "stadtwerke",
        "tenantmode": "dedicated",
        "token_service_domain": "127.0.0.1",
        "token_service_url": url,
        "uaadomain": "127.0.0.1",
        "url": url,
        "xsappname": "maco",
    }
    (binding,) = maco_lab.vcap_services["connectivity"]
    assert (binding["label"], binding["plan"], binding["tags"]) == (
        "connectivity",
        "lite",
        ["connectivity", "conn", "connsvc"],
    )
    assert binding["credentials"] == environment_of(maco_lab)["credentials"] == maco_lab.service_binding


def test_destinations_are_mail_for_each_connection_and_tcp_for_each_mapping(maco_lab: Lab) -> None:
    found = environment_of(maco_lab)["destinations"]

    # facts, section 1.6
    assert found[0] == {
        "Name": "way-a",
        "Type": "MAIL",
        "ProxyType": "OnPremise",
        "Authentication": "BasicAuthentication",
        "mail.user": "strom@stadtwerke.example",
        "mail.password": "Strom4711Postfach",
        "mail.transport.protocol": "imap4",
        "mail.imap4.host": "mail.stadtwerke.example",
        "mail.imap4.port": "143",
        "mail.imap4.auth": "true",
        "CloudConnectorLocationId": "WERK1",
    }
    assert found[3] == {
        "Name": "mailbox.virtual-993",
        "Type": "TCP",
        "ProxyType": "OnPremise",
        "Address": "tcp://mailbox.virtual:993",
        "CloudConnectorLocationId": "WERK1",
    }
    assert [each["Type"] for each in found] == ["MAIL", "MAIL", "TCP", "TCP", "TCP", "TCP"]


@CLIENTS
def test_another_client_gets_its_own(maco_lab: Lab) -> None:
    answer = environment_of(maco_lab, "other")

    assert (answer["credentials"]["clientid"], answer["credentials"]["tenantid"]) == ("other", "stadtwerke")
    refusal = "--client: found 'nobody', allowed: 'maco', 'other', 'bad'"
    assert environment_of(maco_lab, "nobody") == {"ok": False, "error": refusal}


@CLIENTS
def test_the_claims_of_a_client_decide_where_its_connections_go(maco_lab: Lab) -> None:
    with connection(maco_lab, client_id="maco") as opened:
        assert opened.reply == 0
    with connection(maco_lab, client_id="other") as refused:  # its subaccount has no Cloud Connector
        assert refused.reply == NO_CONNECTOR


@CLIENTS
def test_a_client_may_have_bad_tokens_alone(maco_lab: Lab) -> None:
    with pytest.raises(AssertionError, match="AuthenticationRefused"), connection(maco_lab, client_id="bad"):
        pass
    reason = "aud does not contain 'connectivity'"
    maco_lab.journal.wait_for(TokenRefused, Party.CONNECTIVITY, reason=reason)


def test_a_test_asks_for_a_token_by_its_defect_and_its_claims(maco_lab: Lab) -> None:
    assert maco_lab.running.cloud.tokens.verify(maco_lab.token(claims={"scope": []})).client_id == "maco"
    with pytest.raises(TokenRefusal, match=r"expired 36\d\d s ago"):
        maco_lab.running.cloud.tokens.verify(maco_lab.token(defect="expired"))
    with pytest.raises(ValueError, match="'broken' is not a valid TokenDefect"):
        maco_lab.token(defect="broken")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"token_defect": "broken"}, "expired"),
        ({"claims": ["a"]}, "claims"),
        ({"claims": {"a": "x" * 9000}}, "found 9009 bytes as JSON, allowed: 8192"),
    ],
)
def test_claims_and_defects_that_cannot_be_are_errors_of_the_lab_file(wrong: dict[str, Any], told: str) -> None:
    def change(data: dict[str, Any]) -> None:
        data["cloud"]["clients"][0].update(wrong)

    with pytest.raises(LabFileError, match=told):
        lab_text(change).parsed()
