"""Subaccounts: add with a signed certificate, update, connect and disconnect, renew, delete (SAP, "Subaccount")."""

from __future__ import annotations

import dataclasses
from typing import Any

from cryptography import x509

from connector_sim.admin.call import Call
from connector_sim.admin.certificate_shape import certificate_shape
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid
from connector_sim.admin.fields import Fields
from connector_sim.admin.replies import Reply, created, no_content, ok
from connector_sim.admin.roles import READ, WRITE, Role
from connector_sim.admin.subaccount_book import Description
from connector_sim.authentication_data import AuthenticationData
from connector_sim.on_premise.settings import SubaccountSettings
from connector_sim.signing import CloudLogin

PATH = "/api/v1/configuration/subaccounts"
ONE = PATH + "/{region_host}/{subaccount}"

NO_AUTHENTICATION_DATA = (
    "authenticationData: found none, allowed: what the lab's cloud handed out at /maco-lab/authentication_data "
    "of its token service"
)

_LINKS = (
    ("ABAPCloud-channels", "/channels/ABAPCloud"),
    ("HANA-channels", "/channels/HANA"),
    ("systemMappings", "/systemMappings"),
    ("self", ""),
    ("K8S-channels", "/channels/K8S"),
    ("validity", "/validity"),
    ("state", "/state"),
    ("VirtualMachine-channels", "/channels/VirtualMachine"),
    ("domainMappings", "/domainMappings"),
)
"""``_links`` in the recorded order."""


def tunnel_shape(call: Call, subaccount: str) -> dict[str, Any]:
    """Return the state of a tunnel, as a subaccount and the monitoring show it."""
    connector, book = call.installation.connector, call.installation.subaccounts
    tunnel = connector.tunnels[subaccount]
    return {
        "state": tunnel.state,
        "connectedSinceTimeStamp": tunnel.connected_since_ms,
        "connections": connector.usage.open_connections(subaccount),
        "applicationConnections": [],
        "serviceChannels": [],
        "subaccountCertificate": certificate_shape(x509.load_der_x509_certificate(book.certificate(subaccount).der)),
        "user": book.details(subaccount).user,
    }


def _list(call: Call) -> Reply:
    installation = call.installation
    return ok([_element(call, name) for name in installation.subaccounts.names()], varies=True)


def _get(call: Call) -> Reply:
    return ok(_entity(call, *named(call)), varies=True)


async def _add(call: Call) -> Reply:
    """Add what is named, or what authentication data is for, which overrides the rest (SAP, "Subaccount")."""
    fields = call.fields()
    if data := _authentication_data(fields):
        region_host, subaccount, login = data.region_host, data.subaccount, _login(fields, data)
    else:
        region_host, subaccount = fields.text("regionHost"), fields.text("subaccount")
        login = CloudLogin(fields.text("cloudUser"), fields.text("cloudPassword"))
    settings = SubaccountSettings(subaccount, fields.text("locationID", ""))
    described = Description(
        fields.text("displayName", "") or subaccount,
        fields.text("description", ""),
        auto_cert_renewal=fields.flag("autoCertRenewal", default=False),
        is_managed=fields.flag("isManaged", default=False),
    )
    await call.installation.subaccounts.add(region_host, settings, described, login)
    location = f"{call.base}{PATH}/{region_host}/{subaccount}"
    return created(location, _entity(call, region_host, subaccount), varies=True)


async def _update(call: Call) -> Reply:
    """Change what was sent; another location ID moves the tunnel at once ("absent = unchanged")."""
    region_host, subaccount = writable(call)
    fields = call.fields()
    installation = call.installation
    details = installation.subaccounts.details(subaccount)
    described = _changed(fields, details.described, subaccount)
    location_id = fields.text("locationID", installation.connector.location_id(subaccount))
    if location_id != installation.connector.location_id(subaccount):
        await installation.connector.change_location_id(subaccount, location_id)
    installation.subaccounts.set(subaccount, dataclasses.replace(details, described=described))
    return ok(_entity(call, region_host, subaccount), varies=True)


async def _delete(call: Call) -> Reply:
    _, subaccount = writable(call)
    call.installation.forget(subaccount)
    await call.installation.subaccounts.remove(subaccount)
    return no_content()


async def _connect(call: Call) -> Reply:
    """Connect or disconnect; the next GET shows what came of it (recorded)."""
    _, subaccount = writable(call)
    book = call.installation.subaccounts
    await (book.connect(subaccount) if call.fields().flag("connected") else book.disconnect(subaccount))
    return no_content()


async def _renew(call: Call) -> Reply:
    """Renew the certificate; SAP's page has {user, password}, its Kotlin sample {cloudUser, cloudPassword}."""
    region_host, subaccount = writable(call)
    fields = call.fields()
    if data := _authentication_data(fields):
        if data.region_host != region_host:
            raise Refused(ErrorType.BAD_REQUEST, f"The authentication data is for another region than {region_host}")
        if data.subaccount != subaccount:
            raise invalid(f"authenticationData: is for another subaccount than {subaccount}")
        login = _login(fields, data)
    else:
        user = fields.text("cloudUser" if "cloudUser" in fields else "user")
        login = CloudLogin(user, fields.text("cloudPassword" if "cloudPassword" in fields else "password"))
    await call.installation.subaccounts.renew(region_host, subaccount, login)
    return ok(_entity(call, region_host, subaccount), varies=True)


def _authentication_data(fields: Fields) -> AuthenticationData | None:
    """Return what the authentication data in a request says; None if it brings none. Raises Refused."""
    if "authenticationData" not in fields:
        return None
    data = AuthenticationData.read(fields.text("authenticationData").strip())
    if data is None:
        raise invalid(NO_AUTHENTICATION_DATA)
    return data


def _login(fields: Fields, data: AuthenticationData) -> CloudLogin:
    return CloudLogin(data.user, authentication_data=fields.text("authenticationData").strip())


def _synchronize_trust(call: Call) -> Reply:
    """Answer as recorded; there is no principal propagation here whose trust could be synchronized."""
    writable(call)
    return no_content()


def _trust(call: Call) -> Reply:
    _, subaccount = named(call)
    return ok({"autoSyncTrustEnabled": call.installation.subaccounts.details(subaccount).syncs_trust})


def _set_trust(call: Call) -> Reply:
    _, subaccount = writable(call)
    book = call.installation.subaccounts
    enabled = call.fields().flag("autoSyncTrustEnabled")
    book.set(subaccount, dataclasses.replace(book.details(subaccount), syncs_trust=enabled))
    return no_content()


def _corrupted(_: Call) -> Reply:
    return ok([])


def named(call: Call) -> tuple[str, str]:
    """Return the subaccount of the path, which must be there. Raises Refused."""
    region_host, subaccount = call.parameters["region_host"], call.parameters["subaccount"]
    call.installation.subaccounts.get(region_host, subaccount)
    return region_host, subaccount


def writable(call: Call) -> tuple[str, str]:
    """Return the same, for a change: a managed subaccount is the Administrator's alone. Raises Refused."""
    region_host, subaccount = named(call)
    _refuse_managed(call, subaccount)
    return region_host, subaccount


def _refuse_managed(call: Call, subaccount: str) -> None:
    """Let only an Administrator change a managed subaccount. Raises Refused."""
    is_managed = call.installation.subaccounts.details(subaccount).described.is_managed
    if is_managed and Role.ADMINISTRATOR not in call.roles:
        raise Refused(ErrorType.FORBIDDEN, "A managed subaccount may be changed by an Administrator only")


def _changed(fields: Fields, described: Description, subaccount: str) -> Description:
    """Return what was sent instead of what was; an empty display name means the subaccount's ID (recorded)."""
    return dataclasses.replace(
        described,
        display_name=fields.text("displayName", described.display_name) or subaccount,
        description=fields.text("description", described.description),
        auto_cert_renewal=fields.flag("autoCertRenewal", default=described.auto_cert_renewal),
    )


def _entity(call: Call, region_host: str, subaccount: str) -> dict[str, Any]:
    described = call.installation.subaccounts.details(subaccount).described
    # "description" is absent while it is empty (SAP, "Subaccount"); no recording says otherwise
    first = {"description": described.description} if described.description else {}
    return first | {
        "displayName": described.display_name,
        "autoCertRenewal": described.auto_cert_renewal,
        "tunnel": tunnel_shape(call, subaccount),
        "isManaged": described.is_managed,
        "_links": _links(call, subaccount),
        "regionHost": region_host,
        "subaccount": subaccount,
        "locationID": call.installation.connector.location_id(subaccount),
    }


def _element(call: Call, subaccount: str) -> dict[str, Any]:
    return {
        "_links": _links(call, subaccount),
        "regionHost": call.installation.subaccounts.region_host,
        "subaccount": subaccount,
        "locationID": call.installation.connector.location_id(subaccount),
    }


def _links(call: Call, subaccount: str) -> dict[str, Any]:
    own = f"{call.base}{PATH}/{call.installation.subaccounts.region_host}/{subaccount}"
    return {name: {"href": own + path} for name, path in _LINKS}


ENDPOINTS = (
    Endpoint("GET", PATH, READ, _list),
    Endpoint("POST", PATH, WRITE, _add, body="json"),
    Endpoint("GET", f"{PATH}/corrupted", READ, _corrupted, state="empty"),
    Endpoint("GET", ONE, READ, _get),
    Endpoint("PUT", ONE, WRITE, _update, body="json"),
    Endpoint("DELETE", ONE, WRITE, _delete),
    Endpoint("PUT", f"{ONE}/state", WRITE, _connect, body="json"),
    Endpoint("POST", f"{ONE}/validity", WRITE, _renew, body="json"),
    Endpoint("POST", f"{ONE}/trust", WRITE, _synchronize_trust, state="stored"),
    Endpoint("GET", f"{ONE}/trust", READ, _trust, state="stored"),
    Endpoint("PUT", f"{ONE}/trust", WRITE, _set_trust, body="json", state="stored"),
)
