"""What goes wrong in the middle of a poll loses no mail, doubles none, and holds up no later poll."""

from __future__ import annotations

import asyncio
import imaplib
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from maco_lab.mail_party import restart_mail_server
from maco_lab.testing.lab import Lab
from maco_wire.observation import FaultStruck

WAY_A, WAY_B = "way-a", "way-b"
USERS = {WAY_A: "strom@stadtwerke.example", WAY_B: "gas@stadtwerke.example"}
BEFORE_THE_BODY = {WAY_A: 8, WAY_B: 6}
"""Commands of a poll before the one that fetches bodies: CAPABILITY and STARTTLS and CAPABILITY again, LOGIN, LIST,
SELECT, UID SEARCH, UID FETCH (FLAGS); without STARTTLS two less."""
MAILS = [f"Subject: {number}\r\n\r\n{'x' * 2000}\r\n".encode() for number in range(3)]

ways = pytest.mark.parametrize("way", [WAY_A, WAY_B])


def deliver(lab: Lab, way: str) -> None:
    for mail in MAILS:
        lab.mail_server.deliver(USERS[way], mail)


def assert_each_mail_is_there_once(lab: Lab, way: str) -> None:
    assert Counter(each.raw for each in lab.maco.mails(way)) == Counter(MAILS)
    on_server = lab.mail_server.mails(USERS[way])
    assert Counter(each.raw for each in on_server) == Counter(MAILS)
    assert all("\\Seen" in each.flags for each in on_server)


@ways
@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_literal_that_is_cut_is_fetched_again(maco_lab: Lab, way: str, how: str) -> None:
    deliver(maco_lab, way)
    maco_lab.mail_server.break_at("literal.cut", bytes=700, how=how)

    failed = maco_lab.maco.poll(way)
    assert (failed.succeeded, failed.stage, failed.stored) == (False, "fetch", 0)
    assert maco_lab.maco.poll(way).stored == len(MAILS)
    assert_each_mail_is_there_once(maco_lab, way)


@ways
@pytest.mark.parametrize("by", [-3, 3])
def test_a_literal_of_a_wrong_length_is_fetched_again(maco_lab: Lab, way: str, by: int) -> None:
    deliver(maco_lab, way)
    maco_lab.mail_server.break_at("literal.wrong_length", by=by)

    assert not maco_lab.maco.poll(way).succeeded
    assert maco_lab.maco.poll(way).stored == len(MAILS)
    assert_each_mail_is_there_once(maco_lab, way)


@ways
async def test_a_tunnel_that_is_cut_in_the_middle_of_a_literal_loses_and_doubles_nothing(
    maco_lab: Lab, way: str
) -> None:
    for mail in MAILS:
        await maco_lab.mail_server.deliver_async(USERS[way], mail)
    await asyncio.to_thread(
        maco_lab.mail_server.break_at, "answer.dripping", after=BEFORE_THE_BODY[way], bytes=100, pause_s=0.05
    )
    async with asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(maco_lab.maco.poll_async(way))
        await maco_lab.journal.wait_for_async(FaultStruck)
        await maco_lab.cloud_connector.cut_async()

    assert (poll.result().succeeded, poll.result().stored) == (False, 0)
    await maco_lab.cloud_connector.connect_async()
    again = await maco_lab.maco.poll_async(way)
    assert again.stored == len(MAILS), again
    await asyncio.to_thread(assert_each_mail_is_there_once, maco_lab, way)


def keeps_its_session(data: dict[str, Any]) -> None:
    for connection in data["maco"]["email_connections"]:
        connection["automatically_disconnect"] = False


@pytest.mark.maco_lab(change=keeps_its_session)
@ways
def test_a_session_that_was_kept_outlives_a_restart_of_the_mail_server(maco_lab: Lab, way: str) -> None:
    assert maco_lab.maco.poll(way).succeeded
    running = maco_lab.running
    maco_lab.thread.run(restart_mail_server(running.mail_server, running.file.model.mail_server, running.pki))
    deliver(maco_lab, way)

    assert maco_lab.maco.poll(way).stored == len(MAILS)
    assert maco_lab.maco.poll(way).stored == 0
    assert_each_mail_is_there_once(maco_lab, way)


@contextmanager
def logged_in(lab: Lab, way: str) -> Iterator[imaplib.IMAP4_SSL]:
    context = ssl.create_default_context(cadata=lab.root_pem.decode())
    context.check_hostname = False  # 127.0.0.1 is not in the certificate
    with imaplib.IMAP4_SSL(*lab.mail_server.addresses["imaps"], ssl_context=context) as client:
        client.login(USERS[way], lab.mail_server.accounts[USERS[way]])
        yield client


def make_anew(lab: Lab, way: str) -> None:
    """Delete the folder and put its mails into a new one of the same name, in another order and unread."""
    with logged_in(lab, way) as client:
        client.delete("Markt")
        client.create("Markt")
        for mail in reversed(MAILS):
            client.append("Markt", "", "", mail)


def polls_markt(data: dict[str, Any]) -> None:
    for connection in data["maco"]["email_connections"]:
        connection["folder"] = "Markt"


@pytest.mark.maco_lab(change=polls_markt)
def test_a_folder_that_was_numbered_anew_doubles_no_mail(maco_lab: Lab) -> None:
    with logged_in(maco_lab, WAY_A) as client:
        client.create("Markt")
    make_anew(maco_lab, WAY_A)
    assert maco_lab.maco.poll(WAY_A).stored == len(MAILS)
    before = [mail.id for mail in maco_lab.running.inbox.mails()]
    make_anew(maco_lab, WAY_A)

    again = maco_lab.maco.poll(WAY_A)
    assert (again.succeeded, again.stored, len(again.mails)) == (True, 0, len(MAILS))
    assert [mail.id for mail in maco_lab.running.inbox.mails()] == before
    assert all("\\Seen" in mail.flags for mail in maco_lab.mail_server.mails(USERS[WAY_A], "Markt"))
