"""What was configured at MaCo is there after a restart, acts as before, and outlives certificates and lab files."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.cast import Cast
from connector_sim.admin.store import StoreError
from maco_lab.maco_keeping import KeptMaco
from maco_lab.state import StateFolder
from maco_lab.testing.lab import Lab, new_authority
from maco_lab.testing.settings import lab_text
from tests.maco_lab.kept import kept_lab
from tests.maco_lab.page.client import PageClient

PEM = "application/x-pem-file"
SECRET = "tanstaaftanstaaf"
LISTS = ("keystore", "credentials", "servers", "connections", "sending-connections")
OTHER = {
    "name": "other", "server": "new", "protection": "STARTTLS Optional", "credential": "OTHER",
    "folder": "Eing\u00e4nge", "scheduler": {"at": "07:30", "weekdays": ["Mon"], "time_zone": "Europe/Berlin"},
    "include_original_mail": True,
}  # fmt: skip

SENDING = {
    "name": "other-out", "address": "mail.new:587", "protection": "STARTTLS Mandatory", "sender": "a@b.example",
    "authentication": "Encrypted User/Password", "credential": "OTHER", "plain_fallback": True, "to": "c@d.example",
    "mail_body": "see the attachment", "attachments": [{"name": "m.txt", "mime_type": "Text/Plain"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def authority() -> Cast:
    """Return the certificates of every lab of this module."""
    return new_authority()


def api_of(lab: Lab) -> PageClient:
    assert lab.running.maco_api
    return PageClient(lab.running.maco_api)


def call(api: PageClient, method: str, path: str, data: object = None) -> Any:
    body = None if data is None else json.dumps(data).encode()
    answer = api.ask(method, f"/api/{path}", body, Content_Type="application/json")
    assert answer.status == 200, answer.content
    return answer.data


def shown(api: PageClient) -> dict[str, Any]:
    found = {name: call(api, "GET", name) for name in LISTS}
    for each in found["connections"]["connections"]:
        del each["last_poll"]
    return found


def configure(api: PageClient, authority: Cast) -> None:
    """Add, change and delete something of everything."""
    unknown = authority.unknown_root_certificate.public_bytes(Encoding.PEM)
    assert api.ask("POST", "/api/keystore?alias=partner", unknown, Content_Type=PEM).status == 200
    call(api, "POST", "credentials", {"name": "OTHER", "user": "other", "password": SECRET})
    call(api, "PATCH", "credentials/GAS", {"access_token": "token"})
    call(api, "POST", "servers", {"name": "new", "address": "mail.new:143", "location_id": "WERK2", "timeout_ms": 7})
    call(api, "PATCH", "servers/mail-starttls", {"timeout_ms": 12_345})
    call(api, "POST", "connections", OTHER)
    call(api, "PATCH", "connections/way-a", {"max_messages_per_poll": 5, "decode_mime_headers": False})
    call(api, "POST", "sending-connections", SENDING)
    call(api, "PATCH", "sending-connections/to-partners", {"subject": "MSCONS", "body_encoding": "ISO-8859-1"})


@pytest.mark.slow
def test_everything_is_there_after_a_restart(tmp_path: Path, authority: Cast) -> None:
    file = lab_text(None).parsed()
    with kept_lab(file, tmp_path, authority) as lab:
        call(api_of(lab), "DELETE", "connections/way-b")
        configure(api_of(lab), authority)
        before, held = shown(api_of(lab)), lab.running.tenant.configuration

    with kept_lab(file, tmp_path, authority) as lab:
        assert shown(api_of(lab)) == before
        assert lab.running.tenant.configuration == held
        assert lab.running.tenant.configuration.credentials["OTHER"].password == SECRET
        call(api_of(lab), "DELETE", "connections/other")
        call(api_of(lab), "DELETE", "sending-connections/other-out")
        call(api_of(lab), "DELETE", "credentials/OTHER")
        call(api_of(lab), "DELETE", "keystore/partner")
        later = shown(api_of(lab))

    with kept_lab(file, tmp_path, authority) as lab:
        assert shown(api_of(lab)) == later


def test_it_is_on_the_disk_before_it_is_answered_and_for_its_owner_alone(tmp_path: Path, authority: Cast) -> None:
    path = StateFolder(tmp_path).maco_configuration
    with kept_lab(lab_text(None).parsed(), tmp_path, authority) as lab:
        for number in range(5):
            call(api_of(lab), "POST", "credentials", {"name": f"C{number}", "user": "u", "password": SECRET})
            with contextlib.closing(sqlite3.connect(path)) as file:
                found = file.execute("SELECT content FROM record WHERE name = ?", [f"C{number}"]).fetchall()
            assert [json.loads(content)["password"] for (content,) in found] == [SECRET]
        modes = {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob("maco.sqlite*")}

    assert modes == {0o600}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_certificate_of_the_lab_is_the_new_one_where_the_lab_has_new_ones(tmp_path: Path, authority: Cast) -> None:
    file = lab_text(None).parsed()
    with kept_lab(file, tmp_path, authority) as lab:
        call(api_of(lab), "PATCH", "connections/way-a", {"folder": "INBOX", "max_messages_per_poll": 7})
        assert lab.maco.poll("way-a").succeeded

    with kept_lab(file, tmp_path, new_authority()) as lab:
        assert lab.running.tenant.configuration.connections["way-a"].max_messages_per_poll == 7
        assert lab.maco.poll("way-a").succeeded


def other_folder(data: dict[str, Any]) -> None:
    data["maco"]["email_connections"][0]["folder"] = "Other"


def other_password(data: dict[str, Any]) -> None:
    data["maco"]["credentials"][0]["password"] = data["mail_server"]["accounts"][0]["password"] = "Other4711"


def other_clock(data: dict[str, Any]) -> None:
    data["maco"].update(poll_every_s=77, verification="openssl")


@pytest.mark.parametrize("change", [other_folder, other_password])
def test_a_lab_file_that_has_changed_is_told_and_what_is_kept_counts(
    tmp_path: Path, authority: Cast, change: Any
) -> None:
    told: list[str] = []
    with kept_lab(lab_text(None).parsed(), tmp_path, authority, told) as lab:
        held = lab.running.tenant.configuration
    assert told == []

    with kept_lab(lab_text(None, change).parsed(), tmp_path, authority, told) as lab:
        assert lab.running.tenant.configuration == held

    path = StateFolder(tmp_path).maco_configuration
    text = f"MaCo: its part of the lab file has changed, but what is kept in {path} counts; remove that file to begin"
    assert told == [f"{text} with the lab file again"]
    path.unlink()
    with kept_lab(lab_text(None, change).parsed(), tmp_path, authority, told) as lab:
        assert lab.running.tenant.configuration != held


def test_what_is_not_configured_at_run_time_is_taken_from_the_lab_file(tmp_path: Path, authority: Cast) -> None:
    told: list[str] = []
    with kept_lab(lab_text(None).parsed(), tmp_path, authority, told):
        pass
    with kept_lab(lab_text(None, other_clock).parsed(), tmp_path, authority, told) as lab:
        schedules = {each.scheduler.every_s for each in lab.running.tenant.configuration.connections.values()}

    assert (told, schedules) == ([], {77})


@contextlib.contextmanager
def changed_file(folder: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(StateFolder(folder).maco_configuration)) as connection, connection:
        yield connection


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE record SET content = '{\"password\": \"geheim\"}' WHERE kind = 'credential'", "ValidationError"),
        ("UPDATE record SET kind = 'geheim' WHERE kind = 'credential'", "KeyError"),
        ("DELETE FROM record WHERE kind = 'credential'", "KeyError"),
    ],
)
def test_records_that_cannot_be_read_are_told_without_what_is_in_them(
    tmp_path: Path, authority: Cast, statement: str, error: str
) -> None:
    file = lab_text(None).parsed()
    with kept_lab(file, tmp_path, authority):
        pass
    with changed_file(tmp_path) as connection:
        connection.execute(statement)

    with pytest.raises(StoreError) as caught, kept_lab(file, tmp_path, authority):
        pass

    path = StateFolder(tmp_path).maco_configuration
    assert str(caught.value) == f"{path}: not the configuration of a MaCo ({error})"


@pytest.mark.slow
def test_a_change_that_cannot_be_saved_is_told_and_not_made(tmp_path: Path, authority: Cast) -> None:
    file = lab_text(None).parsed()
    with kept_lab(file, tmp_path, authority) as lab:
        api, before = api_of(lab), shown(api_of(lab))
        with full_disk(lab):
            refused = [api.post("/api/credentials", large(number)) for number in range(40)][-1]
            told = {"error": "The change could not be saved, and was not made: see the log"}
            assert (refused.status, refused.data) == (500, told)
            names = {each["name"] for each in shown(api)["credentials"]["credentials"]}
            assert "C39" not in names
        call(api, "PATCH", "connections/way-a", {"folder": "Next"})
        call(api, "POST", "credentials", large(39))
        held = lab.running.tenant.configuration
        assert len(before["credentials"]["credentials"]) < len(held.credentials) < 42

    with kept_lab(file, tmp_path, authority) as lab:
        assert lab.running.tenant.configuration == held


def large(number: int) -> dict[str, str]:
    return {"name": f"C{number}", "user": "x" * 100, "password": "x" * 200}


def test_what_was_saved_for_somebody_who_did_not_wait_is_put_right_by_the_next_change(
    tmp_path: Path, authority: Cast
) -> None:
    file = lab_text(None).parsed()
    with kept_lab(file, tmp_path, authority) as lab:
        tenant = lab.running.tenant

        async def broken_off() -> None:
            async with asyncio.TaskGroup() as tasks:
                change = tasks.create_task(tenant.change(lambda now: now.without_connection("way-b")))
                await asyncio.sleep(0)  # it begins, and hands the change to the thread that writes
                change.cancel()

        lab.thread.run(broken_off())
        assert set(tenant.configuration.connections) == {"way-a", "way-b"}
        assert not kept_of(lab)._knows_file, "the change was not under way"
        call(api_of(lab), "PATCH", "connections/way-a", {"folder": "Next"})
        held = tenant.configuration

    with kept_lab(file, tmp_path, authority) as lab:
        assert lab.running.tenant.configuration == held


def kept_of(lab: Lab) -> KeptMaco:
    kept = getattr(lab.running.tenant._keep, "__self__", None)
    assert isinstance(kept, KeptMaco)
    return kept


@contextlib.contextmanager
def full_disk(lab: Lab) -> Iterator[None]:
    """Let the file not grow while the block runs."""
    connection = kept_of(lab)._store._connection
    connection.execute("PRAGMA max_page_count = 1")
    yield
    connection.execute("PRAGMA max_page_count = 1000000")
