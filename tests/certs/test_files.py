from __future__ import annotations

import datetime as dt
import errno
import fcntl
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from certs import files as files_module
from certs.cast import MAIL_HOST, Cast
from certs.exceptions import ForeignFolderError, UnreadableCastError
from certs.files import SHARED_FOR, read_cast, share_cast, write_cast
from certs.manifest import MANIFEST
from certs.plans import AUTHORITIES, MEMBERS
from tests.certs.handshakes import handshake_with
from tests.faults.seeds import SOAK

pytestmark = pytest.mark.usefixtures("few_rsa_keys")

FOLDERS = 8 if SOAK else 2
"""How many folders two processes fill at once."""


@pytest.fixture
def cast(now: dt.datetime) -> Cast:
    """Return a cast of the test's own: what is written depends on what was issued before."""
    return Cast(now)


@pytest.fixture
def umask() -> Iterator[None]:
    """Take away nothing from files that are made: the modes must be right without a friendly umask."""
    before = os.umask(0)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _serials(cast: Cast) -> dict[str, int]:
    return {name: issued.certificate.serial_number for name, issued in cast.all_members().items()}


@pytest.mark.slow
def test_private_files_are_0600_and_the_folder_0700(cast: Cast, tmp_path: Path, umask: None) -> None:
    files = write_cast(cast, tmp_path / "pki", pkcs12_password="changeit")
    assert _mode(tmp_path / "pki") == 0o700
    modes = {file.kind: _mode(file.path) for file in files}
    assert modes == {"pem": 0o644, "der": 0o644, "key": 0o600, "p12": 0o600}
    assert all(_mode(file.path) == 0o600 for file in files if file.private)


def test_no_private_key_is_in_a_public_file(cast: Cast, tmp_path: Path) -> None:
    public = [file for file in write_cast(cast, tmp_path / "pki") if not file.private]
    assert len(public) == 2 * len({**AUTHORITIES, **MEMBERS})
    assert not any(b"PRIVATE" in file.path.read_bytes() for file in public)


@pytest.mark.slow
def test_every_authority_and_member_is_written_in_every_format(cast: Cast, tmp_path: Path) -> None:
    files = write_cast(cast, tmp_path / "pki", pkcs12_password="changeit")
    wanted = {(name, kind) for name in (*AUTHORITIES, *MEMBERS) for kind in ("pem", "der", "key", "p12")}
    assert {(file.name, file.kind) for file in files} == wanted


def test_listed_files_are_exactly_those_in_the_folder(cast: Cast, tmp_path: Path) -> None:
    files = write_cast(cast, tmp_path / "pki")
    assert {file.path.name for file in files} | {MANIFEST} == {path.name for path in (tmp_path / "pki").iterdir()}


def test_pkcs12_is_written_on_request_only(cast: Cast, tmp_path: Path) -> None:
    assert {file.kind for file in write_cast(cast, tmp_path / "pki")} == {"pem", "der", "key"}


def test_pem_and_der_hold_the_same_certificate(cast: Cast, tmp_path: Path) -> None:
    write_cast(cast, tmp_path / "pki")
    pem = (tmp_path / "pki/mail_server.pem").read_bytes()
    der = (tmp_path / "pki/mail_server.der").read_bytes()
    expected = [cast.mail_server.certificate, cast.intermediate_certificate]
    assert x509.load_pem_x509_certificates(pem) == expected
    assert x509.load_der_x509_certificate(der) == expected[0]


@pytest.mark.slow
def test_pkcs12_of_an_authority_is_a_trust_store_without_key(cast: Cast, tmp_path: Path) -> None:
    write_cast(cast, tmp_path / "pki", pkcs12_password="changeit")
    store = pkcs12.load_pkcs12((tmp_path / "pki/root.p12").read_bytes(), b"changeit")
    assert store.key is None
    assert [each.certificate for each in store.additional_certs] == [cast.root_certificate]


def test_cast_is_read_as_it_was_written(cast: Cast, tmp_path: Path) -> None:
    write_cast(cast, tmp_path / "pki")
    found = read_cast(tmp_path / "pki")
    assert found.settings == cast.settings
    assert found.all_members() == cast.all_members()
    assert found.all_authorities() == cast.all_authorities()
    key, expected = found.mail_server.private_key, cast.mail_server.private_key
    assert key.private_numbers() == expected.private_numbers()


def test_subaccount_certificates_are_kept_too(now: dt.datetime, tmp_path: Path) -> None:
    cast = Cast(now)
    issued = cast.subaccount_certificate("a.b-c_1")
    write_cast(cast, tmp_path / "pki")
    assert read_cast(tmp_path / "pki").subaccount_certificate("a.b-c_1") == issued


def test_cast_that_was_read_issues_under_the_same_authorities(cast: Cast, tmp_path: Path) -> None:
    write_cast(cast, tmp_path / "pki")
    found = read_cast(tmp_path / "pki")
    found.subaccount_certificate("new").certificate.verify_directly_issued_by(cast.cloud_clients.certificate)
    leaf = found.intermediate.issue(MAIL_HOST, dns_names=[MAIL_HOST])
    assert handshake_with(leaf, [cast.root_certificate], MAIL_HOST).succeeded


@pytest.mark.slow
def test_rsa_cast_is_read_as_it_was_written(now: dt.datetime, tmp_path: Path) -> None:
    cast = Cast(now, "rsa")
    write_cast(cast, tmp_path / "pki")
    assert read_cast(tmp_path / "pki").all_members() == cast.all_members()


@pytest.mark.slow
def test_second_writer_finds_the_first_ones_cast(now: dt.datetime, tmp_path: Path) -> None:
    first = Cast(now)
    files = write_cast(first, tmp_path / "pki")
    assert write_cast(Cast(now), tmp_path / "pki") == files
    assert _serials(read_cast(tmp_path / "pki")) == _serials(first)


@pytest.mark.slow
def test_replacing_leaves_the_new_cast_and_nothing_beside_it(now: dt.datetime, tmp_path: Path) -> None:
    write_cast(Cast(now), tmp_path / "pki", pkcs12_password="changeit")
    second = Cast(now)
    write_cast(second, tmp_path / "pki", replace=True)
    assert _serials(read_cast(tmp_path / "pki")) == _serials(second)
    assert not list((tmp_path / "pki").glob("*.p12"))
    assert [path.name for path in tmp_path.iterdir()] == ["pki"]


def test_folder_of_somebody_else_is_refused_untouched(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ForeignFolderError, match=r"'notes\.txt'") as caught:
        write_cast(cast, tmp_path, replace=True)
    assert caught.value.strangers == ("notes.txt",)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_own_folder_is_not_replaced_once_somebody_put_a_file_there(cast: Cast, tmp_path: Path) -> None:
    write_cast(cast, tmp_path / "pki")
    (tmp_path / "pki/notes.txt").write_text("mine")
    with pytest.raises(ForeignFolderError):
        write_cast(cast, tmp_path / "pki", replace=True)
    assert (tmp_path / "pki/notes.txt").read_text() == "mine"
    assert (tmp_path / "pki/root.key").exists()


def test_empty_folder_is_taken_and_closed_to_others(cast: Cast, tmp_path: Path, umask: None) -> None:
    (tmp_path / "pki").mkdir(mode=0o777)
    write_cast(cast, tmp_path / "pki")
    assert _mode(tmp_path / "pki") == 0o700


def test_folder_below_missing_folders_is_made(cast: Cast, tmp_path: Path) -> None:
    write_cast(cast, tmp_path / "a/b/pki")
    assert (tmp_path / "a/b/pki/root.pem").exists()


def test_failed_write_leaves_nothing_behind(cast: Cast, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 or more bytes"):
        write_cast(cast, tmp_path / "pki", pkcs12_password="")
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_taken_is_reported_as_the_system_says(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(self: Path, target: Path) -> Path:
        raise OSError(errno.EBUSY, "Device or resource busy", str(target))  # as for a mount point

    (tmp_path / "pki").mkdir()
    monkeypatch.setattr(Path, "rename", busy)
    with pytest.raises(OSError, match="Device or resource busy"):
        write_cast(cast, tmp_path / "pki")
    assert [path.name for path in tmp_path.iterdir()] == ["pki"]


def test_missing_folder_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableCastError, match="no complete set"):
        read_cast(tmp_path / "a/pki")


@pytest.mark.parametrize("file", ["mail_server.key", "root.pem", MANIFEST])
def test_missing_file_is_unreadable(cast: Cast, tmp_path: Path, file: str) -> None:
    write_cast(cast, tmp_path / "pki")
    (tmp_path / "pki" / file).unlink()
    with pytest.raises(UnreadableCastError, match=file):
        read_cast(tmp_path / "pki")


def test_key_of_another_certificate_is_unreadable(cast: Cast, tmp_path: Path) -> None:
    write_cast(cast, tmp_path / "pki")
    (tmp_path / "pki/root.key").write_bytes((tmp_path / "pki/expired.key").read_bytes())
    with pytest.raises(UnreadableCastError, match=r"root\.key does not belong to root\.pem"):
        read_cast(tmp_path / "pki")


@pytest.mark.slow
def test_shared_cast_is_the_one_that_was_there(now: dt.datetime, tmp_path: Path) -> None:
    first = share_cast(Cast(now), tmp_path / "pki")
    second = share_cast(Cast(now), tmp_path / "pki")
    assert _serials(second) == _serials(first)


@pytest.mark.slow
def test_shared_cast_is_made_anew_for_other_names(now: dt.datetime, tmp_path: Path) -> None:
    share_cast(Cast(now), tmp_path / "pki")
    found = share_cast(Cast(now, mail_host="imap.other.example"), tmp_path / "pki")
    assert found.settings.mail_host == "imap.other.example"
    assert handshake_with(found.mail_server, [found.root_certificate], "imap.other.example").succeeded


@pytest.mark.parametrize(
    ("age", "kept"),
    [
        (dt.timedelta(0), True),
        (SHARED_FOR, True),
        (SHARED_FOR + dt.timedelta(seconds=1), False),
        (dt.timedelta(minutes=-5), True),
        (dt.timedelta(hours=-2), False),
    ],
)
@pytest.mark.slow
def test_shared_cast_is_made_anew_when_it_grows_old(
    now: dt.datetime, tmp_path: Path, age: dt.timedelta, kept: bool
) -> None:
    first = share_cast(Cast(now), tmp_path / "pki")
    second = share_cast(Cast(now + age), tmp_path / "pki")
    assert (_serials(second) == _serials(first)) is kept


@pytest.mark.slow
def test_shared_cast_is_made_anew_when_an_older_version_knew_fewer_certificates(
    now: dt.datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = share_cast(Cast(now), tmp_path / "pki")
    monkeypatch.setattr(files_module, "MEMBERS", {**MEMBERS, "of_a_newer_version": MEMBERS["expired"]})
    assert not files_module._suits(Cast(now), tmp_path / "pki")
    monkeypatch.undo()
    assert _serials(share_cast(Cast(now), tmp_path / "pki")) == _serials(first)


def test_every_member_is_still_as_good_or_bad_at_the_end_of_sharing(cast: Cast, now: dt.datetime) -> None:
    last = now + SHARED_FOR
    certificates = {name: issued.certificate for name, issued in cast.all_members().items()}
    valid = {name for name, each in certificates.items() if each.not_valid_before_utc < last < each.not_valid_after_utc}
    assert set(certificates) - valid == {"expired", "not_yet_valid"}


def _is_locked(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_cast_is_judged_and_replaced_under_one_lock(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_cast(cast, tmp_path / "pki")
    locked: list[bool] = []
    for step in ("_refuse_strangers", "_swap"):
        original = getattr(files_module, step)

        def probe(*arguments: Path, original: Callable[..., None] = original) -> None:
            locked.append(_is_locked(tmp_path))
            original(*arguments)

        monkeypatch.setattr(files_module, step, probe)
    write_cast(cast, tmp_path / "pki", replace=True)
    assert locked == [True, True]
    assert not _is_locked(tmp_path)


def _share(folder: Path, now: dt.datetime) -> int:
    return share_cast(Cast(now), folder).root_certificate.serial_number


def _write(folder: Path, now: dt.datetime) -> list[str]:
    return [str(file.path) for file in write_cast(Cast(now), folder)]


@pytest.fixture(scope="module")
def two_processes() -> Iterator[ProcessPoolExecutor]:
    # spawn: pytest's own process has threads, which do not survive a fork
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.slow
def test_processes_that_write_at_once_all_find_one_complete_cast(
    now: dt.datetime, tmp_path: Path, two_processes: ProcessPoolExecutor
) -> None:
    folders = [tmp_path / str(number) for number in range(FOLDERS)]
    pairs = [[two_processes.submit(_write, folder, now) for _ in range(2)] for folder in folders]
    assert all(first.result(30) == second.result(30) for first, second in pairs)
    assert all(len(read_cast(folder).all_members()) == len(MEMBERS) for folder in folders)
    assert sorted(tmp_path.iterdir()) == sorted(folders)


@pytest.mark.slow
def test_processes_that_share_at_once_get_the_same_authorities(
    now: dt.datetime, tmp_path: Path, two_processes: ProcessPoolExecutor
) -> None:
    folders = [tmp_path / str(number) for number in range(FOLDERS)]
    for folder in folders[::2]:  # every other one holds an old cast that has to be replaced
        write_cast(Cast(now - dt.timedelta(days=80)), folder)
    pairs = [[two_processes.submit(_share, folder, now) for _ in range(2)] for folder in folders]
    assert all(first.result(30) == second.result(30) for first, second in pairs)
    assert sorted(tmp_path.iterdir()) == sorted(folders)
