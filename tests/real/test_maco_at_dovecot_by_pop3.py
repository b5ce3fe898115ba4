"""MaCo by POP3 at a real Dovecot: alone, killed in the middle, and through the lab by both ways."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Authority
from maco_client.fault_points import FaultPointName
from maco_client.settings import PostProcessing, TransportProtocol
from maco_lab.testing.lab import lab_for_tests
from maco_wire.observation import Handshake, Party, TlsSession
from tests.maco_client.killed import victim
from tests.maco_client.killed.test_killed_polls import in_inbox
from tests.maco_client.killed.victim import Nursery, Poll, nursery
from tests.pop3 import POP3_A, POP3_B, with_pop3
from tests.real.dovecot import Dovecot, dovecot
from tests.real.test_dovecot_through_the_lab import MAIL_HOST, USERS, mail_for, passwords

pytestmark = [pytest.mark.real, pytest.mark.slow]

PASSWORD = "sesame"
HOWS = (PostProcessing.DELETE, PostProcessing.LEAVE)
POINTS: tuple[FaultPointName, ...] = ("searched", "fetched", "committed", "deleted", "closed", "post_processed")
NAMES = [f"user{number}" for number in range(len(HOWS) + len(POINTS) + 1)]
MAILS = [
    b"Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.x\r\nend\r\n",
    b"Subject: large\r\n\r\n" + b"0123456789" * 20_000 + b"\r\n",
    b"Subject: empty\r\n\r\n",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dovecot, bytes]]:
    """Run a Dovecot, and return it with the DER of its root."""
    root = Authority.root("Root", now=dt.datetime.now(dt.UTC))
    issued = root.issue(MAIL_HOST, dns_names=[MAIL_HOST])
    with dovecot(tmp_path_factory.mktemp("pop3"), issued, dict.fromkeys(NAMES, PASSWORD), pop3=True) as running:
        yield running, root.identity.certificate.public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def processes() -> Iterator[Nursery]:
    with nursery() as running:
        yield running


def a_poll(server: tuple[Dovecot, bytes], user: str, how: PostProcessing, folder: Path) -> Poll:
    running, root = server
    for mail in MAILS:
        running.deliver(user, mail)
    by = TransportProtocol.POP3
    return Poll(folder / "inbox.db", running.pop3s, MAIL_HOST, root, user, PASSWORD, how, "", by=by)


@pytest.mark.parametrize("how", HOWS)
def test_each_mail_is_in_the_inbox_once_byte_for_byte(
    server: tuple[Dovecot, bytes], tmp_path: Path, how: PostProcessing
) -> None:
    poll = a_poll(server, NAMES[HOWS.index(how)], how, tmp_path)

    first, second = victim.run(poll), victim.run(poll)

    assert (first.error, first.stored, second.error, second.stored) == ("", len(MAILS), "", 0)
    assert in_inbox(poll) == Counter(MAILS)
    left = Counter(MAILS) if how is PostProcessing.LEAVE else Counter[bytes]()
    assert Counter(server[0].mails(poll.user)) == left


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_poll_neither_loses_nor_doubles_a_mail(
    server: tuple[Dovecot, bytes], processes: Nursery, tmp_path: Path, point: FaultPointName
) -> None:
    poll = a_poll(server, NAMES[len(HOWS) + POINTS.index(point)], PostProcessing.DELETE, tmp_path)

    assert processes.killed_at(poll, point)
    result = victim.run(poll)

    assert result.succeeded, result
    assert in_inbox(poll) == Counter(MAILS)
    assert server[0].mails(poll.user) == []


def test_unique_ids_that_dovecot_makes_up_anew_double_no_mail(server: tuple[Dovecot, bytes], tmp_path: Path) -> None:
    poll = a_poll(server, NAMES[-1], PostProcessing.LEAVE, tmp_path)
    first = victim.run(poll)
    server[0].forget_numbers(poll.user)
    second = victim.run(poll)

    assert (first.stored, second.error, second.stored) == (len(MAILS), "", 0)
    assert {each.unique_id for each in first.mails}.isdisjoint(each.unique_id for each in second.mails)
    assert in_inbox(poll) == Counter(MAILS)


@pytest.mark.parametrize(("way", "party"), [(POP3_A, Party.MACO), (POP3_B, Party.CLOUD_CONNECTOR)])
def test_both_ways_through_the_lab(tmp_path: Path, way: str, party: Party) -> None:
    root = Authority.root("The customer's own root", now=dt.datetime.now(dt.UTC))
    issued = root.intermediate("The customer's own issuing authority").issue(MAIL_HOST, dns_names=[MAIL_HOST])
    (tmp_path / "root.pem").write_bytes(root.identity.certificate_pem())
    like = {POP3_A: "way-a", POP3_B: "way-b"}[way]

    with dovecot(tmp_path, issued, passwords(tmp_path), pop3=True) as server:

        def in_place(data: dict[str, Any]) -> None:
            with_pop3(data)
            data["hosts"] |= {f"{MAIL_HOST}:110": "{}:{}".format(*server.pop3)}
            data["hosts"] |= {f"{MAIL_HOST}:995": "{}:{}".format(*server.pop3s)}
            anchor = {"file": str(tmp_path / "root.pem")}
            data["maco"]["key_store"] = {"customer-root": anchor}
            data["cloud_connectors"][0]["back_end_trust_store"]["certificates"] = [anchor]

        with lab_for_tests(in_place) as lab:
            server.deliver(USERS[like], mail_for(like))
            results = [lab.maco.poll(way) for _ in range(2)]
            raw = [each.raw for each in lab.maco.mails(way)]
            shaken = [each for each in lab.journal.of(Handshake) if each.session is not TlsSession.TUNNEL]
            left = server.mails(USERS[like])

    assert [(each.error, each.stored) for each in results] == [("", 1), ("", 0)]
    assert raw == [mail_for(like) + b"\r\n"]  # RFC 1939, section 3: every line ends with CRLF
    assert left == []
    assert [each.party for each in shaken] == [party, party]
