from __future__ import annotations

import smtplib
from typing import Any

import pytest

from maco_wire.observation import MailAccepted
from mailserver_sim.settings import Account
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import (
    ADDRESS,
    OTHER_ADDRESS,
    OTHER_PASSWORD,
    OTHER_USER,
    PASSWORD,
    TIMEOUT_S,
    USER,
    RunningServer,
    mail,
)

SENDER = "netz@nb.example"


def limited(start_server: StartServer, **limits: Any) -> RunningServer:
    return start_server(
        accounts=(Account(USER, PASSWORD, (ADDRESS,), **limits), Account(OTHER_USER, OTHER_PASSWORD, (OTHER_ADDRESS,)))
    )


def connect(server: RunningServer) -> smtplib.SMTP:
    client = smtplib.SMTP(*server.address("smtp"), timeout=TIMEOUT_S)
    client.ehlo()
    return client


def test_a_full_mailbox_is_a_reason_to_try_again_and_others_get_the_mail(start_server: StartServer) -> None:
    server = limited(start_server, quota_messages=1)
    server.deliver(mail())
    with connect(server) as client:
        refused = client.sendmail(SENDER, [ADDRESS, OTHER_ADDRESS], mail("second"))
    assert refused == {ADDRESS: (452, b"4.2.2 Mailbox full")}  # RFC 3463, X.2.2
    assert [each.account for each in server.recorder.of(MailAccepted)] == [USER, OTHER_USER]


def test_a_mail_declared_larger_than_the_whole_quota_is_refused_for_good(start_server: StartServer) -> None:
    server = limited(start_server, quota_bytes=1000)
    with connect(server) as client:
        client.mail(SENDER, ["size=1001"])
        assert client.rcpt(ADDRESS)[0] == 552  # RFC 5321, section 4.2.3


@pytest.mark.parametrize(("before", "size", "code"), [(0, 3000, 552), (1, 1500, 452)])
def test_a_mail_of_undeclared_size_is_refused_behind_its_data(
    start_server: StartServer, before: int, size: int, code: int
) -> None:
    server = limited(start_server, quota_bytes=2000)
    for _ in range(before):
        server.deliver(b"x" * 1000)
    with connect(server) as client:
        client.mail(SENDER)
        assert client.rcpt(ADDRESS)[0] == 250
        assert client.data((b"x" * 70 + b"\r\n") * (size // 72))[0] == code
    assert len(server.recorder.of(MailAccepted)) == before
