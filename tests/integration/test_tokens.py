"""A token that is not right is refused in the sub-negotiation (01 05), before anything else is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from maco_client.token import TokenSource
from maco_lab.testing.journal import DEADLINE_S, LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.testing.parties import Maco
from maco_net.tcp import TcpStream, connect_tcp
from maco_wire.observation import Handshake, Party, StreamOpened, StreamRefused, TokenRefused
from maco_wire.socks5 import Authenticated, AuthenticationRefused, ClientEvent, MethodAccepted, Socks5Client

pytestmark = pytest.mark.usefixtures("mail_waits")

MakeToken = Callable[[Lab], str]


def tampered(lab: Lab) -> str:
    """Return a good token with one character of its claims changed."""
    head, claims, signature = lab.token().split(".")
    other = "A" if claims[20] != "A" else "B"
    return ".".join((head, claims[:20] + other + claims[21:], signature))


def expired(lab: Lab) -> str:
    """Return a token whose time is up."""
    return lab.token(lifetime_s=-1)


async def show_token(lab: Lab, token: str) -> tuple[list[ClientEvent], bytes, TcpStream]:
    """Offer a token; return the client's events, the raw answer to the token, and the connection."""
    machine = Socks5Client(token=token, location_id="WERK1", host="mail.stadtwerke.example", port=143)
    stream = await connect_tcp(*lab.addresses["socks5"], timeout_s=DEADLINE_S)
    await stream.send(machine.data_to_send())
    events = machine.receive_data(await stream.receive())
    await stream.send(machine.data_to_send())
    answer = await stream.receive()
    return events + machine.receive_data(answer), answer, stream


async def show_bad_token(lab: Lab, token: str) -> tuple[list[ClientEvent], bytes, bytes]:
    """Offer a token that is refused; return what comes behind the refusal too."""
    events, answer, stream = await show_token(lab, token)
    rest = await stream.receive()
    await stream.aclose()
    return events, answer, rest


async def show_good_token(lab: Lab) -> tuple[list[ClientEvent], bytes]:
    events, answer, stream = await show_token(lab, lab.token())
    await stream.aclose()
    return events, answer


@pytest.mark.parametrize(
    ("make", "reason"), [(tampered, "signature"), (expired, "expired")], ids=["tampered", "expired"]
)
def test_a_bad_token_is_answered_with_01_05_and_the_connection_is_closed(
    maco_lab: Lab, lab_journal: LabJournal, make: MakeToken, reason: str
) -> None:
    token = make(maco_lab)

    events, answer, rest = maco_lab.thread.run(show_bad_token(maco_lab, token))

    assert events == [MethodAccepted(), AuthenticationRefused(5)]
    assert answer == bytes.fromhex("01 05")  # facts, section 1.2: an invalid token is told by the status
    assert rest == b""
    refused = lab_journal.wait_for(TokenRefused, Party.CONNECTIVITY)
    assert reason in refused.reason
    assert token not in refused.reason
    assert not lab_journal.of(StreamOpened)
    assert not lab_journal.of(StreamRefused)
    assert not lab_journal.of(Handshake, Party.MAIL_SERVER)


def test_a_good_token_is_answered_with_01_00(maco_lab: Lab, lab_journal: LabJournal) -> None:
    events, answer = maco_lab.thread.run(show_good_token(maco_lab))

    assert events == [MethodAccepted(), Authenticated()]
    assert answer == bytes.fromhex("01 00")
    assert not lab_journal.of(TokenRefused)


@pytest.mark.parametrize("make", [tampered, expired], ids=["tampered", "expired"])
def test_maco_with_a_bad_token_fails_before_it_names_a_host(
    maco_lab: Lab,
    maco: Maco,
    lab_journal: LabJournal,
    make: MakeToken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = make(maco_lab)

    async def bad_token(_: TokenSource) -> str:
        return token

    monkeypatch.setattr(TokenSource, "token", bad_token)

    result = maco.poll("way-a")

    assert (result.succeeded, result.stage, result.stored) == (False, "socks", 0)
    assert lab_journal.of(TokenRefused, Party.CONNECTIVITY)
    assert not lab_journal.of(StreamOpened)
    assert not lab_journal.of(Handshake, Party.MAIL_SERVER)
    assert lab_journal.no_password_was_sent()
