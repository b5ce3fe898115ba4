"""`openssl s_client` verifies the server on every port, by STARTTLS and by TLS from the first byte."""

from __future__ import annotations

import pytest

from tests.programs import require_program
from tests.real.alone.server import HOST, PASSWORD, USER, AloneServer, mail, run

pytestmark = [pytest.mark.real, pytest.mark.slow]

IMAP = f"a1 LOGIN {USER} {PASSWORD}\na2 SELECT INBOX\na3 FETCH 1 BODY.PEEK[]\na4 LOGOUT\n"


@pytest.mark.parametrize(
    ("protocol", "starttls", "dialogue", "expected"),
    [
        ("imap", ["-starttls", "imap"], IMAP, "Subject: MSCONS"),
        ("imaps", [], IMAP, "Subject: MSCONS"),
        ("smtp", ["-starttls", "smtp"], "EHLO client\nQUIT\n", "250-SIZE"),
        ("submission", ["-starttls", "smtp"], "EHLO client\nQUIT\n", "250-AUTH"),
        ("pop3", ["-starttls", "pop3"], "CAPA\nQUIT\n", "UIDL"),
        ("pop3s", [], "CAPA\nQUIT\n", "UIDL"),
        ("smtps", [], "EHLO client\nQUIT\n", "250-AUTH"),
    ],
)
def test_s_client_verifies_the_server_and_talks_to_it(
    alone: AloneServer, protocol: str, starttls: list[str], dialogue: str, expected: str
) -> None:
    alone.deliver(mail("MSCONS"))
    verified = ["-CAfile", str(alone.root), "-verify_hostname", HOST, "-verify_return_error"]
    connect = ["-connect", f"127.0.0.1:{alone.port(protocol)}", *starttls]
    done = run([require_program("openssl"), "s_client", *connect, *verified, "-quiet", "-crlf"], dialogue)

    assert done.returncode == 0, done.stderr
    assert expected in done.stdout
