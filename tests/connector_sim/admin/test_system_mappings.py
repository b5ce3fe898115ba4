"""System mappings by the API: whole answers as recorded, and what each change does to the next connection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from maco_lab.testing.lab import Lab
from maco_wire.observation import Party, StreamOpened
from tests.connector_sim.admin.client import FIRST, JSON, NO_STORE, AdminClient, compact, length
from tests.connector_sim.admin.settings import LAB, MAPPINGS
from tests.connector_sim.admin.traffic import MAIL_HOST, connection, reply

pytestmark = LAB

TCP = {
    "virtualHost": "new.virtual",
    "virtualPort": "143",
    "localHost": MAIL_HOST,
    "localPort": "143",
    "protocol": "TCP",
    "backendType": "nonSAPsys",
    "authenticationMode": "NONE",
}
NEW = f"{MAPPINGS}/new.virtual:143"
# As SAP's client sent it (facts, 5.4).
HTTP = {
    "authenticationMode": "KERBEROS",
    "backendType": "abapSys",
    "hostInHeader": "VIRTUAL",
    "localHost": "internal",
    "localPort": "900",
    "protocol": "HTTP",
    "virtualHost": "testterraform",
    "virtualPort": "900",
}
NO_MAPPING = 0x02


ORDER = (
    "virtualHost", "virtualPort", "localHost", "localPort", "creationDate", "protocol", "backendType", "hostInHeader",
    "sid", "totalResourcesCount", "enabledResourcesCount", "authenticationMode", "description", "allowedClients",
    "blacklistedUsers",
)  # fmt: skip


def shape(admin: AdminClient, found: Any, **fields: Any) -> dict[str, Any]:
    """Return a mapping in the recorded key order; the creation date is taken as found."""
    url = f"{admin.url}{MAPPINGS}/{fields['virtualHost']}:{fields['virtualPort']}"
    values = {
        "creationDate": found["creationDate"],
        "totalResourcesCount": 0,
        "enabledResourcesCount": 0,
        "allowedClients": [],
        "blacklistedUsers": [],
        **fields,
    }
    links = {"self": {"href": url}, "resources": {"href": f"{url}/resources"}}
    return {**{name: values[name] for name in ORDER if name in values}, "_links": links}


def whole(body: str) -> tuple[int, str, list[tuple[str, str]], str]:
    return 200, "", [*FIRST, NO_STORE, JSON, length(body)], body


def created(admin: AdminClient, path: str) -> tuple[int, str, list[tuple[str, str]], str]:
    return 201, "", [*FIRST, NO_STORE, ("Location", admin.url + path), ("Content-Length", "0")], ""


def test_the_mappings_of_the_lab_file_are_listed(admin: AdminClient) -> None:
    answer = admin.get(MAPPINGS)

    described = [
        (MAIL_HOST, "143", "143", "TCP", "IMAP, STARTTLS by MaCo"),
        ("mailbox.virtual", "993", "993", "TCPS", "IMAP, TLS by the Cloud Connector"),
        (MAIL_HOST, "993", "993", "TCP", "IMAP over TLS from end to end"),
        (MAIL_HOST, "587", "587", "TCP", "submission of mail, STARTTLS by the sender"),
    ]
    expected = [
        shape(
            admin,
            found,
            virtualHost=host,
            virtualPort=port,
            localHost=MAIL_HOST,
            localPort=local_port,
            protocol=protocol,
            backendType="nonSAPsys",
            authenticationMode="NONE",
            description=description,
        )
        for found, (host, port, local_port, protocol, description) in zip(answer.json, described, strict=True)
    ]
    assert answer.whole == whole(compact(expected))
    assert all(each["creationDate"].isdigit() for each in answer.json)


def test_a_mapping_that_is_posted_carries_traffic_at_once(maco_lab: Lab, admin: AdminClient) -> None:
    assert reply(maco_lab, "new.virtual") == NO_MAPPING

    answer = admin.call("POST", MAPPINGS, TCP)

    assert answer.whole == created(admin, NEW)
    with connection(maco_lab, "new.virtual") as opened:
        assert opened.greeting.startswith(b"* OK")
    shown = admin.get(NEW)
    assert shown.whole == whole(compact(shape(admin, shown.json, **TCP)))


def test_a_mapping_that_is_deleted_refuses_the_next_connection_and_keeps_those_that_are_open(
    maco_lab: Lab, admin: AdminClient
) -> None:
    with connection(maco_lab) as opened:
        assert admin.call("DELETE", f"{MAPPINGS}/{MAIL_HOST}:143").whole == (204, "", [*FIRST, NO_STORE], "")

        assert reply(maco_lab) == NO_MAPPING
        assert b"a OK" in opened.says(b"a NOOP")
    assert admin.get(f"{MAPPINGS}/{MAIL_HOST}:143").status == 404


def test_all_mappings_may_be_deleted_at_once(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, HTTP)

    assert admin.call("DELETE", MAPPINGS).whole == (204, "", [*FIRST, NO_STORE], "")
    assert admin.get(MAPPINGS).json == []
    assert reply(maco_lab) == NO_MAPPING


def test_put_switches_tcp_to_tcps_and_back(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, TCP)
    before = admin.get(NEW).json

    assert admin.call("PUT", NEW, {**TCP, "localPort": "993", "protocol": "TCPS"}).whole == (
        204,
        "",
        [*FIRST, NO_STORE],
        "",
    )
    with connection(maco_lab, "new.virtual") as opened:  # in clear to the cloud, TLS on premise
        assert b"a OK" in opened.says(b"a NOOP")
    assert admin.get(NEW).json == {**before, "localPort": "993", "protocol": "TCPS"}  # creationDate stays (recorded)

    assert admin.call("PUT", NEW, {"localPort": 143, "protocol": "TCP"}).status == 204
    assert admin.get(NEW).json == before
    assert reply(maco_lab, "new.virtual") == 0
    opened_as = [each.protocol for each in maco_lab.journal.of(StreamOpened, Party.CLOUD_CONNECTOR)]
    assert opened_as == ["TCPS", "TCP"]


def test_a_range_of_ports_is_mapped_with_its_offset(maco_lab: Lab, admin: AdminClient) -> None:
    ports = {"virtualPort": "1000-1010", "localPort": "138-148"}
    path = f"{MAPPINGS}/new.virtual:1000-1010"

    assert admin.call("POST", MAPPINGS, {**TCP, **ports}).whole == created(admin, path)
    with connection(maco_lab, "new.virtual", 1005) as opened:
        assert opened.greeting.startswith(b"* OK")
    shown = admin.get(path)
    assert shown.whole == whole(compact(shape(admin, shown.json, **{**TCP, **ports})))
    assert admin.get(f"{MAPPINGS}/new.virtual:1005").status == 404
    assert admin.call("DELETE", path).status == 204
    assert reply(maco_lab, "new.virtual", 1005) == NO_MAPPING


def test_a_mapping_of_another_protocol_is_kept_as_recorded_and_carries_nothing(
    maco_lab: Lab, admin: AdminClient
) -> None:
    path = f"{MAPPINGS}/testterraform:900"
    assert admin.call("POST", MAPPINGS, HTTP).whole == created(admin, path)

    shown = admin.get(path)
    assert shown.whole == whole(compact(shape(admin, shown.json, **HTTP)))
    assert reply(maco_lab, "testterraform", 900) == NO_MAPPING


def test_put_changes_a_mapping_as_recorded(admin: AdminClient) -> None:
    path = f"{MAPPINGS}/testterraform:900"
    admin.call("POST", MAPPINGS, HTTP)
    before = admin.get(path).json
    changes = {
        "protocol": "HTTPS",
        "backendType": "hana",
        "localHost": "updated",
        "localPort": "905",
        "hostInHeader": "INTERNAL",
        "authenticationMode": "X509_GENERAL",
    }

    assert admin.call("PUT", path, {**HTTP, **changes}).status == 204
    assert list(admin.get(path).json.items()) == list({**before, **changes}.items())


def test_texts_that_were_sent_are_shown_even_empty(admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, {**TCP, "sid": "", "description": ""})

    shown = admin.get(NEW)
    assert shown.text == compact(shape(admin, shown.json, **{**TCP, "sid": "", "description": ""}))


def test_a_tcp_mapping_may_become_one_that_carries_nothing(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, TCP)

    assert admin.call("PUT", NEW, {"protocol": "HTTP"}).status == 204
    assert reply(maco_lab, "new.virtual") == NO_MAPPING
    assert admin.call("PUT", NEW, {"protocol": "TCP"}).status == 204
    assert reply(maco_lab, "new.virtual") == 0


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"protocol": "UDP"}, 'protocol: found "UDP", allowed: HTTP, HTTPS, RFC, RFCS, LDAP, LDAPS, RFCWS, TCP, TCPS'),
    ({"virtualHost": "a b"}, "virtualHost: found 'a b', allowed: letters, digits, dots and hyphens"),
    ({"virtualHost": "a/b"}, "virtualHost: found 'a/b', allowed: letters, digits, dots and hyphens"),
    ({"localHost": ""}, 'localHost: found "", allowed: a string with text'),
    ({"virtualPort": "0"}, "virtualPort: found 0, allowed: 1 to 65535"),
    ({"virtualPort": "65536"}, "virtualPort: found 65536, allowed: ports from 1 to 65535"),
    ({"virtualPort": "x"}, "virtualPort: found 'x', allowed: a port as in 143, or a range as in 1000-1010"),
    ({"virtualPort": True}, "virtualPort: found true, allowed: a string with text"),
    (
        {"virtualPort": "10-20"},
        "localPort: found 143 (1 port), allowed: 11 ports, as many as virtual",
    ),
    ({"protocol": "HTTP", "virtualPort": "10-20"}, "virtualPort: port ranges are for TCP and TCPS only"),
    (
        {"backendType": "PI"},
        "backendType: found 'PI', allowed for TCP: abapSys, hana, netweaverGW, otherSAPsys, nonSAPsys",
    ),
    ({"authenticationMode": "KERBEROS"}, 'authenticationMode: found "KERBEROS", allowed: NONE'),
    ({"description": 1}, "description: found 1, allowed: a string"),
    ({"allowedClients": "x"}, 'allowedClients: found "x", allowed: a list of printable strings'),
    ({"blacklistedUsers": ["a\0"]}, "blacklistedUsers: found a list, allowed: a list of printable strings"),
]


def test_a_mapping_that_cannot_be_is_refused_and_nothing_changes(admin: AdminClient) -> None:
    before = admin.get(MAPPINGS).text

    found = [admin.call("POST", MAPPINGS, {**TCP, **wrong}).refusal for wrong, _ in REFUSED]

    assert found == [(400, "INVALID_REQUEST", message) for _, message in REFUSED]
    assert admin.get(MAPPINGS).text == before


def test_a_field_that_must_be_there_is_named(admin: AdminClient) -> None:
    names = ["virtualHost", "virtualPort", "localHost", "localPort", "protocol", "backendType"]

    found = []
    for name in names:
        status, kind, message = admin.call("POST", MAPPINGS, {k: v for k, v in TCP.items() if k != name}).refusal
        found.append((status, kind, message.partition(":")[0]))
    assert found == [(400, "INVALID_REQUEST", name) for name in names]


TAKEN = [
    (TCP, TCP),
    (TCP, {**TCP, "virtualHost": "NEW.virtual"}),
    (TCP, {**TCP, "virtualPort": "140-150", "localPort": "140-150"}),
    (TCP, {**HTTP, "virtualHost": "new.virtual", "virtualPort": "143"}),
    (HTTP, HTTP),
    (HTTP, {**TCP, "virtualHost": "testterraform", "virtualPort": "900"}),
    (HTTP, {**TCP, "virtualHost": "testterraform", "virtualPort": "890-900", "localPort": "890-900"}),
]


def test_a_virtual_port_belongs_to_one_mapping(admin: AdminClient) -> None:
    for first, second in TAKEN:
        admin.call("DELETE", MAPPINGS)
        assert admin.call("POST", MAPPINGS, first).status == 201
        before = admin.get(MAPPINGS).text

        status, kind, message = admin.call("POST", MAPPINGS, second).refusal
        assert (status, kind) == (409, "INVALID_CONFIGURATION")
        assert "belongs to one mapping" in message or "mapped twice" in message
        assert admin.get(MAPPINGS).text == before


@pytest.mark.parametrize("sent", [{"virtualHost": "other"}, {"virtualPort": "144"}])
def test_put_changes_no_virtual_host_and_no_virtual_port(admin: AdminClient, sent: dict[str, str]) -> None:
    admin.call("POST", MAPPINGS, TCP)

    message = f"{next(iter(sent))}: Protocol as well as virtual host and port cannot be changed"
    assert admin.call("PUT", NEW, sent).refusal == (400, "INVALID_REQUEST", message)


def test_a_mapping_that_is_not_there_is_not_found(admin: AdminClient) -> None:
    for virtual in ("new.virtual:143", "new.virtual", "new.virtual:", ":143", "new.virtual:x", "%3A"):
        refusal = (404, "NOT_FOUND", f"System mapping with value '{virtual.replace('%3A', ':')}' does not exist")
        for method, content in (("GET", None), ("PUT", {}), ("DELETE", None)):
            assert admin.call(method, f"{MAPPINGS}/{virtual}", content).refusal == refusal


def test_a_mapping_exposed_in_another_way_is_shown_too(maco_lab: Lab, admin: AdminClient) -> None:
    maco_lab.cloud_connector.expose("new.virtual:143", f"{MAIL_HOST}:143")

    fields = {**TCP, "virtualHost": "new.virtual"}
    shown = admin.get(NEW)
    assert shown.text == compact(shape(admin, shown.json, **fields))


def test_text_that_cannot_be_written_in_utf8_is_refused_in_lists_too(admin: AdminClient) -> None:
    """JSON can escape half a character; one that was taken would break every list that shows it."""
    body = json.dumps({**TCP, "allowedClients": ["\ud800"]}).encode()
    answer = admin.call("POST", MAPPINGS, headers={"Content-Type": "application/json"}, body=body)

    assert answer.refusal == (
        400,
        "INVALID_REQUEST",
        "allowedClients: found a list, allowed: a list of printable strings",
    )
    assert admin.get(MAPPINGS).status == 200
