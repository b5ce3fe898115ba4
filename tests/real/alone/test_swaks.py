"""swaks: mail for the MX, and submission with a login by STARTTLS and by TLS from the first byte."""

from __future__ import annotations

import pytest

from tests.programs import missing, require_program
from tests.real.alone.server import ADDRESS, HOST, PASSWORD, USER, AloneServer, run

pytestmark = [pytest.mark.real, pytest.mark.slow]

LOGIN = ["--auth", "PLAIN", "--auth-user", USER, "--auth-password", PASSWORD]


@pytest.mark.parametrize(
    ("protocol", "options"),
    [("smtp", ["--tls"]), ("submission", ["--tls", *LOGIN]), ("smtps", ["--tls-on-connect", *LOGIN])],
)
def test_swaks_verifies_the_server_and_sends_a_mail(alone: AloneServer, protocol: str, options: list[str]) -> None:
    swaks = require_program("swaks")
    if "TLS supported" not in run([swaks, "--support"]).stdout:
        missing("swaks does no TLS (package libnet-ssleay-perl): nothing is proven here")
    target = ["--server", HOST, "--port", str(alone.port(protocol)), "--tls-verify", "--tls-ca-path", str(alone.root)]
    envelope = ["--from", "a@b.example", "--to", ADDRESS, "--helo", "client.example", "--header", "Subject: CONTRL"]
    done = run([swaks, *target, *options, *envelope])

    assert done.returncode == 0, done.stdout + done.stderr
    assert [each["subject"] for each in alone.messages()] == ["CONTRL"]
