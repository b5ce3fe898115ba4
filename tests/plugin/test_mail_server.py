"""The mail server's fixture: deliver, look into a mailbox, and wait for what a program under test sends."""

from __future__ import annotations

import asyncio
import smtplib
from concurrent.futures import ThreadPoolExecutor

import pytest

from maco_lab.testing.parties import MailServer
from mailserver_sim.store.errors import NoSuchAccount, NoSuchMailbox

STROM, GAS = "strom@stadtwerke.example", "gas@stadtwerke.example"


def send(mail_server: MailServer, to: str, subject: str) -> None:
    """Send a mail by SMTP, as the program under test would."""
    with smtplib.SMTP(*mail_server.addresses["smtp"], timeout=10) as client:
        client.sendmail("netz@nb.example", [to], f"From: netz@nb.example\nTo: {to}\nSubject: {subject}\n\nx\n")


def test_who_waits_gets_a_mail_that_is_there(mail_server: MailServer) -> None:
    send(mail_server, STROM, "MSCONS 1")
    send(mail_server, STROM, "MSCONS 2")

    mail = mail_server.wait_for(STROM, subject="mscons 2", sender="netz@nb", to=STROM)
    assert (mail.uid, mail.subject, mail.flags) == (2, "MSCONS 2", frozenset())


def test_who_waits_gets_anybodys_mail_when_it_comes(mail_server: MailServer) -> None:
    with ThreadPoolExecutor(1) as others:
        waiting = others.submit(mail_server.wait_for, subject="CONTRL")
        send(mail_server, STROM, "MSCONS")
        send(mail_server, GAS, "CONTRL")

        assert waiting.result(10).subject == "CONTRL"


def test_who_waits_for_a_further_mail_passes_over_those_before(mail_server: MailServer) -> None:
    uid = mail_server.deliver(STROM)

    with pytest.raises(TimeoutError, match=r"no message like .*after_uid=1.* of strom@"):
        mail_server.wait_for(STROM, after_uid=uid, timeout=0)


def test_a_mailbox_is_told_with_its_flags(mail_server: MailServer) -> None:
    mail_server.deliver(STROM, "Subject: MSCONS\n\n")

    assert [(each.subject, each.flags) for each in mail_server.mailbox(STROM)] == [("MSCONS", frozenset())]
    with pytest.raises(NoSuchMailbox):
        mail_server.mailbox(STROM, "Spam")
    with pytest.raises(NoSuchAccount):
        mail_server.mailbox("nobody")


async def test_an_async_test_waits_while_its_own_loop_goes_on(mail_server: MailServer) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.to_thread(send, mail_server, STROM, "later"))
        mail = await mail_server.wait_for_async(STROM, subject="later")

    assert [each.raw for each in await mail_server.mailbox_async(STROM)] == [mail.raw]
