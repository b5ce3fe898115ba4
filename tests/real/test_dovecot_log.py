"""Reading Dovecot's log; the lines are Dovecot 2.3.19's own."""

from __future__ import annotations

import pytest

from tests.real.dovecot_log import LoginLine, login_lines

START = "Nov 23 01:50:20 imap-login: Info: "
WHO = "user=<strom@stadtwerke.example>, rip=<127.0.0.1>, rport=<56794>"
BY_TLS = "TLS, <TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)>"


def login(*, tls: bool = True, server_name: str = "") -> LoginLine:
    version, cipher = ("TLSv1.3", "TLS_AES_256_GCM_SHA384") if tls else ("", "")
    return LoginLine("strom@stadtwerke.example", ("127.0.0.1", 56794), tls, version, cipher, server_name)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{WHO}, {BY_TLS}", login()),
        (f"{WHO}, sni=<mail.stadtwerke.example>, {BY_TLS}", login(server_name="mail.stadtwerke.example")),
        (WHO, login(tls=False)),
    ],
    ids=["TLS", "TLS with SNI", "in clear"],
)
def test_a_login_is_read(line: str, expected: LoginLine) -> None:
    assert login_lines(f"{START}Login: {line}\n") == [expected]


def test_logins_are_told_in_their_order() -> None:
    log = "".join(f"{START}Login: user=<{user}>, rip=<127.0.0.1>, rport=<1>\n" for user in "ab")
    assert [each.user for each in login_lines(log)] == ["a", "b"]


@pytest.mark.parametrize(
    "line",
    [
        "Disconnected: Connection closed (no auth attempts in 0 secs): user=<>, rip=<127.0.0.1>, rport=<47076>",
        f"Disconnected: Connection closed (auth failed, 1 attempts in 0 secs): {WHO}, {BY_TLS}",
    ],
    ids=["no attempt", "failed"],
)
def test_a_connection_without_a_login_that_succeeded_is_none(line: str) -> None:
    assert login_lines(f"{START}{line}\n") == []
