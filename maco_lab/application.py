"""What an application on BTP finds: the credentials of its service binding, and its destinations. Pure.

Names and values are those of SAP's pages and of real bindings (facts, sections 1.3 and 1.6): every port is a string.
Everything here holds credentials on purpose, so it goes to the lab's owner alone.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from connector_sim.cloud.settings import OauthClient
from maco_wire.observation import Address

if TYPE_CHECKING:
    from maco_lab.lab_model import LabModel

HTTP_PROXY_PORT = "20003"
RFC_AND_LDAP_PORT = "20001"
"""Where the product's HTTP proxy and that of RFC and LDAP are. Nobody listens there in a lab: it carries mail."""

INSTANCE = "maco-lab-connectivity"


def service_credentials(client: OauthClient, proxy: Address, token_url: str) -> dict[str, str]:
    """Return ``credentials`` of a client's binding to the Connectivity service."""
    host, port = proxy
    domain = urllib.parse.urlsplit(token_url).hostname or ""
    return {
        "clientid": client.client_id,
        "clientsecret": client.client_secret,
        "credential-type": "instance-secret",
        "identityzone": client.subaccount,
        "onpremise_proxy_host": host,
        "onpremise_proxy_http_port": HTTP_PROXY_PORT,
        "onpremise_proxy_ldap_port": RFC_AND_LDAP_PORT,
        "onpremise_proxy_port": HTTP_PROXY_PORT,
        "onpremise_proxy_rfc_port": RFC_AND_LDAP_PORT,
        "onpremise_socks5_proxy_port": str(port),
        "tenantid": client.subaccount,
        "tenantmode": "dedicated",
        "token_service_domain": domain,
        "token_service_url": token_url,
        "uaadomain": domain,
        "url": token_url,
        "xsappname": client.client_id,
    }


def vcap_services(credentials: Mapping[str, str]) -> dict[str, Any]:
    """Return ``VCAP_SERVICES`` with one binding: label, plan and tags as SAP's page has them."""
    binding = {
        "label": "connectivity",
        "plan": "lite",
        "name": INSTANCE,
        "instance_name": INSTANCE,
        "binding_name": None,
        "tags": ["connectivity", "conn", "connsvc"],
        "credentials": dict(credentials),
        "syslog_drain_url": None,
        "volume_mounts": [],
    }
    return {"connectivity": [binding]}


def destinations(model: LabModel, subaccount: str) -> list[dict[str, str]]:
    """Return the destinations of a subaccount: MAIL for each e-mail connection with a password, TCP for each mapping.

    Every value is a string, as in an exported destination.
    """
    mail = _mail_destinations(model) if _subaccount_of_maco(model) == subaccount else ()
    return [*mail, *_tcp_destinations(model, subaccount)]


def environment_answer(model: LabModel, addresses: Mapping[str, Address], client_id: str) -> dict[str, Any]:
    """Return a running lab's answer to the command ``environment``; without a client it is that of MaCo."""
    from maco_lab.lab_checks import oauth_client
    from maco_lab.parties import token_service_url

    wanted = client_id or model.maco.client
    found = next((each for each in model.cloud.clients if each.client_id == wanted), None)
    if found is None:
        known = ", ".join(repr(each.client_id) for each in model.cloud.clients)
        return {"ok": False, "error": f"--client: found {wanted!r}, allowed: {known}"}
    client = oauth_client(found)
    credentials = service_credentials(client, addresses["socks5"], token_service_url(model.cloud, addresses["token"]))
    return {"ok": True, "credentials": credentials, "destinations": destinations(model, client.subaccount)}


def _subaccount_of_maco(model: LabModel) -> str:
    return next(each.subaccount for each in model.cloud.clients if each.client_id == model.maco.client)


def _mail_destinations(model: LabModel) -> Iterator[dict[str, str]]:
    servers = {server.name: server for server in model.maco.email_servers}
    credentials = {each.name: each for each in model.maco.credentials}
    for connection in model.maco.email_connections:
        server, credential = servers[connection.server], credentials[connection.credential]
        if not credential.password.get_secret_value():  # it has an access token instead, which no destination holds
            continue
        host, _, port = server.address.rpartition(":")
        destination = {
            "Name": connection.name,
            "Type": "MAIL",
            "ProxyType": server.proxy_type.replace("-", ""),
            "Authentication": "BasicAuthentication",
            "mail.user": credential.user,
            "mail.password": credential.password.get_secret_value(),
            "mail.transport.protocol": "imap4",
            "mail.imap4.host": host,
            "mail.imap4.port": port,
            "mail.imap4.auth": "true",
        }
        yield destination | _location(server.location_id)


def _tcp_destinations(model: LabModel, subaccount: str) -> Iterator[dict[str, str]]:
    for connector in model.cloud_connectors:
        for inner in connector.subaccounts:
            for mapping in inner.mappings if inner.subaccount == subaccount else ():
                host, ports = mapping.virtual
                destination = {
                    "Name": f"{host}-{ports.first}",
                    "Type": "TCP",
                    "ProxyType": "OnPremise",
                    "Address": f"tcp://{host}:{ports.first}",
                }
                yield destination | _location(inner.location_id)


def _location(location_id: str) -> dict[str, str]:
    return {"CloudConnectorLocationId": location_id} if location_id else {}
