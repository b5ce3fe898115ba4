"""The file of a backup: it opens with its password alone, and whatever is no backup is told as that."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from connector_sim.admin import backup_file
from connector_sim.admin.backup_file import BackupError, read_backup, write_backup
from connector_sim.admin.records import Kind, Record

RECORDS = [
    Record(Kind.USER, "Administrator", {"password": "geheim-4711", "roles": ["sccadmin"]}),
    Record(Kind.MAPPING, "mail.example:143", {"localHost": "mail.example"}, "stadtwerke"),
]
PASSWORD = "Backup-ü"


@pytest.fixture(scope="module")
def file() -> bytes:
    return write_backup(RECORDS, PASSWORD)


def rewritten(file: bytes, **changes: object) -> bytes:
    """Return a backup whose manifest says something else."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["backup.json"] = json.dumps(json.loads(parts["backup.json"]) | changes).encode()
    return zipped(parts)


def zipped(parts: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in parts.items():
            written.writestr(name, content)
    return archive.getvalue()


@pytest.mark.slow
def test_records_are_read_back(file: bytes) -> None:
    assert read_backup(file, PASSWORD) == RECORDS


def test_it_is_a_zip_archive_in_which_nothing_is_in_clear(file: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert archive.namelist() == ["backup.json", "configuration"]
        assert archive.testzip() is None
        content = b"".join(archive.read(name) for name in archive.namelist())

    assert not [each for each in (b"geheim", b"Administrator", b"stadtwerke") if each in content]


def test_two_backups_of_the_same_differ() -> None:
    assert write_backup(RECORDS, PASSWORD) != write_backup(RECORDS, PASSWORD)


@pytest.mark.parametrize("password", ["", "Backup", "backup-ü"])
def test_another_password_opens_nothing(file: bytes, password: str) -> None:
    with pytest.raises(BackupError, match="the password is wrong, or the file was changed"):
        read_backup(file, password)


def test_a_changed_manifest_is_found(file: bytes) -> None:
    with pytest.raises(BackupError, match="the password is wrong, or the file was changed"):
        read_backup(rewritten(file, comment="x"), PASSWORD)


def test_a_newer_format_is_told(file: bytes) -> None:
    with pytest.raises(BackupError, match=r"made by a newer version \(format 2, this one knows 1\)"):
        read_backup(rewritten(file, version=2), PASSWORD)


def test_a_file_that_would_take_all_memory_for_its_key_is_not_read(file: bytes) -> None:
    with pytest.raises(BackupError, match="it is no backup"):
        read_backup(rewritten(file, scrypt={"n": 2**30, "r": 8, "p": 1}), PASSWORD)


NO_BACKUPS = {
    "nothing": b"",
    "no archive": b"x" * 1000,
    "an archive of something else": zipped({"other": b"x"}),
    "a manifest that is none": zipped({"backup.json": b"[]", "configuration": b""}),
    "a manifest that is large": zipped({"backup.json": b" " * 10_000_000, "configuration": b""}),
    "a content that is larger than the file": zipped({"backup.json": b"{}", "configuration": b"0" * 10_000_000}),
}


@pytest.mark.parametrize("file", NO_BACKUPS.values(), ids=NO_BACKUPS)
def test_what_is_no_backup_is_told(file: bytes) -> None:
    with pytest.raises(BackupError, match="it is no backup of this product"):
        read_backup(file, PASSWORD)


def test_every_truncated_backup_is_told(file: bytes) -> None:
    for length in range(0, len(file), 50):
        with pytest.raises(BackupError):
            read_backup(file[:length], PASSWORD)


def test_content_that_is_too_large_is_told(file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_file, "MOST_CONTENT_BYTES", 10)

    with pytest.raises(BackupError, match="it holds more than 10 bytes"):
        read_backup(file, PASSWORD)
