"""Key logs are read by their format, and kept where nobody else reads them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from certs.trust import server_context
from maco_lab.taps.key_files import KeyFiles
from maco_lab.taps.key_log import sessions_of
from maco_wire.observation import Party
from tests.maco_lab.taps.tls_sample import AUTHORITY

RANDOM = "ab" * 32


def test_a_session_is_found_by_the_random_of_its_client_hello_and_names_its_server() -> None:
    log = f"# a comment\nCLIENT_TRAFFIC_SECRET_0 {RANDOM} 01ff\nSERVER_TRAFFIC_SECRET_0 {RANDOM} 02\n"

    (number, session) = next(iter(sessions_of({Party.MAIL_SERVER: log}).items()))

    assert number == bytes.fromhex(RANDOM)
    assert session.server is Party.MAIL_SERVER
    assert session.secrets == {"CLIENT_TRAFFIC_SECRET_0": b"\x01\xff", "SERVER_TRAFFIC_SECRET_0": b"\x02"}


@pytest.mark.parametrize("line", ["", "CLIENT_RANDOM", "A B", f"A {RANDOM} xyz", f"A {RANDOM} 00 00", "#A 00 00"])
def test_lines_that_are_no_keys_are_passed_over(line: str) -> None:
    assert sessions_of({Party.MAIL_SERVER: line}) == {}


def test_the_secrets_are_not_in_the_text_of_a_value() -> None:
    sessions = sessions_of({Party.MAIL_SERVER: f"A {RANDOM} 01ff01ff"})

    assert "ff" not in repr(next(iter(sessions.values())))


def test_only_the_owner_can_read_a_key_file(tmp_path: Path) -> None:
    files = KeyFiles(tmp_path)
    files.log_from(server_context(AUTHORITY.by_name("mail_server")), Party.MAIL_SERVER)

    found = list(tmp_path.iterdir())
    assert len(found) == len(Party)
    assert {stat.S_IMODE(file.stat().st_mode) for file in found} == {0o600}


def test_both_ways_of_logging_reach_the_same_reader(tmp_path: Path) -> None:
    files = KeyFiles(tmp_path)
    log = files.pyopenssl_callback(Party.MAIL_SERVER)
    log(None, b"A 00 01")  # type: ignore[arg-type]  # pyOpenSSL gives the connection, which is of no interest

    files.close()

    assert files.read() == {Party.CONNECTIVITY: "", Party.MAIL_SERVER: "A 00 01\n"}
