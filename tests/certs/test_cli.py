from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from certs.cli import main
from certs.files import read_cast
from certs.keys import load_key
from tests.programs import require_program

ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.usefixtures("few_rsa_keys")


@pytest.fixture(autouse=True)
def _in_a_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@dataclass(frozen=True)
class Written:
    """A folder that the command has filled, and what it printed."""

    folder: Path
    printed: str


def written(folder: Path, *options: str) -> Written:
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        assert main(["--out", "pki", *options]) == 0
    return Written(folder / "pki", printed.getvalue())


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return written(tmp_path_factory.mktemp("usual"))


@pytest.fixture(scope="module")
def with_options(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return written(tmp_path_factory.mktemp("other"), "--mail-host", "imap.example", "--pkcs12-password", "s3cr3t-x")


@pytest.mark.slow
def test_certificates_are_written_for_the_host_that_was_named(with_options: Written) -> None:
    assert read_cast(with_options.folder).settings.mail_host == "imap.example"
    assert "Certificates for imap.example in pki\n" in with_options.printed


@pytest.mark.slow
def test_output_fits_80_columns(usual: Written) -> None:
    lines = usual.printed.splitlines()
    assert len(lines) > 20
    assert max(map(len, lines)) <= 80


def test_help_fits_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["--help"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_default_password_opens_the_pkcs12_files_and_is_printed(usual: Written) -> None:
    assert pkcs12.load_pkcs12((usual.folder / "mail_server.p12").read_bytes(), b"changeit").key is not None
    assert "Password of the .p12 files: changeit" in usual.printed


def test_password_that_was_given_opens_the_pkcs12_files_and_is_not_printed(with_options: Written) -> None:
    assert pkcs12.load_pkcs12((with_options.folder / "mail_server.p12").read_bytes(), b"s3cr3t-x").key is not None
    assert "s3cr3t-x" not in with_options.printed


@pytest.mark.slow
def test_rsa_is_written_on_request() -> None:
    main(["--out", "pki", "--key-type", "rsa"])
    assert isinstance(load_key(Path("pki/mail_server.key").read_bytes()), rsa.RSAPrivateKey)


@pytest.mark.slow
def test_own_folder_is_written_anew(usual: Written) -> None:
    shutil.copytree(usual.folder, "pki")
    before = Path("pki/root.pem").read_bytes()
    assert main(["--out", "pki"]) == 0
    assert Path("pki/root.pem").read_bytes() != before


@pytest.mark.slow
def test_folder_of_somebody_else_is_refused_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pki").mkdir()
    Path("pki/notes.txt").touch()
    assert main(["--out", "pki"]) == 2
    assert "holds 'notes.txt', which was not written here" in capsys.readouterr().err
    assert [path.name for path in Path("pki").iterdir()] == ["notes.txt"]


@pytest.mark.slow
def test_file_in_place_of_the_folder_is_refused_with_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pki").touch()
    assert main(["--out", "pki"]) == 2
    assert "pki" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--out", "pki", "--pkcs12-password", ""],
        ["--out", "pki", "--key-type", "dsa"],
        [],
    ],
)
def test_unfit_argument_ends_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert not Path("pki").exists()


def test_unfit_host_ends_with_status_2_and_names_the_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", "pki", "--mail-host", "a b"]) == 2
    assert "mail_host: 'a b'" in capsys.readouterr().err


@pytest.mark.slow
def test_module_runs_as_a_command(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "certs", "--out", "pki"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Certificates for mail.stadtwerke.example in pki\n")


@pytest.mark.real
def test_written_chain_verifies_with_openssl() -> None:
    main(["--out", "pki"])
    openssl = require_program("openssl")
    command = [openssl, "verify", "-CAfile", "pki/root.pem", "-untrusted", "pki/mail_server.pem", "pki/mail_server.pem"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (0, "pki/mail_server.pem: OK\n"), done.stderr
