"""The audit log of the running lab: changes with what was before, who signed in, what was denied; levels; its check."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from connector_sim.logs import audit_log
from connector_sim.logs.audit_check import check_log
from connector_sim.logs.logs import LogPlaces
from maco_lab.testing.lab import Lab
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.settings import (
    CLOUD_USER,
    CONFIGURED,
    LAB,
    MAPPINGS,
    NEW,
    NEW_MAPPING,
    OWN,
    REGION,
    SUBACCOUNTS,
    TO_ADD,
)
from tests.connector_sim.admin.traffic import MAIL_HOST, connection, reply

pytestmark = LAB

CONNECTOR = "/api/v1/configuration/connector"
AUDIT = f"{CONNECTOR}/auditLog"
AUDIT_OF = f"{AUDIT}/subaccounts/{REGION}/{CONFIGURED}"
OURS = "/maco-lab"
OURS_OF = f"{OURS}/subaccounts/{REGION}/{CONFIGURED}"


def entries(admin: AdminClient, subaccount: bool = True, **query: str) -> list[dict[str, Any]]:
    """Return entries of a log, without the one that tells of its begin."""
    path = f"{OURS_OF if subaccount else OURS}/auditLog?{urllib.parse.urlencode({'limit': 1000, **query})}"
    found = admin.get(path)
    assert found.status == 200, found.text
    return [each for each in found.json if each["type"] != "Audit Service"]


def told(admin: AdminClient, subaccount: bool = True) -> list[tuple[str, str, str, str, str]]:
    names = ("type", "user", "object", "old", "new")
    return [(*(each[name] for name in names),) for each in entries(admin, subaccount)]


def places(lab: Lab) -> LogPlaces:
    found = lab.running.connectors["scc"].logs.places
    assert found is not None
    return found


# Changes of the configuration


def test_a_mapping_is_told_with_what_it_was_and_what_it_became(admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, NEW_MAPPING)
    admin.as_user("sccsubadmin").call("PUT", f"{MAPPINGS}/new.virtual:143", {"localPort": "144", "description": "x"})
    admin.call("DELETE", f"{MAPPINGS}/new.virtual:143")

    added, changed, deleted = entries(admin)
    subject = f"{CONFIGURED}/new.virtual:143"
    assert (added["type"], added["user"], added["object"]) == ("add-BackendMapping", "Administrator", subject)
    assert added["old"] == ""
    assert added["new"].startswith(f"{{virtualHost=new.virtual, virtualPort=143, localHost={MAIL_HOST}, localPort=143,")
    assert (changed["type"], changed["user"], changed["object"]) == (
        "modify-BackendMapping", "sccsubadmin", f"{CONFIGURED}/new.virtual:143",
    )  # fmt: skip
    assert (changed["old"], changed["new"]) == ("{localPort=143}", "{localPort=144, description=x}")
    assert changed["message"] == f"User sccsubadmin changed BackendMapping {CONFIGURED}/new.virtual:143"
    assert (deleted["type"], deleted["new"]) == ("delete-BackendMapping", "")
    assert "localPort=144" in deleted["old"]


def test_the_trust_store_is_told_by_what_came_and_went(maco_lab: Lab, admin: AdminClient) -> None:
    store = f"{CONNECTOR}/onPremises/truststore"
    admin.call("PATCH", store, {"trustAllBackends": True})
    admin.call("DELETE", f"{store}/certificates/trustedbackend.1.1")
    admin.upload("POST", f"{store}/certificates", certificates=maco_lab.root_pem)

    switched, deleted, added = told(admin, subaccount=False)
    kind = "TrustedBackendCertificate"
    assert switched[0] == f"modify-{kind}"
    assert switched[3:] == ("{trustAllBackends=false}", "{trustAllBackends=true}")
    assert deleted[0] == f"delete-{kind}"
    assert deleted[2] == "trustedbackend.1.1"
    assert "CN=maco-lab Mail Root CA" in deleted[3]
    assert (added[0], "CN=maco-lab Mail Root CA" in added[4]) == (f"add-{kind}", True)


def test_own_certificates_are_told_without_their_keys(admin: AdminClient) -> None:
    path = f"{CONNECTOR}/onPremises/systemCertificate"
    admin.call("POST", path, {"type": "selfsigned", "subjectDN": "CN=mine", "keySize": 2048})

    ((kind, _, subject, old, new),) = told(admin, subaccount=False)
    assert (kind, subject) == ("add-SystemCertificate", "systemCertificate")
    assert "subjectDN=CN=maco-lab Cloud Connector" in old
    assert "subjectDN=CN=mine" in new


def test_a_subaccount_is_told_without_its_password(admin: AdminClient) -> None:
    admin.call("POST", "/api/v1/configuration/subaccounts", NEW)
    admin.call("PUT", f"{OWN}/state", {"connected": False})
    admin.call("DELETE", f"/api/v1/configuration/subaccounts/{REGION}/{TO_ADD}")

    added, changed, deleted = told(admin, subaccount=False)
    assert (added[0], added[2], deleted[0], deleted[2]) == ("add-Account", TO_ADD, "delete-Account", TO_ADD)
    assert f"subaccount={TO_ADD}" in added[4]
    assert (changed[0], changed[2]) == ("modify-Account", CONFIGURED)
    assert ("tunnel.state=Connected" in changed[3], "tunnel.state=Disconnected" in changed[4]) == (True, True)
    assert NEW["cloudPassword"] not in str(added)


def test_authentication_data_is_in_no_log(maco_lab: Lab, admin: AdminClient) -> None:
    desk = maco_lab.running.cloud.desk
    adds, renews, refused = (desk.issue(CLOUD_USER, each) for each in (TO_ADD, CONFIGURED, "nowhere"))
    for path, data in ((SUBACCOUNTS, adds), (f"{OWN}/validity", renews), (SUBACCOUNTS, refused)):
        admin.call("POST", path, {"authenticationData": data})

    added, renewed = told(admin, subaccount=False)
    assert (added[0], added[2]) == ("add-Account", TO_ADD)
    assert f"tunnel.user={CLOUD_USER}" in added[4]
    assert (renewed[0], renewed[2]) == ("modify-Account", CONFIGURED)
    folder = places(maco_lab).folder
    written = [each.read_text(encoding="utf-8") for each in folder.rglob("*") if each.is_file()]
    assert written
    for text in written:
        for data in (adds, renews, refused):
            assert data[:60] not in text
            assert data.rpartition(".")[2] not in text


def test_a_password_is_told_to_have_changed_and_nothing_more(admin: AdminClient) -> None:
    sent = {"oldPassword": "manage", "newPassword": "NewSecret4711"}
    assert admin.call("PUT", f"{CONNECTOR}/authentication/basic", sent).status == 204
    after = admin.as_user("Administrator", "NewSecret4711")

    assert told(after, subaccount=False) == [("modify-SCCPassword", "Administrator", "basic", "", "")]


def test_another_name_is_told_with_both_and_without_the_password(admin: AdminClient) -> None:
    sent = {"password": "manage", "user": "chief"}
    assert admin.call("PUT", f"{CONNECTOR}/authentication/basic", sent).status == 204
    after = admin.as_user("chief", "manage")

    assert told(after, subaccount=False) == [
        ("modify-SCCUser", "Administrator", "basic", "{user=Administrator}", "{user=chief}")
    ]
    assert "manage" not in str(entries(after, subaccount=False))


def test_traces_and_levels_are_told_by_the_category_of_each_field(admin: AdminClient) -> None:
    log, trace = f"{CONNECTOR}/logAndTrace", f"{CONNECTOR}/logAndTrace/subaccounts/{REGION}/{CONFIGURED}"
    admin.call("PATCH", log, {"tlsTrace": True, "otherLogLevel": "DEBUG"})
    admin.call("PATCH", log, {"cpicTraceLevel": 2})
    admin.call("PATCH", log, {"rolloverThreshold": "1 MB"})
    admin.call("PATCH", trace, {"payloadSncTrace": True})
    admin.call("PATCH", AUDIT, {"level": "ALL", "cleanup": 90})

    assert [(kind, old, new) for kind, _, _, old, new in told(admin, subaccount=False)] == [
        ("modify-OtherLoggers", "{otherLogLevel=INFO}", "{otherLogLevel=DEBUG}"),
        ("modify-TlsTrace", "{tlsTrace=false}", "{tlsTrace=true}"),
        ("modify-CPICTrace", "{cpicTraceLevel=0}", "{cpicTraceLevel=2}"),
        ("modify-CloudConnectorLoggers", "{rolloverThreshold=50 MB}", "{rolloverThreshold=1 MB}"),
        ("modify-CrossAuditLogLevel", "{level=SECURITY}", "{level=ALL}"),
        ("modify-AuditLogCleanup", "{cleanup=0}", "{cleanup=90}"),
    ]
    assert told(admin) == [
        ("modify-PayloadSncTrace", "Administrator", CONFIGURED, "{payloadSncTrace=false}", "{payloadSncTrace=true}")
    ]


def test_a_change_that_was_refused_is_none(admin: AdminClient) -> None:
    assert admin.call("POST", MAPPINGS, {**NEW_MAPPING, "protocol": "SSL"}).status == 400
    assert admin.call("DELETE", f"{MAPPINGS}/no:1").status == 404

    assert told(admin) == []


def test_what_a_test_changes_past_the_administration_is_told_too(maco_lab: Lab, admin: AdminClient) -> None:
    connector = maco_lab.cloud_connector
    connector.expose("new.virtual:143", f"{MAIL_HOST}:143")
    connector.expose("new.virtual:143", f"{MAIL_HOST}:143")
    connector.expose("new.virtual:143", f"{MAIL_HOST}:993", "TCPS")
    connector.withdraw("new.virtual:143")
    connector.change_location_id("WERK2")
    connector.disconnect()
    connector.connect()

    tcp = f"{{localHost={MAIL_HOST}, localPort=143, protocol=TCP}}"
    tcps = f"{{localHost={MAIL_HOST}, localPort=993, protocol=TCPS}}"
    subject = f"{CONFIGURED}/new.virtual:143"
    assert told(admin) == [
        ("add-BackendMapping", "(test)", subject, "", tcp),
        ("modify-BackendMapping", "(test)", subject, tcp, tcps),
        ("delete-BackendMapping", "(test)", subject, tcps, ""),
    ]
    assert told(admin, subaccount=False) == [
        ("modify-Account", "(test)", CONFIGURED, "{locationID=WERK1}", "{locationID=WERK2}"),
        ("modify-Account", "(test)", CONFIGURED, "{tunnel.state=Connected}", "{tunnel.state=Disconnected}"),
        ("modify-Account", "(test)", CONFIGURED, "{tunnel.state=Disconnected}", "{tunnel.state=Connected}"),
    ]


def test_a_check_is_no_change(admin: AdminClient) -> None:
    assert admin.call("POST", f"{OURS_OF}/systemMappings/{MAIL_HOST}:143/check").status == 200

    assert told(admin) == []


# Who signs in, and who may not


def test_whoever_shows_a_wrong_password_is_told_and_the_password_is_not(admin: AdminClient) -> None:
    assert admin.as_user("Administrator", "guessed4711").get(AUDIT).status == 401
    assert admin.as_user("=nobody\r\n", "guessed4711").get(AUDIT).status == 401
    assert admin.call("GET", AUDIT, headers={"Authorization": ""}).status == 401
    assert admin.call("PATCH", AUDIT, {"user": "by a form"}, headers={"Authorization": ""}).status == 401
    assert admin.call("GET", AUDIT, headers={"Authorization": "Basic ="}).status == 401

    found = entries(admin, subaccount=False)
    assert [(each["type"], each["user"], each["message"]) for each in found] == [
        ("Sign-In Failed", "Administrator", f"GET {AUDIT}"),
        ("Sign-In Failed", "'=nobody\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}", f"GET {AUDIT}"),
        ("Sign-In Failed", "by a form", f"PATCH {AUDIT}"),
        ("Sign-In Failed", "(unreadable)", f"GET {AUDIT}"),
    ]


def test_what_a_user_may_not_do_is_told(admin: AdminClient) -> None:
    assert admin.as_user("sccdisplay").call("DELETE", MAPPINGS).status == 403

    (found,) = entries(admin, subaccount=False)
    assert (found["type"], found["user"], found["object"]) == ("Request Denied", "sccdisplay", f"DELETE {MAPPINGS}")


def test_signing_in_is_told_once_for_a_session_at_level_all(admin: AdminClient) -> None:
    admin.call("PATCH", AUDIT, {"level": "ALL"})
    for _ in range(3):
        admin.as_user("sccmonitoring").get("/api/monitoring/usage")

    found = [(each["type"], each["user"]) for each in entries(admin, subaccount=False)]
    assert found == [("modify-CrossAuditLogLevel", "Administrator"), ("Sign-In", "sccmonitoring")]


# Accesses


def test_denied_accesses_are_told_and_allowed_ones_at_level_all_only(maco_lab: Lab, admin: AdminClient) -> None:
    assert reply(maco_lab, "no.such.host", 143) == 0x02
    with connection(maco_lab):
        pass
    (denied,) = entries(admin)
    assert (denied["type"], denied["object"]) == ("Access Denied", "no.such.host:143")
    assert denied["message"].startswith("Access denied: no mapping for this virtual host and port, connection ")

    admin.call("PATCH", AUDIT_OF, {"level": "ALL"})
    with connection(maco_lab):
        pass
    allowed = entries(admin)[-1]
    assert (allowed["type"], allowed["object"]) == ("Access Allowed", f"{MAIL_HOST}:143")
    assert allowed["message"].startswith(f"to {MAIL_HOST}:143 by TCP, connection ")


def test_an_access_that_was_allowed_and_failed_is_not_called_denied(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("PATCH", AUDIT_OF, {"level": "ALL"})
    admin.call("POST", MAPPINGS, {**NEW_MAPPING, "localHost": "nowhere.example"})
    assert reply(maco_lab, "new.virtual", 143) == 0x04

    found = entries(admin)[-1]
    assert found["type"] == "Access Allowed"
    assert found["message"].startswith("but cannot open internal host nowhere.example:143: ")


def test_a_client_cannot_fill_the_log(maco_lab: Lab, admin: AdminClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "AT_ONCE", 5)
    monkeypatch.setattr(audit_log, "PER_S", 0.001)
    monkeypatch.setattr(audit_log, "TELL_SUPPRESSED_S", 0.01)
    maco_lab.reset()
    for _ in range(12):
        reply(maco_lab, "no.such.host", 143)

    def suppressed() -> int:
        messages = [each["message"] for each in admin.get(f"{OURS_OF}/auditLog?limit=1000").json]
        return sum(int(each.partition(" ")[0]) for each in messages if " more entries" in each)

    assert any(suppressed() == 7 for _ in range(100))
    assert len(entries(admin, type="Access Denied")) == 5


# Levels


def test_off_tells_nothing_but_that_it_was_switched_off(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("PATCH", AUDIT_OF, {"level": "OFF"})
    admin.call("POST", MAPPINGS, NEW_MAPPING)
    reply(maco_lab, "no.such.host", 143)

    assert [each["type"] for each in entries(admin)] == ["modify-AuditLogLevel"]
    (entry,) = entries(admin)
    assert (entry["old"], entry["new"]) == ("{level=SECURITY}", "{level=OFF}")


def test_each_log_has_a_level_of_its_own(admin: AdminClient) -> None:
    admin.call("PATCH", AUDIT_OF, {"level": "OFF"})
    admin.call("PUT", CONNECTOR, {"description": "new"})

    assert told(admin, subaccount=False) == [
        ("modify-Configuration", "Administrator", "connector", "{description=}", "{description=new}")
    ]


# Searching and checking


def test_entries_are_found_by_type_pattern_time_and_number(admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, NEW_MAPPING)
    admin.call("DELETE", f"{MAPPINGS}/new.virtual:143")

    assert [each["type"] for each in entries(admin, type="delete-BackendMapping")] == ["delete-BackendMapping"]
    assert len(entries(admin, pattern="*NEW.virtual*")) == 2
    assert entries(admin, pattern="nothing*") == []
    assert entries(admin, since="99999999999999"[:13]) == []
    assert len(entries(admin, until="99999999999999"[:13])) == 2
    assert [each["type"] for each in entries(admin, limit="1")] == ["delete-BackendMapping"]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "since=x", "who=me", f"pattern={'x' * 300}"])
def test_a_search_that_cannot_be_is_refused(admin: AdminClient, query: str) -> None:
    assert admin.get(f"{OURS}/auditLog?{query}").refusal[:2] == (400, "INVALID_REQUEST")


def test_the_check_finds_what_was_done_to_a_file(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, NEW_MAPPING)
    whole = admin.call("POST", f"{OURS_OF}/auditLog/check").json
    assert (whole["scope"], whole["isWhole"], whole["entries"], whole["findings"]) == (CONFIGURED, True, 2, [])
    (path,) = (places(maco_lab).folder / "audit" / CONFIGURED).iterdir()
    path.write_text(path.read_text().replace("new.virtual", "old.virtual"))

    found = admin.call("POST", f"{OURS_OF}/auditLog/check").json

    assert (found["isWhole"], found["findings"]) == (False, ["entry 2 was changed, or entry 1 before it"])


def test_a_change_is_in_the_file_before_it_is_answered(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, NEW_MAPPING)
    (path,) = (places(maco_lab).folder / "audit" / CONFIGURED).iterdir()

    assert "add-BackendMapping" in path.read_text()


def test_a_restored_lab_begins_its_logs_anew(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, NEW_MAPPING)
    maco_lab.reset()

    assert entries(admin) == []
    assert check_log(places(maco_lab).folder, CONFIGURED).findings == []


# Files


def test_log_files_are_listed_and_read_by_those_who_may(maco_lab: Lab, admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, NEW_MAPPING)
    listed = admin.as_user("sccdisplay").get(f"{OURS}/logFiles").json

    names = {each["name"]: each["size"] for each in listed}
    assert set(names) >= {"scc_core.trc", f"audit-heads/{CONFIGURED}.json"}
    for name, size in names.items():
        answer = admin.get(f"{OURS}/logFiles/{urllib.parse.quote(name, safe='')}")
        assert (answer.status, len(answer.body) >= size) == (200, True)
        disposition = f'attachment;filename="{Path(name).name}"'
        assert answer.header("Content-Disposition") == disposition
    assert admin.as_user("sccdisplay").get(f"{OURS}/logFiles/scc_core.trc").status == 403


@pytest.mark.parametrize("name", ["no.trc", "..%2F..%2Flab.yaml", "%2Fetc%2Fpasswd", "audit", ".."])
def test_no_other_file_is_read(admin: AdminClient, name: str) -> None:
    assert admin.get(f"{OURS}/logFiles/{name}").status == 404


# To take away


def test_the_log_can_be_taken_away_with_what_was_asked_for(admin: AdminClient) -> None:
    admin.call("POST", MAPPINGS, NEW_MAPPING)
    admin.call("DELETE", f"{MAPPINGS}/new.virtual:143")

    answer = admin.get(f"{OURS_OF}/auditLog/download?type=delete-BackendMapping&pattern=*NEW.virtual*")

    name = f"audit-log_{CONFIGURED}.csv"
    assert answer.header("Content-Type") == "application/gzip"
    assert answer.header("Content-Disposition") == f'attachment;filename="audit-log_{CONFIGURED}.tar.gz"'
    with tarfile.open(fileobj=io.BytesIO(answer.body), mode="r:gz") as archive:
        manifest, lines = (_read(archive, each) for each in ("manifest.json", name))
        assert archive.getnames() == ["manifest.json", name]
    found = json.loads(manifest)
    (deleted,) = entries(admin, type="delete-BackendMapping")
    assert (found["file"], found["scope"], found["entries"]) == (name, CONFIGURED, 1)
    assert found["selection"] == {
        "type": ["delete-BackendMapping"], "pattern": "*NEW.virtual*", "since": "", "until": "",
    }  # fmt: skip
    assert found["lastNumber"] == deleted["number"]
    header, row = csv.reader(lines.decode().splitlines())
    assert dict(zip(header, row, strict=True)) == {
        **{key: str(value) for key, value in deleted.items()}, "hash": found["lastHash"],
    }  # fmt: skip


def test_what_is_taken_away_is_a_log_that_can_be_checked(maco_lab: Lab, admin: AdminClient, tmp_path: Path) -> None:
    admin.call("POST", MAPPINGS, NEW_MAPPING)
    answer = admin.get(f"{OURS_OF}/auditLog/download")
    folder = tmp_path / "audit" / CONFIGURED
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(answer.body), mode="r:gz") as archive:
        (folder / f"audit-log_{CONFIGURED}_2026-01-01.csv").write_bytes(_read(archive, f"audit-log_{CONFIGURED}.csv"))

    checked = check_log(tmp_path, CONFIGURED)

    assert checked.entries == check_log(places(maco_lab).folder, CONFIGURED).entries == 2
    assert checked.findings == ["there is no side file: whether the end was cut off cannot be told"]


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    found = archive.extractfile(name)
    assert found is not None
    return found.read()
