"""`openssl s_client` and curl do TLS with the mail server from end to end, through `maco-lab forward`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from maco_lab.testing.lab import Lab
from maco_wire.observation import ClientHelloPassed, Handshake, Party, TlsSession
from tests.programs import require_program
from tests.real.forwarding import (
    MAIL_HOST,
    PASSWORD,
    STARTTLS,
    TLS_END_TO_END,
    USER,
    Forwarding,
    forwarding,
)

pytestmark = [pytest.mark.real, pytest.mark.slow]

DEADLINE_S = 20.0
MAIL = b"From: netz@nachbar.example\r\nSubject: UTILMD\r\n\r\nSent to be read.\r\n"
DIALOGUE = f"a1 LOGIN {USER} {PASSWORD}\na2 SELECT INBOX\na3 FETCH 1 BODY.PEEK[]\na4 LOGOUT\n"


@pytest.fixture
def lab_with_mail(maco_lab: Lab, tmp_path: Path) -> Forwarding:
    forward = forwarding(maco_lab, tmp_path)
    forward.deliver(MAIL)
    return forward


def run(command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=text, capture_output=True, text=True, encoding="utf-8", timeout=DEADLINE_S, check=False
    )


@pytest.mark.parametrize(("address", "starttls"), [(STARTTLS, ["-starttls", "imap"]), (TLS_END_TO_END, [])])
def test_s_client_verifies_the_mail_server_and_fetches_a_mail(
    lab_with_mail: Forwarding, address: str, starttls: list[str]
) -> None:
    openssl = require_program("openssl")
    verified = ["-CAfile", str(lab_with_mail.root), "-verify_hostname", MAIL_HOST, "-verify_return_error"]
    with lab_with_mail.port(address) as port:
        client = [openssl, "s_client", "-connect", f"127.0.0.1:{port}", *starttls, *verified, "-quiet", "-crlf"]
        done = run(client, DIALOGUE)

    assert done.returncode == 0, done.stderr
    assert "Sent to be read." in done.stdout
    assert "a4 OK" in done.stdout


@pytest.mark.parametrize(("scheme", "address"), [("imap", STARTTLS), ("imaps", TLS_END_TO_END)])
def test_curl_verifies_the_mail_server_and_fetches_a_mail(lab_with_mail: Forwarding, scheme: str, address: str) -> None:
    curl = require_program("curl")
    with lab_with_mail.port(address) as port:
        url = f"{scheme}://{MAIL_HOST}:{port}/INBOX;MAILINDEX=1"
        resolved = ["--resolve", f"{MAIL_HOST}:{port}:127.0.0.1", "--cacert", str(lab_with_mail.root)]
        done = run([curl, "-sS", "--ssl-reqd", *resolved, "--user", f"{USER}:{PASSWORD}", url])

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.encode() == MAIL.replace(b"\r\n", b"\n")


def test_cloud_and_connector_see_curls_handshake_pass_and_do_none_themselves(lab_with_mail: Forwarding) -> None:
    curl = require_program("curl")
    with lab_with_mail.port(TLS_END_TO_END) as port:
        resolved = ["--resolve", f"{MAIL_HOST}:{port}:127.0.0.1", "--cacert", str(lab_with_mail.root)]
        done = run([curl, "-sS", *resolved, "--user", f"{USER}:{PASSWORD}", f"imaps://{MAIL_HOST}:{port}/INBOX"])

    journal = lab_with_mail.lab.journal
    assert done.returncode == 0, done.stderr
    assert {each.party for each in journal.of(ClientHelloPassed)} == {Party.CONNECTIVITY, Party.CLOUD_CONNECTOR}
    handshakes = [each for each in journal.of(Handshake) if each.session is not TlsSession.TUNNEL]
    assert [each.party for each in handshakes] == [Party.MAIL_SERVER]


def test_curl_refuses_the_mail_server_where_it_trusts_another_root(lab_with_mail: Forwarding) -> None:
    curl = require_program("curl")
    with lab_with_mail.port(TLS_END_TO_END) as port:
        resolved = ["--resolve", f"{MAIL_HOST}:{port}:127.0.0.1"]
        done = run([curl, "-sS", *resolved, "--user", f"{USER}:{PASSWORD}", f"imaps://{MAIL_HOST}:{port}/INBOX"])

    assert done.returncode == 60, done.stderr  # curl(1): "Peer certificate cannot be authenticated"
