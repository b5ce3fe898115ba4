"""Mappings over the real chain: port ranges, and what a change does to connections that are open.

Facts, section 9, number 17: "disconnect cuts them; mapping or trust changes act on new connections".
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from connector_sim.on_premise.access_control import AccessControl
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.system_mapping import MappingProtocol
from maco_net.errors import PeerReset
from maco_net.streams import ByteStream
from maco_wire.observation import Party, StreamOpened, StreamRefused
from maco_wire.socks5 import Connected
from tests.connector_sim.landscape import (
    DEADLINE_S,
    GREETING,
    REFUSED,
    SUBACCOUNT,
    TCP,
    Dialled,
    Landscape,
    back_end,
    echo,
    landscape,
    mapping,
    read_all,
    tls_server,
)
from tests.connector_sim.on_premise.ranges import port_range

HOST = TCP.virtual_host
FTP = port_range("ftp.virtual", 1000, 1010)
ELSEWHERE = mapping(HOST, 143, internal_port=2143)


def _access_control(lab: Landscape) -> AccessControl:
    return lab.connectors[0].access_control(SUBACCOUNT)


@contextlib.asynccontextmanager
async def _open(lab: Landscape) -> AsyncIterator[Dialled]:
    async with back_end(lab, echo):
        dialled = await lab.dial(HOST, 143)
        assert await dialled.read_exactly(len(GREETING)) == GREETING
        yield dialled


async def _still_runs(dialled: Dialled) -> bool:
    await dialled.stream.send(b"NOOP\r\n")
    return await dialled.read_exactly(6) == b"NOOP\r\n"


@pytest.mark.parametrize("protocol", list(MappingProtocol))
async def test_a_port_of_a_range_leads_to_the_internal_port_at_the_same_offset(protocol: MappingProtocol) -> None:
    tls = tls_server() if protocol is MappingProtocol.TCPS else None
    exposed = port_range("ftp.virtual", 1000, 1010, protocol)
    async with landscape(exposed) as lab, back_end(lab, echo, port=2003, tls=tls):
        dialled = await lab.dial("ftp.virtual", 1003)
        assert await dialled.read_exactly(len(GREETING)) == GREETING
        (opened,) = lab.seen.of(StreamOpened, Party.CLOUD_CONNECTOR)
        assert (opened.virtual_port, opened.internal_port, opened.protocol) == (1003, 2003, protocol)


@pytest.mark.parametrize("port", [999, 1011])
async def test_a_port_beside_a_range_is_forbidden_and_the_range_is_named(port: int) -> None:
    async with landscape(FTP) as lab:
        assert (await lab.dial("ftp.virtual", port)).answer == REFUSED["forbidden"]
        (refused,) = lab.seen.of(StreamRefused, Party.CLOUD_CONNECTOR)
        assert refused.nearest == "ftp.virtual:1000-1010"


async def test_a_refused_back_end_of_a_range_is_told_with_its_own_port() -> None:
    async with landscape(FTP) as lab:
        assert (await lab.dial("ftp.virtual", 1003)).answer == REFUSED["host unreachable"]
        (refused,) = lab.seen.of(StreamRefused, Party.CLOUD_CONNECTOR)
        assert "mail.stadtwerke.example:2003" in refused.reason


def _withdraw(control: AccessControl) -> None:
    control.remove(HOST, PortRange(143, 143))


def _lead_elsewhere(control: AccessControl) -> None:
    control.put(ELSEWHERE)


def _replace_all(control: AccessControl) -> None:
    control.replace([FTP])


@pytest.mark.parametrize("change", [_withdraw, _lead_elsewhere, _replace_all])
async def test_a_connection_that_is_open_outlives_a_change_of_its_mapping(
    change: Callable[[AccessControl], None],
) -> None:
    async with landscape(TCP) as lab, _open(lab) as dialled:
        change(_access_control(lab))
        assert not isinstance((await lab.dial(HOST, 143)).answer, Connected)
        assert await _still_runs(dialled)


async def test_a_new_connection_goes_where_the_changed_mapping_leads() -> None:
    async def other(stream: ByteStream) -> None:
        await stream.send(b"* OK the other\r\n")

    async with landscape(TCP) as lab, _open(lab), back_end(lab, other, port=2143):
        _lead_elsewhere(_access_control(lab))
        assert await (await lab.dial(HOST, 143)).read_all() == b"* OK the other\r\n"


async def test_a_mapping_that_was_added_is_open_at_once() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo, port=2003):
        assert (await lab.dial("ftp.virtual", 1003)).answer == REFUSED["forbidden"]
        _access_control(lab).add(FTP)
        assert isinstance((await lab.dial("ftp.virtual", 1003)).answer, Connected)


async def test_disconnecting_cuts_every_connection() -> None:
    async with landscape(TCP) as lab, _open(lab) as first:
        second = await lab.dial(HOST, 143)
        async with asyncio.timeout(DEADLINE_S):
            await lab.connectors[0].tunnels[SUBACCOUNT].disconnect()
        for dialled in (first, second):
            with pytest.raises(PeerReset):
                await read_all(dialled.stream)
        assert (await lab.dial(HOST, 143)).answer == REFUSED["network unreachable"]
