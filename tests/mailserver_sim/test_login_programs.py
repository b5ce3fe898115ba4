"""curl logs in by every mechanism, over IMAP and over SMTP."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from maco_wire.observation import Login
from mailserver_sim.settings import AUTH_MECHANISMS, Account, AuthMechanism
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import ADDRESS, HOST_NAME, PASSWORD, USER, mail
from tests.programs import require_program

pytestmark = pytest.mark.real

TOKEN = "dG9rZW4="
URL_PATHS = {"imaps": "/INBOX?ALL", "smtps": ""}
TRANSFERS = {"imaps": [], "smtps": ["--mail-from", "nb@nb.example", "--mail-rcpt", ADDRESS, "--upload-file", "-"]}


@pytest.mark.parametrize("protocol", ["imaps", "smtps"])
@pytest.mark.parametrize("mechanism", AUTH_MECHANISMS)
def test_curl_logs_in_by(start_server: StartServer, tmp_path: Path, mechanism: AuthMechanism, protocol: str) -> None:
    accounts = (Account(USER, PASSWORD, (ADDRESS,), tokens=(TOKEN,)),)
    server = start_server(accounts=accounts, auth_mechanisms=(mechanism,))
    root = tmp_path / "root.pem"
    root.write_bytes(server.cast.root_certificate.public_bytes(Encoding.PEM))
    by_token = mechanism in ("XOAUTH2", "OAUTHBEARER")
    credentials = ["--user", USER, "--oauth2-bearer", TOKEN] if by_token else ["--user", f"{USER}:{PASSWORD}"]
    port = server.port(protocol)
    subprocess.run(
        [require_program("curl"), "--silent", "--show-error", "--cacert", root, *credentials,
         "--login-options", f"AUTH={mechanism}", *TRANSFERS[protocol],
         "--resolve", f"{HOST_NAME}:{port}:127.0.0.1", f"{protocol}://{HOST_NAME}:{port}{URL_PATHS[protocol]}"],
        input=mail(), capture_output=True, timeout=20, check=True,
    )  # fmt: skip
    (login,) = server.recorder.of(Login)
    assert (login.user, login.succeeded, login.credentials_sent) == (USER, True, mechanism != "CRAM-MD5")
