"""Sending by MaCo's API in a running lab: configured, sent, fetched again, and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import MailAccepted, Party, SendFinished
from tests.maco_lab.page.client import PageClient

STROM, GAS = "strom@stadtwerke.example", "gas@stadtwerke.example"
OUT = {
    "name": "out", "address": "mail.stadtwerke.example:587", "location_id": "WERK1", "protection": "STARTTLS Mandatory",
    "authentication": "Plain User Name/Password", "credential": "STROM", "sender": STROM,
}  # fmt: skip


def send(api: PageClient, query: str, payload: bytes = b"UNA:+.? '") -> Any:
    return api.ask("POST", f"/api/send?{query}", payload, Content_Type="application/octet-stream")


def test_a_connection_is_added_changed_and_deleted(api: PageClient) -> None:
    added = api.post("/api/sending-connections", {**OUT, "attachments": [{"name": "m.txt"}]})
    assert (added.status, added.data["credential"], added.data["warnings"]) == (200, "STROM", [])
    assert added.data["mail_body"] == "${in.body}"
    changed = api.ask(
        "PATCH", "/api/sending-connections/out", b'{"protection": "STARTTLS Optional"}', Content_Type="application/json"
    ).data
    assert (changed["protection"], len(changed["warnings"]), changed["attachments"][0]["name"]) == (
        "STARTTLS Optional", 1, "m.txt",
    )  # fmt: skip
    listed = api.get("/api/sending-connections").data["connections"]
    assert [each["name"] for each in listed] == ["to-partners", "out"]
    assert "STROM" in [
        each["name"] for each in api.get("/api/credentials").data["credentials"] if "out" in each["used_by"]
    ]
    assert api.ask("DELETE", "/api/credentials/STROM").status == 409
    assert api.ask("DELETE", "/api/sending-connections/out").status == 200
    assert api.get("/api/sending-connections/out").status == 404


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"name": "to-partners"}, 409, "sending connection 'to-partners' is there already"),
        ({"credential": "NONE"}, 422, "credential: found 'NONE'"),
        ({"credential": ""}, 422, "authentication: found 'Plain User Name/Password' without a credential"),
        ({"protection": "SMTPS"}, 422, "protection: found 'SMTPS' with Proxy Type On-Premise"),
        ({"sender": "a@b.example\r\nBcc: c@d.example"}, 422, "sender: found"),
        ({"signature_and_encryption_type": "S/MIME Signature"}, 422, "signature_and_encryption_type: found"),
        ({"attachments": [{"name": "x", "source": "File", "file": "/etc/passwd"}]}, 422, "source: found 'File'"),
    ],
)
def test_what_cannot_be_changes_nothing(api: PageClient, change: dict[str, Any], status: int, error: str) -> None:
    refused = api.post("/api/sending-connections", {**OUT, **change})
    assert refused.status == status
    assert refused.data["error"].startswith(error)
    assert len(api.get("/api/sending-connections").data["connections"]) == 1


def test_what_is_sent_is_told_and_reported(api: PageClient, lab_journal: LabJournal) -> None:
    answer = send(api, f"connection=to-partners&to={GAS},{STROM}&subject=MSCONS").data

    result = answer["result"]
    assert (result["error"], result["outcome"], result["stage"], result["vouched_by"]) == (
        "",
        "sent",
        "done",
        "mail-root",
    )
    assert result["recipients"] == [GAS, STROM]
    assert answer["line"].startswith(f"to-partners: sent to {GAS}, {STROM}: 250 ")
    seen = lab_journal.wait_for(SendFinished, Party.MACO)
    assert (seen.connection, seen.succeeded, seen.message_id) == ("to-partners", True, result["message_id"])
    lab_journal.wait_for(MailAccepted, Party.MAIL_SERVER)


def test_every_recipient_that_is_refused_is_told(api: PageClient, lab_journal: LabJournal) -> None:
    result = send(api, f"connection=to-partners&to=nobody@stadtwerke.example,{GAS}").data["result"]

    assert (result["outcome"], result["stage"]) == ("not sent", "recipients")
    assert [each["address"] for each in result["refused"]] == ["nobody@stadtwerke.example"]
    assert result["server_answer"].startswith("55")
    assert lab_journal.wait_for(SendFinished, Party.MACO).refused[0].startswith("nobody@stadtwerke.example: 55")
    assert lab_journal.of(MailAccepted, Party.MAIL_SERVER) == []


@pytest.mark.parametrize(
    ("query", "payload", "status", "error"),
    [
        ("connection=x", b"", 404, "found sending connection 'x', allowed: 'to-partners'"),
        ("subject=x", b"", 400, "parameter 'connection' is missing"),
        ("connection=to-partners&to=x", b"", 422, "to: found 'x'"),
        ("connection=to-partners&subject=a%0D%0ABcc:%20x@y", b"", 422, "subject: allowed is printable text"),
        ("connection=to-partners", b"\xff", 422, "body_mime_type: found text whose byte 0 is not UTF-8"),
    ],
)
def test_a_mail_that_cannot_be_made_is_refused(
    api: PageClient, query: str, payload: bytes, status: int, error: str
) -> None:
    refused = send(api, query, payload)
    assert (refused.status, refused.data["error"][: len(error)]) == (status, error)


def test_a_wrong_password_is_told_and_shown_nowhere(api: PageClient, maco_lab: Lab) -> None:
    api.ask("PATCH", "/api/credentials/STROM", b'{"password": "wrong-4711"}', Content_Type="application/json")
    answer = send(api, "connection=to-partners")
    assert answer.data["result"]["stage"] == "login"
    assert answer.data["result"]["error"].startswith("AuthenticationFailedException: 535")
    assert b"wrong-4711" not in answer.content
    for path in ("/api/sending-connections", "/api/sending-connections/to-partners"):
        assert b"wrong-4711" not in api.get(path).content


def attached(data: dict[str, Any]) -> None:
    files = [{"name": "gone.txt", "source": "File", "file": "gone.txt"}]
    data["maco"]["sending_connections"][0]["attachments"] = files


@pytest.mark.maco_lab(change=attached)
def test_a_file_that_is_gone_is_told_before_anything_is_sent(api: PageClient, tmp_path: Path) -> None:
    refused = send(api, "connection=to-partners")
    assert (refused.status, "gone.txt: No such file or directory" in refused.data["error"]) == (422, True)
