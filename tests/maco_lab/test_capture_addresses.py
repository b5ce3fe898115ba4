"""Under which addresses a capture shows the parties: RFC 5737 instead of a loopback address that all would share."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_address

import pytest

from maco_lab.capture_addresses import CaptureAddresses
from maco_lab.taps.chunk import HOPS, Hop
from tests.maco_lab.tapped import SERVER, connection

SERVERS = {SERVER: ("mail.stadtwerke.example", 143), ("127.0.0.1", 40993): ("mail.stadtwerke.example", 993)}
TEST_NETWORKS = [IPv4Network(each) for each in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]  # RFC 5737, 3


@pytest.mark.parametrize(("hop", "network"), list(zip(HOPS, TEST_NETWORKS, strict=True)))
def test_loopback_becomes_a_network_for_documentation_for_each_hop(hop: Hop, network: IPv4Network) -> None:
    ends = CaptureAddresses(SERVERS).ends(connection(hop=hop))

    assert all(end.address in network for end in ends)
    assert ends[0].address != ends[1].address


def test_a_server_has_the_name_and_port_of_the_lab_file_and_a_client_keeps_its_port() -> None:
    addresses = CaptureAddresses(SERVERS)

    client, server = addresses.ends(connection())

    assert (client.port, server.port) == (51234, 143)
    assert dict(addresses.names) == {client.address: "cloud-connector", server.address: "mail.stadtwerke.example"}


@pytest.mark.parametrize(
    ("hop", "name"), [("cloud network", "maco"), ("tunnel", "cloud-connector"), ("customer LAN", "cloud-connector")]
)
def test_a_client_is_named_for_the_party_that_dials_on_the_hop(hop: Hop, name: str) -> None:
    addresses = CaptureAddresses({})

    client, _ = addresses.ends(connection(hop=hop))

    assert dict(addresses.names) == {client.address: name}


def test_a_party_has_one_address_on_a_hop_whatever_its_port() -> None:
    addresses = CaptureAddresses(SERVERS)

    first = addresses.ends(connection())
    second = addresses.ends(connection(2, client=("127.0.0.1", 51235), server=("127.0.0.1", 40993)))

    assert [end.address for end in first] == [end.address for end in second]
    assert second[1].port == 993


def test_addresses_that_are_not_loopback_stay_as_they_are() -> None:
    addresses = CaptureAddresses({("10.0.0.2", 143): ("mail.example", 143)})

    ends = addresses.ends(connection(client=("10.0.0.1", 51234), server=("10.0.0.2", 143)))

    assert [end.address for end in ends] == [IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")]
    assert (IPv4Address("10.0.0.2"), "mail.example") in addresses.names


def test_ipv4_is_written_as_ipv6_where_the_other_end_has_ipv6() -> None:
    ends = CaptureAddresses({}).ends(connection(client=("10.0.0.1", 51234), server=("2001:db8::2", 143)))

    assert [end.address for end in ends] == [ip_address("::ffff:10.0.0.1"), ip_address("2001:db8::2")]


def test_when_all_addresses_of_a_network_are_given_the_real_one_stays() -> None:
    names = {("127.0.0.1", 30_000 + number): (f"host-{number}.example", 143) for number in range(300)}
    addresses = CaptureAddresses(names)

    shown = [addresses.ends(connection(number=port, server=(host, port)))[1].address for host, port in names]

    assert len(set(shown[:253])) == 253  # of 254 hosts one is the client's
    assert set(shown[253:]) == {IPv4Address("127.0.0.1")}
