"""swaks submits a mail through `maco-lab forward` and a TCP mapping to port 587: STARTTLS from end to end, and AUTH."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from maco_lab.testing.lab import Lab
from tests.programs import require_program
from tests.real.forwarding import PASSWORD, SUBMISSION, USER, Forwarding, forwarding, require

pytestmark = [pytest.mark.real, pytest.mark.slow]

DEADLINE_S = 30.0
MAIL = f"From: {USER}\nTo: {USER}\nSubject: CONTRL\n\nSent by swaks.\n.. and a dotted line\n"


@pytest.fixture
def empty_mailbox(maco_lab: Lab, tmp_path: Path) -> Forwarding:
    support = subprocess.run(
        [require_program("swaks"), "--support"], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    require("TLS supported" in support.stdout, "swaks does no TLS (package libnet-ssleay-perl): nothing is proven here")
    return forwarding(maco_lab, tmp_path)


def submit(forward: Forwarding, *transport: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    """Let swaks verify the server's certificate, authenticate and send one mail."""
    (forward.folder / "mail.eml").write_text(MAIL)
    secure = ["--tls", "--tls-verify", "--tls-ca-path", str(forward.root)]
    login = ["--auth", "PLAIN", "--auth-user", USER, "--auth-password", password]
    envelope = ["--from", USER, "--to", USER, "--data", f"@{forward.folder / 'mail.eml'}"]
    return subprocess.run(
        [require_program("swaks"), *transport, *secure, *login, *envelope, "--helo", "client.example"],
        env=forward.environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def assert_arrived(forward: Forwarding, done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "=== TLS started with cipher" in done.stdout
    (mail,) = forward.mails()
    assert mail.endswith(b"Subject: CONTRL\r\n\r\nSent by swaks.\r\n.. and a dotted line\r\n\r\n")


def test_swaks_submits_a_mail_by_port(empty_mailbox: Forwarding) -> None:
    with empty_mailbox.port(SUBMISSION) as port:
        done = submit(empty_mailbox, "--server", "127.0.0.1", "--port", str(port))

    assert_arrived(empty_mailbox, done)


def test_swaks_submits_a_mail_by_standard_input_and_output(empty_mailbox: Forwarding) -> None:
    done = submit(empty_mailbox, "--pipe", empty_mailbox.shell_command(SUBMISSION))

    assert_arrived(empty_mailbox, done)


def test_swaks_with_a_wrong_password_delivers_nothing(empty_mailbox: Forwarding) -> None:
    with empty_mailbox.port(SUBMISSION) as port:
        done = submit(empty_mailbox, "--server", "127.0.0.1", "--port", str(port), password="wrong")

    assert done.returncode == 28  # swaks(1): "error during authentication"
    assert empty_mailbox.mails() == []
