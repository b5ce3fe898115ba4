from __future__ import annotations

import json
import mailbox
import re
from pathlib import Path

from maco_lab.testing.lab import Lab
from tests.maco_lab.page.client import PageClient

JSON = "application/json"
STROM = "strom@stadtwerke.example"


def fetched(maco_lab: Lab, *mails: bytes) -> None:
    for mail in mails:
        maco_lab.mail_server.deliver(STROM, mail)
    maco_lab.maco.poll("way-a")


def a_mail(subject: str, text: str = "text") -> bytes:
    return f"Subject: {subject}\r\nFrom: a@example.com\r\n\r\n{text}\r\n".encode()


def test_mails_are_listed_part_by_part(maco_lab: Lab, api: PageClient) -> None:
    fetched(maco_lab, *(a_mail(f"mail {number}") for number in range(3)))

    first = api.get("/api/inbox?limit=2").data
    rest = api.get(f"/api/inbox?after={first['mails'][-1]['id']}").data

    assert [each["subject"] for each in first["mails"]] == ["mail 0", "mail 1"]
    assert (first["more"], rest["more"]) == (1, 0)
    assert [each["subject"] for each in rest["mails"]] == ["mail 2"]


def test_only_what_came_by_a_connection_is_listed(maco_lab: Lab, api: PageClient) -> None:
    fetched(maco_lab, a_mail("x"))

    assert len(api.get("/api/inbox?connection=way-a").data["mails"]) == 1
    assert api.get("/api/inbox?connection=way-b").data == {"mails": [], "more": 0}


def test_a_mail_comes_as_it_was_received(maco_lab: Lab, api: PageClient) -> None:
    raw = a_mail("x")
    fetched(maco_lab, raw)
    number = api.get("/api/inbox").data["mails"][0]["id"]

    answer = api.get(f"/api/inbox/{number}/raw")

    assert answer.content.endswith(raw)
    assert answer.headers["content-type"].startswith("message/rfc822")


def test_a_mail_that_is_not_there_is_not_found(api: PageClient) -> None:
    for number in ("1", "0", "-1", "x", "9" * 30):
        assert api.get(f"/api/inbox/{number}/raw").status == 404


ENCODED = "=?utf-8?q?Z=C3=A4hler?="


def with_two_attachments() -> bytes:
    part = b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nUNA\r\n"
    head = f"Subject: {ENCODED}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".encode()
    return head + b"--b\r\n\r\nhello\r\n" + part * 2 + b"--b--\r\n"


def test_a_mail_is_read_by_the_settings_of_its_connection_from_each_change_on(maco_lab: Lab, api: PageClient) -> None:
    fetched(maco_lab, with_two_attachments())
    number = api.get("/api/inbox").data["mails"][0]["id"]
    before = api.get(f"/api/inbox/{number}").data
    assert {"name": "Subject", "value": "Z\u00e4hler"} in before["headers"]
    assert (before["text"], before["properties"]) == ("hello", [])
    names = [each["name"] for each in before["attachments"]]
    assert [re.fullmatch(r"a_[0-9a-f-]{36}\.txt", name) is not None for name in names] == [True, True]
    assert len(set(names)) == 2
    assert api.get(f"/api/inbox/{number}").data == before, "its names are others each time"

    change = {"decode_mime_headers": False, "remove_attachments": True, "include_original_mail": True}
    assert api.ask("PATCH", "/api/connections/way-a", json.dumps(change).encode(), Content_Type=JSON).status == 200

    after = api.get(f"/api/inbox/{number}").data
    raw = api.get(f"/api/inbox/{number}/raw").content
    assert {"name": "Subject", "value": ENCODED} in after["headers"]
    assert (after["attachments"], after["text"]) == ([], "hello")
    assert after["properties"] == [{"name": "SAP_MAIL_ORIGINAL_MESSAGE", "size": len(raw)}]
    assert raw.endswith(with_two_attachments())
    assert [each["subject"] for each in api.get("/api/inbox").data["mails"]] == [ENCODED]


def test_a_mail_whose_connection_is_gone_is_read_by_the_defaults(maco_lab: Lab, api: PageClient) -> None:
    fetched(maco_lab, with_two_attachments())
    change = {"decode_mime_headers": False, "remove_attachments": True}
    api.ask("PATCH", "/api/connections/way-a", json.dumps(change).encode(), Content_Type=JSON)
    assert api.ask("DELETE", "/api/connections/way-a").status == 200

    (listed,) = api.get("/api/inbox").data["mails"]
    assert listed["subject"] == "Z\u00e4hler"
    assert len(api.get(f"/api/inbox/{listed['id']}").data["attachments"]) == 2


def test_an_mbox_file_holds_every_mail(maco_lab: Lab, api: PageClient, tmp_path: Path) -> None:
    fetched(maco_lab, a_mail("one", "From here on\r\n>From there"), a_mail("two"))

    (tmp_path / "inbox.mbox").write_bytes(api.get("/api/inbox.mbox").content)

    box = mailbox.mbox(tmp_path / "inbox.mbox", create=False)
    try:
        assert [mail["Subject"] for mail in box] == ["one", "two"]
        body = str(next(iter(box)).get_payload())
    finally:
        box.close()
    assert re.sub("^>(>*From )", r"\1", body, flags=re.MULTILINE) == "From here on\n>From there\n"


def test_metrics_count_polls_and_mails(maco_lab: Lab, api: PageClient) -> None:
    fetched(maco_lab, a_mail("one"), a_mail("two"))

    answer = api.get("/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.content.decode().splitlines()
    assert 'maco_polls_total{connection="way-a",outcome="succeeded"} 1' in lines
    assert 'maco_mails_stored_total{connection="way-a"} 2' in lines
    assert 'maco_inbox_mails{connection="way-a"} 2' in lines
    assert any(line.startswith('maco_key_store_not_after_timestamp_seconds{alias="mail-root"} ') for line in lines)
