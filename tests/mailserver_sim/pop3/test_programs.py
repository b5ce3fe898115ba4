"""Real programs against both ports: OpenSSL's s_client and curl."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from maco_wire.observation import Handshake, TlsSession
from tests.mailserver_sim.running import HOST_NAME, PASSWORD, USER, RunningServer, mail
from tests.programs import require_program

pytestmark = pytest.mark.real


@pytest.fixture
def root(server: RunningServer, tmp_path: Path) -> Path:
    from cryptography.hazmat.primitives.serialization import Encoding

    path = tmp_path / "root.pem"
    path.write_bytes(server.cast.root_certificate.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize(("protocol", "options"), [("pop3", ["--ssl-reqd"]), ("pop3s", [])])
def test_curl_fetches_a_mail_on_both_ports(
    server: RunningServer, root: Path, protocol: str, options: list[str]
) -> None:
    raw = mail(body=".\r\n..dots")
    server.deliver(raw)
    port = server.port(protocol)
    found = subprocess.run(
        [require_program("curl"), "--silent", "--show-error", *options, "--cacert", root,
         "--user", f"{USER}:{PASSWORD}",
         "--resolve", f"{HOST_NAME}:{port}:127.0.0.1", f"{protocol}://{HOST_NAME}:{port}/1"],
        capture_output=True, timeout=20, check=True,
    )  # fmt: skip
    assert found.stdout == raw


def test_openssl_verifies_the_chain_behind_stls(server: RunningServer, root: Path) -> None:
    found = subprocess.run(
        [require_program("openssl"), "s_client", "-connect", f"127.0.0.1:{server.port('pop3')}",
         "-starttls", "pop3", "-CAfile", root,
         "-verify_return_error", "-verify_hostname", HOST_NAME, "-servername", HOST_NAME,
         "-quiet", "-crlf", "-ign_eof"],
        input=b"QUIT\n", capture_output=True, timeout=20, check=True,
    )  # fmt: skip
    assert b"+OK Goodbye" in found.stdout
    (handshake,) = server.recorder.wait_for(Handshake)
    assert (handshake.session, handshake.succeeded) == (TlsSession.POP3_STLS, True)
