"""What was configured by the API is there after a restart, acts as before, and outlives certificates and lab files."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from certs.cast import Cast
from certs.profile import Validity
from connector_sim.admin.store import StoreError
from maco_lab.state import StateFolder
from maco_lab.testing.lab import Lab, new_authority
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.everything import everything
from tests.connector_sim.admin.good_bodies import CHANNELS, PATTERN_RULE, PATTERN_RULES
from tests.connector_sim.admin.settings import CONFIGURED, MAPPINGS, NEW, OWN, REGION, SUBACCOUNTS, TO_ADD
from tests.connector_sim.admin.traffic import reply
from tests.maco_lab.kept import admin_of, administered_file, kept_lab

ADDED = f"{SUBACCOUNTS}/{REGION}/{TO_ADD}"
CONNECTOR = "/api/v1/configuration/connector"
TRUST = f"{CONNECTOR}/onPremises/truststore"
SYSTEM = f"{CONNECTOR}/onPremises/systemCertificate"
MAIL = {
    "virtualHost": "added.virtual", "virtualPort": "143", "localHost": "mail.stadtwerke.example", "localPort": "143",
    "protocol": "TCP", "backendType": "nonSAPsys", "authenticationMode": "NONE", "description": "",
}  # fmt: skip
HTTP = {**MAIL, "virtualHost": "web.virtual", "virtualPort": "80", "protocol": "HTTP", "sid": "ABC"}


@pytest.fixture(scope="module")
def authority() -> Cast:
    """Return the certificates of every lab of this module."""
    return new_authority()


def shown(admin: AdminClient) -> dict[str, Any]:
    with admin.reading() as get:
        return everything(get)


def soon_shown(admin: AdminClient, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown once it is what is wanted, or at last: a tunnel that was cut takes a moment to be back."""
    end = time.monotonic() + 10
    while (found := shown(admin)) != wanted and time.monotonic() < end:
        pass
    return found


def done(admin: AdminClient, *calls: tuple[str, str, object]) -> None:
    for method, path, content in calls:
        answer = admin.call(method, path, content)
        assert answer.status in {200, 201, 204}, (method, path, answer.text)


def configure(admin: AdminClient, authority: Cast) -> None:
    """Change something of everything."""
    done(
        admin,
        ("POST", SUBACCOUNTS, {**NEW, "locationID": "NETZ", "displayName": "Netz", "description": "d"}),
        ("POST", f"{ADDED}/systemMappings", MAIL),
        ("PUT", f"{ADDED}/trust", {"autoSyncTrustEnabled": True}),
        ("POST", MAPPINGS, HTTP),
        ("POST", f"{MAPPINGS}/web.virtual:80/resources", {"id": "/a-b+c", "enabled": True}),
        ("DELETE", f"{MAPPINGS}/mail.stadtwerke.example:587", None),
        ("PUT", f"{MAPPINGS}/mailbox.virtual:993", {"description": "changed"}),
        ("POST", f"{OWN}/domainMappings", {"virtualDomain": "a.virtual", "internalDomain": "a.internal"}),
        *(("POST", f"{OWN}/channels/{kind}", each) for kind, each in CHANNELS.items()),
        ("DELETE", f"{OWN}/channels/K8S/5", None),
        ("POST", PATTERN_RULES, PATTERN_RULE),
        ("PATCH", f"{CONNECTOR}/auditLog", {"level": "ALL"}),
        ("PATCH", f"{CONNECTOR}/logAndTrace/subaccounts/{REGION}/{CONFIGURED}", {"trafficTrace": True}),
        ("PUT", f"{CONNECTOR}/proxy", {"host": "proxy", "port": 8080, "user": "u", "password": "p"}),
        ("PUT", CONNECTOR, {"description": "ours"}),
        ("POST", SYSTEM, {"type": "selfsigned", "subjectDN": "CN=new", "keySize": 2048}),
    )
    unknown = authority.unknown_root_certificate.public_bytes(Encoding.PEM)
    assert admin.upload("POST", f"{TRUST}/certificates", certificate=unknown).status == 201


@pytest.mark.slow
def test_everything_is_there_after_a_restart(tmp_path: Path, authority: Cast) -> None:
    file = administered_file()
    with kept_lab(file, tmp_path, authority) as lab:
        configure(admin_of(lab), authority)
        before = shown(admin_of(lab))

    with kept_lab(file, tmp_path, authority) as lab:
        assert shown(admin_of(lab)) == before
        done(admin_of(lab), ("DELETE", MAPPINGS, None), ("DELETE", ADDED, None))
        later = shown(admin_of(lab))

    with kept_lab(file, tmp_path, authority) as lab:
        assert shown(admin_of(lab)) == later


@pytest.mark.slow
def test_it_acts_after_a_restart(tmp_path: Path, authority: Cast) -> None:
    file = administered_file()
    with kept_lab(file, tmp_path, authority) as lab:
        configure(admin_of(lab), authority)
        done(
            admin_of(lab), ("PUT", ADDED, {"locationID": "WERK1"}), ("DELETE", f"{MAPPINGS}/mailbox.virtual:993", None)
        )

    with kept_lab(file, tmp_path, authority) as lab:
        assert reply(lab, "added.virtual", client_id="other") == 0
        assert reply(lab, "mailbox.virtual", 993) == 2
        assert lab.maco.poll("way-a").succeeded


def test_a_disconnected_tunnel_stays_disconnected_and_the_start_does_not_wait_for_it(
    tmp_path: Path, authority: Cast
) -> None:
    file = administered_file()
    with kept_lab(file, tmp_path, authority) as lab:
        done(admin_of(lab), ("PUT", f"{OWN}/state", {"connected": False}))

    with kept_lab(file, tmp_path, authority) as lab:
        assert admin_of(lab).get(OWN).json["tunnel"]["state"] == "Disconnected"
        done(admin_of(lab), ("PUT", f"{OWN}/state", {"connected": True}))
        assert admin_of(lab).get(OWN).json["tunnel"]["state"] == "Connected"


def test_the_password_is_the_new_one(tmp_path: Path, authority: Cast) -> None:
    file = administered_file()
    change = {"oldPassword": "manage", "newPassword": "Other4711"}
    with kept_lab(file, tmp_path, authority) as lab:
        done(admin_of(lab), ("PUT", f"{CONNECTOR}/authentication/basic", change))

    with kept_lab(file, tmp_path, authority) as lab:
        admin = admin_of(lab)
        assert admin.get(OWN).status == 401
        assert admin.as_user("Administrator", "Other4711").get(OWN).status == 200


def test_clients_see_the_same_certificate_of_the_administration(tmp_path: Path, authority: Cast) -> None:
    path, seen = f"{CONNECTOR}/ui/uiCertificate", []
    for _ in range(2):
        with kept_lab(administered_file(), tmp_path, authority) as lab:
            seen.append(admin_of(lab).get(path, Accept="application/pkix-cert").body)

    assert seen[0] == seen[1]


@pytest.mark.slow
def test_a_signing_request_is_answered_after_a_restart(tmp_path: Path, authority: Cast) -> None:
    file = administered_file()
    with kept_lab(file, tmp_path, authority) as lab:
        asked = admin_of(lab).call("POST", SYSTEM, {"type": "csr", "subjectDN": "CN=csr", "keySize": 2048})
    key = x509.load_pem_x509_csr(asked.body).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    now = dt.datetime.now(dt.UTC)
    validity = Validity(now, now + dt.timedelta(days=30))
    signed = authority.connector_ca.certify(key, "csr", validity, usage="client")

    with kept_lab(file, tmp_path, authority) as lab:
        assert admin_of(lab).upload("PATCH", SYSTEM, signedCertificate=signed).status == 201


@pytest.mark.slow
def test_certificates_of_the_lab_are_new_ones_where_the_lab_has_new_ones(tmp_path: Path, authority: Cast) -> None:
    """The trust store has "root", whatever that is; the tunnel of an added subaccount comes up all the same."""
    file = administered_file()
    with kept_lab(file, tmp_path, authority) as lab:
        configure(admin_of(lab), authority)
        done(admin_of(lab), ("DELETE", SYSTEM, None))

    with kept_lab(file, tmp_path, new_authority()) as lab:
        assert lab.maco.poll("way-b").succeeded
        assert admin_of(lab).get(ADDED).json["tunnel"]["state"] == "Connected"


def other_mapping(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["subaccounts"][0]["mappings"].pop()


def other_password(data: dict[str, Any]) -> None:
    data["cloud_connectors"][0]["administration"]["password"] = "Other4711"


def other_mail_server(data: dict[str, Any]) -> None:
    data["mail_server"]["accounts"].append({"user": "new", "password": "secret-of-new"})
    data["cloud_connectors"][0]["connect_timeout_s"] = 5
    data["cloud_connectors"][0]["administration"]["port"] = 18443


@pytest.mark.parametrize("change", [other_mapping, other_password])
@pytest.mark.slow
def test_a_lab_file_that_has_changed_is_told_and_what_is_kept_counts(
    tmp_path: Path, authority: Cast, change: Any
) -> None:
    told: list[str] = []
    with kept_lab(administered_file(), tmp_path, authority, told) as lab:
        before = shown(admin_of(lab))
    assert told == []

    with kept_lab(administered_file(change), tmp_path, authority, told) as lab:
        assert shown(admin_of(lab)) == before

    path = StateFolder(tmp_path).configuration
    text = f"its part of the lab file has changed, but what is kept in {path} counts; remove that file to begin with"
    assert told == [f"Cloud Connector scc: {text} the lab file again"]


def test_what_the_api_does_not_configure_is_taken_from_the_lab_file(tmp_path: Path, authority: Cast) -> None:
    told: list[str] = []
    with kept_lab(administered_file(), tmp_path, authority, told):
        pass
    with kept_lab(administered_file(other_mail_server), tmp_path, authority, told) as lab:
        assert lab.running.connectors["scc"].settings.connect_s == 5

    assert told == []


def two_connectors(data: dict[str, Any]) -> None:
    data["cloud_connectors"].append({**copy.deepcopy(data["cloud_connectors"][0]), "name": "other"})
    data["cloud_connectors"][1]["subaccounts"][0]["location_id"] = "WERK2"


@pytest.mark.slow
def test_a_connector_that_is_new_in_the_lab_file_begins_with_it(tmp_path: Path, authority: Cast) -> None:
    with kept_lab(administered_file(), tmp_path, authority) as lab:
        done(admin_of(lab), ("PUT", OWN, {"description": "first"}))

    with kept_lab(administered_file(two_connectors), tmp_path, authority) as lab:
        first, other = (AdminClient(each.administration_url) for each in lab.cloud_connectors.values())
        assert first.get(OWN).json["description"] == "first"
        assert other.get(OWN).json["locationID"] == "WERK2"
        done(other, ("PUT", OWN, {"description": "second"}))

    with kept_lab(administered_file(two_connectors), tmp_path, authority) as lab:
        clients = [AdminClient(each.administration_url) for each in lab.cloud_connectors.values()]
        assert [each.get(OWN).json["description"] for each in clients] == ["first", "second"]


def pair(data: dict[str, Any]) -> None:
    times = {"check_interval_s": 0.1, "takeover_delay_s": 0.1}
    data["cloud_connectors"][0]["high_availability"] = {"master_port": 0, "shadow_port": 0, **times}


@pytest.mark.slow
def test_a_pair_is_told_once_which_shadow_may_bind_and_how_to_watch(tmp_path: Path, authority: Cast) -> None:
    ha = f"{CONNECTOR}/ha"
    times = {
        "checkIntervalInSeconds": 1, "takeoverDelayInSeconds": 3, "connectTimeoutInMillis": 900,
        "requestTimeoutInMillis": 7000,
    }  # fmt: skip
    with kept_lab(administered_file(pair), tmp_path, authority) as lab:
        admin = admin_of(lab)
        done(
            admin,
            ("PUT", f"{ha}/master/config", {"allowedShadowHost": "127.0.0.1"}),
            ("POST", f"{ha}/master/state", {"op": "SWITCH"}),
            ("PUT", f"{ha}/shadow/config", times),
        )

    with kept_lab(administered_file(pair), tmp_path, authority) as lab:
        admin, node = admin_of(lab), lab.running.nodes["scc"]
        assert admin.get(f"{ha}/master/config").json["allowedShadowHost"] == "127.0.0.1"
        assert (node.settings.check_interval_s, node.settings.takeover_delay_s) == (1, 3)
        assert (node.settings.connect_timeout_ms, node.settings.request_timeout_ms) == (900, 7000)
        assert node.settings.missed_checks == node.first_settings.missed_checks
        done(admin, ("PUT", f"{ha}/master/config", {"haEnabled": False, "allowedShadowHost": ""}))
        lab.reset()
        assert admin.get(f"{ha}/master/config").json["allowedShadowHost"] == "127.0.0.1"


@pytest.mark.slow
def test_the_master_of_a_pair_has_its_configuration_again(tmp_path: Path, authority: Cast) -> None:
    with kept_lab(administered_file(pair), tmp_path, authority) as lab:
        done(admin_of(lab), ("POST", SUBACCOUNTS, NEW), ("PUT", OWN, {"locationID": "WERK7"}))
        before = shown(admin_of(lab))

    with kept_lab(administered_file(pair), tmp_path, authority) as lab:
        assert shown(admin_of(lab)) == before
        states = [each.get(path).json["tunnel"]["state"] for each in [admin_of(lab)] for path in (OWN, ADDED)]
        assert states == ["Connected", "Connected"]


WRITERS = 100


@pytest.mark.slow
def test_a_hundred_writers_at_once_lose_nothing_and_conflicts_are_told(tmp_path: Path, authority: Cast) -> None:
    file = administered_file()
    with kept_lab(file, tmp_path, authority) as lab:
        admin = admin_of(lab)

        def write(number: int) -> tuple[int, int, int]:
            own = {**MAIL, "virtualHost": f"host{number}.virtual"}
            shared = {**MAIL, "virtualHost": f"shared{number % 10}.virtual", "description": str(number)}
            put = admin.call("PUT", f"{MAPPINGS}/mailbox.virtual:993", {"description": str(number)})
            return admin.call("POST", MAPPINGS, own).status, admin.call("POST", MAPPINGS, shared).status, put.status

        with ThreadPoolExecutor(WRITERS) as writers:
            answers = list(writers.map(write, range(WRITERS)))
        before = shown(admin)

    assert [own for own, _, _ in answers] == [201] * WRITERS
    assert sorted(shared for _, shared, _ in answers) == [201] * 10 + [409] * (WRITERS - 10)
    assert [put for _, _, put in answers] == [204] * WRITERS
    with kept_lab(file, tmp_path, authority) as lab:
        assert shown(admin_of(lab)) == before
        hosts = {each["virtualHost"]: each for each in admin_of(lab).get(MAPPINGS).json}
    assert {f"host{number}.virtual" for number in range(WRITERS)} <= set(hosts)
    for number, (_, shared, _) in enumerate(answers):
        if shared == 201:
            assert hosts[f"shared{number % 10}.virtual"]["description"] == str(number)


@contextlib.contextmanager
def changed_file(folder: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(StateFolder(folder).configuration)) as connection, connection:
        yield connection


def test_records_that_cannot_be_read_are_told_without_what_is_in_them(tmp_path: Path, authority: Cast) -> None:
    file = administered_file()
    with kept_lab(file, tmp_path, authority):
        pass
    with changed_file(tmp_path) as connection:
        connection.execute("UPDATE record SET content = ? WHERE kind = 'user'", [json.dumps({"password": "geheim"})])

    with pytest.raises(StoreError) as caught, kept_lab(file, tmp_path, authority):
        pass

    path = StateFolder(tmp_path).configuration
    assert str(caught.value) == f"{path}: Cloud Connector scc: not the configuration of a Cloud Connector (KeyError)"


NOT_SAVED = (500, "RUNTIME_FAILURE", "The change could not be saved, and was undone: see the log")


@pytest.mark.slow
def test_a_change_that_cannot_be_saved_is_told_and_undone(tmp_path: Path, authority: Cast) -> None:
    file = administered_file()
    with kept_lab(file, tmp_path, authority) as lab:
        admin = admin_of(lab)
        done(admin, ("POST", SUBACCOUNTS, NEW), ("POST", MAPPINGS, HTTP), ("POST", MAPPINGS, MAIL))
        before = shown(admin)
        with unwritable(lab):
            for method, path, content in (
                ("PUT", CONNECTOR, {"description": "lost"}),
                ("POST", MAPPINGS, {**MAIL, "virtualHost": "lost.virtual"}),
                ("DELETE", MAPPINGS, None),
                ("DELETE", ADDED, None),
                ("PUT", f"{OWN}/state", {"connected": False}),
                ("PUT", OWN, {"locationID": "LOST"}),
                ("PATCH", TRUST, {"trustAllBackends": True}),
                ("PUT", f"{CONNECTOR}/authentication/basic", {"oldPassword": "manage", "newPassword": "lost"}),
            ):
                assert admin.call(method, path, content).refusal == NOT_SAVED, (method, path)
                assert soon_shown(admin, before) == before, (method, path)
        assert reply(lab, "added.virtual", 143) == 0
        assert "could not be saved and was undone" in admin.get("/maco-lab/auditLog?type=Audit+Service").text
        done(admin, ("PUT", OWN, {"description": "next"}))
        after = shown(admin)

    with kept_lab(file, tmp_path, authority) as lab:
        assert shown(admin_of(lab)) == after


def test_a_change_that_could_not_be_undone_is_undone_before_the_next_one(tmp_path: Path, authority: Cast) -> None:
    file = administered_file()
    with kept_lab(file, tmp_path, authority) as lab:
        admin = admin_of(lab)
        with unwritable(lab, "UPDATE installation SET name = 'nobody'"):
            status, _, message = admin.call("PUT", CONNECTOR, {"description": "lost"}).refusal
            assert (status, message.partition(", ")[0]) == (500, "The change could not be saved")
            assert "could not be read" in message
        done(admin, ("PUT", OWN, {"description": "next"}))
        assert admin.get(CONNECTOR).json["description"] == ""


@contextlib.contextmanager
def unwritable(lab: Lab, meanwhile: str = "") -> Iterator[None]:
    """Let nothing be written to the file while the block runs; ``meanwhile`` is undone behind it."""
    [administration] = lab.running.administrations.values()
    connection = administration.installation._keeper._store._connection  # type: ignore[attr-defined]
    if meanwhile:
        connection.execute("PRAGMA foreign_keys = off")
        connection.execute(meanwhile)
    connection.execute("PRAGMA query_only = on")
    yield
    connection.execute("PRAGMA query_only = off")
    if meanwhile:
        connection.execute("UPDATE installation SET name = 'scc'")
