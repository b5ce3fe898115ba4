"""What the Connectivity service's SOCKS5 proxy does not speak, and how it says so."""

from __future__ import annotations

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_wire.observation import Handshake, Party, Problem, StreamOpened, StreamRefused
from tests.failures.matrix import Matrix
from tests.failures.raw_client import METHOD_80, METHOD_80_TAKEN, TOKEN_TAKEN, talk, token_message


def assert_nobody_behind_the_proxy_noticed(lab: Lab) -> None:
    assert not lab.journal.of(StreamOpened)
    assert not lab.journal.of(StreamRefused)
    assert not lab.journal.of(Problem, Party.CLOUD_CONNECTOR)
    assert not lab.journal.of(Handshake, Party.MAIL_SERVER)
    assert lab.journal.no_password_was_sent()


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        pytest.param("00", "method 0x00 (no authentication) only", id="no_authentication"),
        pytest.param("02", "method 0x02 (user name and password) only", id="user_name_and_password"),
        pytest.param("00 02", "methods 0x00 and 0x02 only", id="both"),
    ],
)
def test_a_client_that_does_not_offer_0x80_is_answered_with_05_ff_and_closed(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, methods: str, words: str
) -> None:
    offered = bytes.fromhex(methods)

    heard = talk(maco_lab, bytes([5, len(offered)]) + offered)

    # RFC 1928, section 3: "If the selected METHOD is X'FF', none of the methods listed by the client are acceptable".
    assert (heard.answers, heard.rest) == ((bytes.fromhex("05 FF"),), b"")
    assert "method refused" in lab_journal.wait_for(Problem, Party.CONNECTIVITY).text
    assert_nobody_behind_the_proxy_noticed(maco_lab)
    sent = (bytes([5, len(offered)]) + offered).hex(" ")
    matrix.row(f"a client offers {words}", raw=(f"`{sent}`", heard.answers[-1]))


# RFC 1928, section 4: VER CMD RSV ATYP DST.ADDR DST.PORT; section 6: REP 07 and 08, then the bound address, here 0.
MAIL_HOST = "03 17 " + b"mail.stadtwerke.example".hex() + " 00 8F"
UNSUPPORTED = [
    pytest.param("05 02 00 " + MAIL_HOST, "07", "BIND", id="bind"),
    pytest.param("05 03 00 " + MAIL_HOST, "07", "UDP ASSOCIATE", id="udp_associate"),
    pytest.param("05 01 00 04" + " 00" * 15 + " 01 00 8F", "08", "CONNECT to an IPv6 address", id="ipv6"),
]


@pytest.mark.parametrize(("request_bytes", "reply", "words"), UNSUPPORTED)
def test_what_is_not_connect_to_a_name_or_to_ipv4_is_answered_with_its_reply_and_closed(
    maco_lab: Lab, lab_journal: LabJournal, matrix: Matrix, request_bytes: str, reply: str, words: str
) -> None:
    heard = talk(maco_lab, METHOD_80, token_message(maco_lab.token()), bytes.fromhex(request_bytes))

    answer = bytes.fromhex(f"05 {reply} 00 01 00 00 00 00 00 00")
    assert (heard.answers, heard.rest) == ((METHOD_80_TAKEN, TOKEN_TAKEN, answer), b"")
    assert "connect refused" in lab_journal.wait_for(Problem, Party.CONNECTIVITY).text
    assert_nobody_behind_the_proxy_noticed(maco_lab)
    matrix.row(f"a client asks for {words}", raw=(words, answer))
