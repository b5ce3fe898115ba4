from __future__ import annotations

import ssl

import pytest

from certs.trust import client_context
from connector_sim.passage import Passage, Watcher
from maco_wire.canary import Canary
from maco_wire.observation import CanarySeen, ClientHelloPassed, Direction, Observation, Party

CANARY = Canary(7, "mail line", "kanarienvogel1234")


def _client_hello(name: str | None) -> bytes:
    """Return what the real library sends first (RFC 8446, section 4.1.2)."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    end = client_context([], check_hostname=False).wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        end.do_handshake()
    return outgoing.read()


HELLO = _client_hello("imap.virtual")


def _passage(direction: Direction = "to_mail_server") -> tuple[Passage, list[Observation]]:
    seen: list[Observation] = []
    return Watcher(Party.CONNECTIVITY, seen.append, (CANARY,)).passage(direction, "trace"), seen


def test_a_client_hello_that_begins_the_connection_is_reported_with_its_name() -> None:
    passage, seen = _passage()
    passage.see(HELLO)
    assert seen == [ClientHelloPassed(Party.CONNECTIVITY, "imap.virtual", 0, trace_id="trace")]


def test_a_client_hello_behind_starttls_is_reported_with_its_offset() -> None:
    passage, seen = _passage()
    passage.see(b"a1 STARTTLS\r\n")
    passage.see(HELLO)
    assert seen == [ClientHelloPassed(Party.CONNECTIVITY, "imap.virtual", 13, trace_id="trace")]


def test_a_client_hello_that_begins_the_connection_may_arrive_byte_by_byte() -> None:
    passage, seen = _passage()
    for each in HELLO:
        passage.see(bytes([each]))
    assert [type(each) for each in seen] == [ClientHelloPassed]


def test_a_client_hello_behind_starttls_may_arrive_in_two_pieces() -> None:
    passage, seen = _passage()
    passage.see(b"a1 STARTTLS\r\n")
    passage.see(HELLO[:40])
    passage.see(HELLO[40:])
    assert [type(each) for each in seen] == [ClientHelloPassed]


def test_a_client_hello_without_a_name_is_reported_too() -> None:
    passage, seen = _passage()
    passage.see(_client_hello(None))
    assert seen == [ClientHelloPassed(Party.CONNECTIVITY, "", 0, trace_id="trace")]


def test_only_the_first_client_hello_is_reported() -> None:
    passage, seen = _passage()
    passage.see(HELLO)
    passage.see(HELLO)
    assert len(seen) == 1


@pytest.mark.parametrize("data", [b"a1 LOGIN u p\r\n", b"\x16\x03\x01\x00\x05\x01no TLS at all", b"\x16", b""])
def test_other_bytes_are_no_client_hello(data: bytes) -> None:
    passage, seen = _passage()
    passage.see(data)
    passage.see(data)
    assert seen == []


def test_nobody_says_client_hello_towards_maco() -> None:
    passage, seen = _passage("to_maco")
    passage.see(HELLO)
    assert seen == []


def test_a_canary_is_reported_by_its_number_and_never_by_its_value() -> None:
    passage, seen = _passage("to_maco")
    passage.see(b"* 1 FETCH (BODY[] {17}\r\nkanarien")
    passage.see(b"vogel1234)\r\n")
    assert seen == [CanarySeen(Party.CONNECTIVITY, 7, "mail line", "to_maco", "plain", trace_id="trace")]
    assert CANARY.value not in repr(seen) + repr(passage)


def test_the_bytes_of_the_direction_are_counted() -> None:
    passage, _ = _passage()
    passage.see(b"abc")
    passage.see(b"de")
    assert passage.count == 5
