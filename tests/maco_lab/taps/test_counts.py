"""A tap's count beside those of its two ends: the sender's is the same, the receiver's may lack what came late."""

from __future__ import annotations

import dataclasses

import pytest

from maco_lab.sight import Way
from maco_lab.taps.counts import Count, counts_of
from maco_wire.observation import Hop, Party, SocketClosed

PAYLOAD, WIRE = (100, 2_000), (140, 2_022)

AT_MACO = SocketClosed(Party.MACO, bytes_sent=140, bytes_received=2_022)
AT_MAIL_SERVER = SocketClosed(Party.MAIL_SERVER, bytes_sent=2_022, bytes_received=140)
WAY = Way(
    maco=None,
    tunnel=None,
    lan=None,
    trace_id=None,
    virtual_host="",
    protocol="TCP",
    passed_on={Party.CONNECTIVITY: PAYLOAD, Party.CLOUD_CONNECTOR: PAYLOAD},
    closed={Party.MACO: AT_MACO, Party.MAIL_SERVER: AT_MAIL_SERVER},
    server_names={},
    held={},
)
ENDS = {
    Hop.CLOUD_NETWORK: [Party.CONNECTIVITY, Party.MACO],
    Hop.TUNNEL: [Party.CONNECTIVITY, Party.CLOUD_CONNECTOR],
    Hop.CUSTOMER_LAN: [Party.CLOUD_CONNECTOR, Party.MAIL_SERVER],
}


def with_socket(closed: SocketClosed, hop: Hop = Hop.CLOUD_NETWORK) -> Count:
    """Return what is made of one end's socket."""
    way = dataclasses.replace(WAY, closed={closed.party: closed})
    return counts_of(hop, way, payload=PAYLOAD, wire=WIRE)[-1]


@pytest.mark.parametrize("hop", ENDS)
def test_both_ends_of_a_hop_are_compared(hop: Hop) -> None:
    found = counts_of(hop, WAY, payload=PAYLOAD, wire=WIRE)

    assert [each.party for each in found] == ENDS[hop]
    assert [each.counted for each in found] == [each.tapped for each in found]
    assert [each.differs or each.note for each in found] == ["", ""]


@pytest.mark.parametrize("hop", ENDS)
def test_an_end_that_told_nothing_is_named(hop: Hop) -> None:
    silent = dataclasses.replace(WAY, passed_on={}, closed={})

    differs = [each.differs for each in counts_of(hop, silent, payload=PAYLOAD, wire=WIRE)]

    assert [text.partition(" did not tell how many bytes ")[0] for text in differs] == [str(each) for each in ENDS[hop]]


def test_payload_that_differs_is_told_with_both_counts() -> None:
    other = dataclasses.replace(WAY, passed_on={Party.CONNECTIVITY: (100, 1_999)})

    assert counts_of(Hop.CLOUD_NETWORK, other, payload=PAYLOAD, wire=WIRE)[0].differs == (
        "the tap saw 100 and 2000 bytes of payload, Connectivity service passed on 100 and 1999"
    )


@pytest.mark.parametrize(
    ("hop", "closed"),
    [
        (Hop.CLOUD_NETWORK, dataclasses.replace(AT_MACO, bytes_sent=139)),
        (Hop.CLOUD_NETWORK, dataclasses.replace(AT_MACO, bytes_sent=141)),
        (Hop.CLOUD_NETWORK, dataclasses.replace(AT_MACO, bytes_received=2_023)),
        (Hop.CLOUD_NETWORK, dataclasses.replace(AT_MACO, bytes_received=2_021, peer_ended=True)),
        (Hop.CUSTOMER_LAN, dataclasses.replace(AT_MAIL_SERVER, bytes_sent=2_021)),
        (Hop.CUSTOMER_LAN, dataclasses.replace(AT_MAIL_SERVER, bytes_received=141)),
    ],
)
def test_a_socket_that_carried_something_else_is_told(hop: Hop, closed: SocketClosed) -> None:
    found = with_socket(closed, hop)

    assert found.differs.startswith(f"the tap saw 140 and 2022 bytes, the socket of {closed.party} carried ")
    assert found.counted != found.tapped


def test_bytes_that_came_after_an_end_had_closed_are_noted_and_no_fault_of_the_tap() -> None:
    found = with_socket(dataclasses.replace(AT_MACO, bytes_received=2_000))

    assert (found.differs, found.note) == ("", "the last 22 bytes came after MaCo had closed")


def test_a_system_that_counts_no_bytes_is_noted() -> None:
    found = with_socket(SocketClosed(Party.MACO))

    assert (found.differs, found.note) == ("", "the system of MaCo does not count bytes of sockets")


def test_payload_that_could_not_be_read_is_no_proof() -> None:
    found = counts_of(Hop.TUNNEL, WAY, payload=None, wire=WIRE)

    assert {each.differs for each in found} == {"the tap's bytes could not be counted: its TLS was not opened"}
