"""Backup and restore by the API: everything comes back, by the right password alone, and it acts."""

from __future__ import annotations

import io
import os
import zipfile
from typing import Any

import pytest

from connector_sim.admin.backup import MOST_FORM_BYTES
from connector_sim.admin.backup_file import SCRYPT, read_backup, write_backup
from connector_sim.admin.records import Kind, Record
from connector_sim.admin.server import MAX_BODY_BYTES
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import FIRST, NO_STORE, AdminClient, Answer
from tests.connector_sim.admin.settings import LAB, MAPPINGS, NEW, OWN, REGION, SUBACCOUNTS, TO_ADD
from tests.connector_sim.admin.traffic import connection

pytestmark = [LAB, pytest.mark.usefixtures("mail_waits")]

BACKUP = "/api/v1/configuration/backup"
TRUST = "/api/v1/configuration/connector/onPremises/truststore"
ADDED = f"{SUBACCOUNTS}/{REGION}/{TO_ADD}"
PASSWORD = "Backup4711"
HTTP_MAPPING = {
    "virtualHost": "web.virtual", "virtualPort": "80", "localHost": "web", "localPort": "80", "protocol": "HTTP",
    "backendType": "nonSAPsys", "authenticationMode": "NONE",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _keys_are_derived_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Derive keys with little work: how they really are derived, test_backup_file sees to."""
    monkeypatch.setitem(SCRYPT, "n", 2**8)


def restored(admin: AdminClient, file: bytes, password: str = PASSWORD) -> Answer:
    return admin.upload("PUT", BACKUP, backup=file, password=password.encode())


@pytest.fixture
def backup(admin: AdminClient) -> bytes:
    return admin.call("POST", BACKUP, {"password": PASSWORD}).body


def test_a_backup_is_a_zip_file(admin: AdminClient) -> None:
    answer = admin.call("POST", BACKUP, {"password": PASSWORD})

    assert (answer.status, answer.header("Content-Type")) == (200, "application/zip")
    assert answer.header("Content-Disposition") == 'attachment;filename="scc_backup.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None


def test_a_restore_answers_without_a_body(admin: AdminClient, backup: bytes) -> None:
    assert restored(admin, backup).whole == (204, "", [*FIRST[:3], NO_STORE], "")  # no session is left to tell of


@pytest.mark.slow
def test_everything_comes_back(maco_lab: Lab, admin: AdminClient) -> None:
    assert admin.call("POST", SUBACCOUNTS, {**NEW, "locationID": "NETZ", "displayName": "Netz"}).status == 201
    assert admin.call("POST", MAPPINGS, HTTP_MAPPING).status == 201
    resource = {"id": "/a-b", "enabled": True, "description": "d"}
    assert admin.call("POST", f"{MAPPINGS}/web.virtual:80/resources", resource).status == 201
    assert admin.call("PUT", f"{OWN}/state", {"connected": False}).status == 204
    unknown = maco_lab.authority.unknown_root_certificate
    assert admin.upload("POST", f"{TRUST}/certificates", certificate=_pem(unknown)).status == 201
    assert admin.call("PUT", "/api/v1/configuration/connector", {"description": "ours"}).status == 204
    paths = [
        SUBACCOUNTS, MAPPINGS, TRUST, f"{MAPPINGS}/web.virtual:80/resources", "/api/v1/configuration/connector", OWN,
    ]  # fmt: skip
    before = [admin.get(path).json for path in paths]
    certificate = admin.get(ADDED).json["tunnel"]["subaccountCertificate"]
    backup = admin.call("POST", BACKUP, {"password": PASSWORD}).body

    assert admin.call("DELETE", ADDED).status == 204
    assert admin.call("DELETE", MAPPINGS).status == 204
    assert admin.call("DELETE", f"{TRUST}/certificates").status == 204
    assert admin.call("PUT", "/api/v1/configuration/connector", {"description": "x"}).status == 204
    assert admin.call("PUT", f"{OWN}/state", {"connected": True}).status == 204
    assert restored(admin, backup).status == 204

    assert [admin.get(path).json for path in paths] == before
    assert admin.get(ADDED).json["tunnel"]["subaccountCertificate"] == certificate


def test_it_acts(maco_lab: Lab, admin: AdminClient, backup: bytes) -> None:
    assert admin.call("DELETE", MAPPINGS).status == 204
    assert not maco_lab.maco.poll("way-a").succeeded

    assert restored(admin, backup).status == 204
    maco_lab.cloud_connector.connect()

    assert maco_lab.maco.poll("way-a").succeeded


def test_what_is_open_ends_as_by_a_restart(maco_lab: Lab, admin: AdminClient, backup: bytes) -> None:
    with connection(maco_lab) as opened:
        assert restored(admin, backup).status == 204

        assert opened.says(b"1 NOOP") == b""


def test_everybody_signs_in_again(admin: AdminClient, backup: bytes) -> None:
    cookie = (admin.get(SUBACCOUNTS).header("Set-Cookie") or "").partition(";")[0]
    by_cookie = {"Cookie": cookie, "Authorization": ""}
    assert admin.call("GET", SUBACCOUNTS, headers=by_cookie).header("Content-Type") == "application/json"

    restored(admin, backup)

    assert "<h1>Login</h1>" in admin.call("GET", SUBACCOUNTS, headers=by_cookie).text


def test_users_and_passwords_come_back(admin: AdminClient, backup: bytes) -> None:
    change = {"oldPassword": "manage", "newPassword": "Other4711"}
    assert admin.call("PUT", "/api/v1/configuration/connector/authentication/basic", change).status == 204

    assert restored(admin.as_user("Administrator", "Other4711"), backup).status == 204

    assert admin.get(SUBACCOUNTS).status == 200


def test_a_wrong_password_fails_and_changes_nothing(admin: AdminClient, backup: bytes) -> None:
    assert admin.call("PUT", OWN, {"description": "later"}).status == 200

    message = "The backup could not be restored: the password is wrong, or the file was changed"
    assert restored(admin, backup, "wrong").refusal == (500, "INTERNAL_SERVER_ERROR", message)
    assert admin.get(OWN).json["description"] == "later"


BAD_RECORDS: dict[str, list[Record]] = {
    "nothing": [],
    "one thing": [Record(Kind.CONNECTOR, "", {"description": ""})],
    "of another shape": [Record(Kind.USER, "x", {"password": 1})],
}


@pytest.mark.parametrize("records", BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_a_backup_of_something_else_fails(admin: AdminClient, records: list[Record]) -> None:
    status, kind, message = restored(admin, write_backup(records, PASSWORD)).refusal

    assert (status, kind) == (500, "INTERNAL_SERVER_ERROR")
    assert message.startswith("The backup could not be restored: not the configuration of a Cloud Connector")


def test_a_backup_that_cannot_act_changes_nothing(admin: AdminClient, backup: bytes) -> None:
    records = [each for each in read_backup(backup, PASSWORD) if each.kind is not Kind.CONNECTOR]
    mapping = next(each for each in records if each.kind is Kind.MAPPING)
    twice = Record(Kind.MAPPING, "twice", mapping.content, mapping.subaccount)
    connector = Record(Kind.CONNECTOR, "", {"description": "not whole"})
    subaccounts, mappings = admin.get(SUBACCOUNTS).json, admin.get(MAPPINGS).json

    status, kind, message = restored(admin, write_backup([connector, *records, twice], PASSWORD)).refusal

    assert (status, kind) == (500, "INTERNAL_SERVER_ERROR")
    assert message.startswith("The backup could not be restored: virtualPort: ")
    assert (admin.get(SUBACCOUNTS).json, admin.get(MAPPINGS).json) == (subaccounts, mappings)
    assert admin.get("/api/v1/configuration/connector").json["description"] == ""


def test_a_backup_may_be_larger_than_any_other_body(admin: AdminClient, backup: bytes) -> None:
    """Nothing random is compressed: more of it than the 1 MiB that every body may have."""
    noise = Record(Kind.SETTING, "/noise", {"noise": os.urandom(1024 * 1024).hex()})
    large = write_backup([*read_backup(backup, PASSWORD), noise], PASSWORD)
    assert len(large) > MAX_BODY_BYTES

    assert restored(admin, large).status == 204


@pytest.mark.parametrize("user", ["sccassocadmin", "nobody"])
def test_a_large_body_of_who_may_not_restore_is_refused_unread(admin: AdminClient, user: str) -> None:
    large = os.urandom(MAX_BODY_BYTES)

    answer = restored(admin.as_user(user), large)
    assert answer.refusal == (413, "ERROR", "Request Entity Too Large")


def test_a_body_that_no_backup_could_have_is_refused(admin: AdminClient) -> None:
    assert restored(admin, b"x" * MOST_FORM_BYTES).status == 413


BAD_FORMS: list[tuple[dict[str, bytes], str]] = [
    ({"password": b"x"}, "backup: found nothing"),
    ({"backup": b"x"}, "password: found nothing"),
    ({"backup": b"x", "password": b"\xff"}, "password: allowed: text in UTF-8"),
    ({"backup": b"x", "password": b"x"}, "backup: it is no backup of this product"),
]


@pytest.mark.parametrize(("parts", "message"), BAD_FORMS)
def test_a_form_that_lacks_something_is_refused(admin: AdminClient, parts: dict[str, Any], message: str) -> None:
    assert admin.upload("PUT", BACKUP, **parts).refusal == (400, "INVALID_REQUEST", message)


def test_a_backup_needs_a_password(admin: AdminClient) -> None:
    message = "password: found nothing, allowed: a string with text"
    assert admin.call("POST", BACKUP, {}).refusal == (400, "INVALID_REQUEST", message)


def test_only_an_administrator_backs_up_and_restores(admin: AdminClient, backup: bytes) -> None:
    associate = admin.as_user("sccassocadmin")

    for answer in (associate.call("POST", BACKUP, {"password": "x"}), restored(associate, backup)):
        assert answer.refusal == (403, "FORBIDDEN", "This needs one of the roles sccadmin")


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return bytes(certificate.public_bytes(Encoding.PEM))
