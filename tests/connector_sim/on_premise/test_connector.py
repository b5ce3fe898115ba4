from __future__ import annotations

import asyncio
import collections
import socket

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from connector_sim.exceptions import SettingsError
from connector_sim.on_premise.settings import MappingProtocol, SubaccountSettings, SystemMapping
from maco_net.errors import PeerReset
from maco_net.socket_side import Channel
from maco_net.streams import ByteStream
from maco_net.tls import TlsStream, start_tls
from maco_wire.canary import Canary
from maco_wire.observation import (
    Address,
    CanarySeen,
    ClientHelloPassed,
    Observation,
    Party,
    Problem,
    StreamClosed,
    StreamOpened,
    StreamRefused,
)
from maco_wire.socks5 import Connected, ConnectRefused, Reply
from tests.connector_sim.landscape import (
    CAST,
    DEADLINE_S,
    GREETING,
    MAIL_HOST,
    OTHER_CLIENT,
    OTHER_SUBACCOUNT,
    SUBACCOUNT,
    TCP,
    TCPS,
    Landscape,
    Trust,
    back_end,
    echo,
    landscape,
    mapping,
    read_all,
    tls_server,
    tunnel_context,
)
from tests.maco_net.pairs import trusting_client

HOST = TCP.virtual_host
CANARY = Canary(3, "password", "kanarienvogel5678")


async def test_access_is_denied_by_default_and_the_nearest_mapping_is_named() -> None:
    async with landscape(TCP) as lab:
        await lab.dial("imap.virtuell", 143)
        (refused,) = lab.seen.of(StreamRefused, Party.CLOUD_CONNECTOR)
        assert refused.reason == "Access denied: no mapping for this virtual host and port"
        assert refused.nearest == "imap.virtual:143"


async def test_the_internal_name_used_instead_of_the_virtual_one_has_a_hint() -> None:
    async with landscape(TCP) as lab:
        await lab.dial(MAIL_HOST, 143)
        (refused,) = lab.seen.of(StreamRefused, Party.CLOUD_CONNECTOR)
        assert refused.nearest == "imap.virtual:143"


async def test_an_open_stream_is_reported_with_its_internal_system_and_sockets() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        await lab.dial(HOST, 143)
        (opened,) = lab.seen.of(StreamOpened, Party.CLOUD_CONNECTOR)
        assert (opened.internal_host, opened.internal_port, opened.protocol) == (MAIL_HOST, 143, MappingProtocol.TCP)
        assert opened.back_end is not None
        assert opened.back_end[1] == lab.names[(MAIL_HOST, 143)]


async def test_a_stream_without_a_request_is_a_problem_and_ends() -> None:
    async with landscape(TCP, on_premise={"open_request_s": 0.05}) as lab:
        session = lab.cloud.registry.find(SUBACCOUNT, "WERK1")
        assert session is not None
        stream = await session.open_stream()
        with pytest.raises(PeerReset):
            await stream.receive()
        assert len(lab.seen.of(Problem, Party.CLOUD_CONNECTOR)) == 1


async def test_a_stream_that_begins_with_nonsense_is_a_problem_and_ends() -> None:
    async with landscape(TCP) as lab:
        session = lab.cloud.registry.find(SUBACCOUNT, "WERK1")
        assert session is not None
        stream = await session.open_stream()
        await stream.send(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(PeerReset):
            await stream.receive()
        assert len(lab.seen.of(Problem, Party.CLOUD_CONNECTOR)) == 1


async def test_a_back_end_that_opens_after_the_stream_was_reset_is_closed_again() -> None:
    opening, go_on = asyncio.Event(), asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(DEADLINE_S)
        async with landscape(TCP, open_s=0.05) as lab:
            lab.names[MAIL_HOST, 143] = server.getsockname()
            back_ends = lab.connectors[0]._back_ends
            really_open = back_ends.open

            async def slow(mapping: SystemMapping, trace_id: str) -> Channel:
                opening.set()
                await go_on.wait()
                return await really_open(mapping, trace_id)

            back_ends.open = slow  # type: ignore[method-assign]
            await lab.dial(HOST, 143)
            await opening.wait()
            go_on.set()
            assert len(await lab.seen.wait_for(StreamClosed, 1, Party.CLOUD_CONNECTOR)) == 1
            opened, _ = server.accept()
            with opened, pytest.raises(ConnectionResetError):
                opened.recv(1)


# The two ways: who sees what


async def test_way_b_the_connector_and_the_proxy_see_the_secret_that_passes_under_no_tls_of_maco() -> None:
    async with (
        landscape(TCPS, canaries=(CANARY,)) as lab,
        back_end(lab, echo, port=993, tls=tls_server()),
    ):
        dialled = await lab.dial(HOST, 993)
        await dialled.stream.send(b"a1 LOGIN maco kanarienvogel5678\r\n")
        await lab.seen.wait_for(CanarySeen, 4)
        seen = {(each.party, each.direction) for each in lab.seen.of(CanarySeen)}
        assert seen == {
            (party, direction)
            for party in (Party.CONNECTIVITY, Party.CLOUD_CONNECTOR)
            for direction in ("to_mail_server", "to_maco")
        }


async def test_way_b_no_client_hello_passes_anybody() -> None:
    async with landscape(TCPS) as lab, back_end(lab, echo, port=993, tls=tls_server()):
        dialled = await lab.dial(HOST, 993)
        assert await dialled.read_exactly(len(GREETING)) == GREETING
        assert lab.seen.of(ClientHelloPassed) == []


async def test_way_a_nobody_between_sees_the_secret_under_macos_own_tls() -> None:
    async with landscape(TCP, canaries=(CANARY,)) as lab, back_end(lab, _starttls_echo):
        tls = await _starttls(lab)
        await tls.send(b"a2 LOGIN maco kanarienvogel5678\r\n")
        assert await tls.receive() == b"a2 LOGIN maco kanarienvogel5678\r\n"
        await tls.aclose()
        assert lab.seen.of(CanarySeen) == []


async def test_way_a_the_client_hello_passes_both_parties_with_its_name_and_offset() -> None:
    async with landscape(TCP) as lab, back_end(lab, _starttls_echo):
        await (await _starttls(lab)).aclose()
        passed = lab.seen.of(ClientHelloPassed)
        assert {each.party for each in passed} == {Party.CONNECTIVITY, Party.CLOUD_CONNECTOR}
        assert {(each.server_name, each.offset) for each in passed} == {(MAIL_HOST, len(STARTTLS))}


STARTTLS = b"a1 STARTTLS\r\n"


async def _starttls_echo(stream: ByteStream) -> None:
    """Greet, begin TLS when asked, then say everything back."""
    await stream.send(GREETING)
    assert await stream.receive() == STARTTLS
    await stream.send(b"a1 OK\r\n")
    tls = await start_tls(stream, tls_server(), server_side=True, timeout_s=DEADLINE_S)  # type: ignore[arg-type]
    try:
        while data := await tls.receive():
            await tls.send(data)
    finally:
        await tls.aclose()


async def _starttls(lab: Landscape) -> TlsStream:
    dialled = await lab.dial(HOST, 143)
    assert isinstance(dialled.answer, Connected)
    await dialled.read_exactly(len(GREETING))
    await dialled.stream.send(STARTTLS)
    assert await dialled.read_exactly(7) == b"a1 OK\r\n"
    context = trusting_client()
    context.load_verify_locations(cadata=CAST.root_certificate.public_bytes(Encoding.DER))
    return await start_tls(dialled.stream, context, server_name=MAIL_HOST, timeout_s=DEADLINE_S)


# What the cloud side learns

INTERNAL = "geheim01.intern.example"


async def test_the_cloud_side_learns_no_internal_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open, refuse and fail in every way, and look at all the cloud side reported, answered and was sent."""
    heard: dict[Address, bytearray] = collections.defaultdict(bytearray)
    receive, receive_into = TlsStream.receive, TlsStream.receive_into

    async def noted(stream: TlsStream, max_bytes: int = 65_536) -> bytes:
        data = await receive(stream, max_bytes)
        heard[stream.local_address] += data
        return data

    def noted_into(stream: TlsStream, room: memoryview) -> int | None:
        count = receive_into(stream, room)
        heard[stream.local_address] += room[: count or 0]
        return count

    monkeypatch.setattr(TlsStream, "receive", noted)
    monkeypatch.setattr(TlsStream, "receive_into", noted_into)
    mappings = (
        mapping("good.virtual", 143, internal=INTERNAL, internal_port=1143),
        mapping("down.virtual", 143, internal=INTERNAL, internal_port=2143),
        mapping("tls.virtual", 993, MappingProtocol.TCPS, 3143, INTERNAL),
    )
    async with (
        landscape(*mappings, trust=Trust()) as lab,
        back_end(lab, echo, port=1143, host=INTERNAL),
        back_end(lab, echo, port=3143, host=INTERNAL, tls=tls_server()),
    ):
        said = bytearray()
        for host, port in (("good.virtual", 143), ("down.virtual", 143), ("tls.virtual", 993), ("goo.virtual", 143)):
            dialled = await lab.dial(host, port)
            await dialled.stream.send_eof()
            said += repr(dialled.events).encode() + await dialled.read_all()
        await lab.seen.wait_for(StreamClosed, 2)
    from_connector = bytes(heard[lab.cloud.tunnel_address])
    assert _replies(lab) == [None, 4, 4, 2]
    assert INTERNAL in lab.seen.text(Party.CLOUD_CONNECTOR)  # it was there to be leaked
    assert "geheim" not in lab.seen.text(Party.CONNECTIVITY)
    assert GREETING in from_connector  # the bytes that were looked at are those of the tunnel
    assert b"geheim" not in from_connector
    assert b"geheim" not in said


def _replies(lab: Landscape) -> list[int | None]:
    """Return what the cloud side answered, None for an open stream."""
    answered: list[Observation] = [
        each
        for each in lab.seen.observations
        if each.party is Party.CONNECTIVITY and isinstance(each, StreamOpened | StreamRefused)
    ]
    return [each.reply if isinstance(each, StreamRefused) else None for each in answered]


async def test_a_cancelled_landscape_ends_within_a_second() -> None:
    never = asyncio.Event()

    async def stuck(_: ByteStream) -> None:
        await never.wait()

    loop = asyncio.get_running_loop()
    async with landscape(TCP, TCPS) as lab, back_end(lab, stuck):
        for _ in range(20):
            await lab.dial(HOST, 143)
        begun = loop.time()
    assert loop.time() - begun < 1.0
    assert len(lab.seen.of(StreamClosed, Party.CLOUD_CONNECTOR)) == 20


async def test_what_the_back_end_said_last_arrives_before_its_end() -> None:
    async def goodbye(stream: ByteStream) -> None:
        await stream.send(b"x" * 300_000 + b"* BYE\r\n")

    async with landscape(TCPS) as lab, back_end(lab, goodbye, port=993, tls=tls_server()):
        dialled = await lab.dial(HOST, 993)
        assert len(await dialled.read_all()) == 300_007


async def test_a_truncated_back_end_is_a_reset_for_maco_and_told_by_the_connector() -> None:
    async def cut(stream: ByteStream) -> None:
        await stream.send(b"half an answ")
        assert isinstance(stream, TlsStream)
        stream._sock.close()  # without close_notify

    async with landscape(TCPS) as lab, back_end(lab, cut, port=993, tls=tls_server()):
        dialled = await lab.dial(HOST, 993)
        with pytest.raises(PeerReset):
            await read_all(dialled.stream)
        (closed,) = await lab.seen.wait_for(StreamClosed, 1, Party.CLOUD_CONNECTOR)
        assert closed.ended_by == "truncated"


async def test_what_is_exposed_may_change_while_the_tunnel_is_up() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        connector = lab.connectors[0]
        connector.expose(SUBACCOUNT, ())
        assert (await lab.dial(HOST, 143)).answer == ConnectRefused(Reply.FORBIDDEN)
        connector.expose(SUBACCOUNT, (TCP,))
        assert isinstance((await lab.dial(HOST, 143)).answer, Connected)
        assert connector.mappings(SUBACCOUNT) == (TCP,)


async def test_a_virtual_system_that_is_exposed_twice_is_refused_and_nothing_changes() -> None:
    async with landscape(TCP) as lab:
        with pytest.raises(SettingsError):
            lab.connectors[0].expose(SUBACCOUNT, (TCP, TCP))
        assert lab.connectors[0].mappings(SUBACCOUNT) == (TCP,)


async def test_a_subaccount_may_be_added_while_the_connector_runs() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        (each,) = lab.connectors
        before = each.revision

        added = SubaccountSettings(OTHER_SUBACCOUNT, "WERK1", (TCP,))
        assert await each.add(added, tunnel_context(OTHER_SUBACCOUNT))

        assert each.revision > before
        dialled = await lab.dial(HOST, 143, token=lab.token(OTHER_CLIENT))
        assert isinstance(dialled.answer, Connected)
        with pytest.raises(KeyError):
            await each.add(added, tunnel_context(OTHER_SUBACCOUNT))


async def test_a_subaccount_that_is_removed_cuts_what_runs_and_is_forgotten() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        (each,) = lab.connectors
        dialled = await lab.dial(HOST, 143)
        before = each.revision

        await each.remove(SUBACCOUNT)

        assert (list(each.tunnels), each.revision > before) == ([], True)
        with pytest.raises(PeerReset):
            await dialled.read_all()
        assert (await lab.dial(HOST, 143)).answer == ConnectRefused(Reply.NETWORK_UNREACHABLE)
        with pytest.raises(KeyError):
            await each.remove(SUBACCOUNT)


async def test_a_subaccount_that_was_removed_may_come_back() -> None:
    async with landscape(TCP) as lab, back_end(lab, echo):
        (each,) = lab.connectors
        await each.remove(SUBACCOUNT)

        assert await each.add(SubaccountSettings(SUBACCOUNT, "WERK1", (TCP,)), tunnel_context(SUBACCOUNT))
        assert isinstance((await lab.dial(HOST, 143)).answer, Connected)


async def test_a_subaccount_that_is_added_to_a_shadow_waits_to_be_connected() -> None:
    async with landscape(TCP) as lab:
        (each,) = lab.connectors

        added = SubaccountSettings(OTHER_SUBACCOUNT, "WERK1")
        assert not await each.add(added, tunnel_context(OTHER_SUBACCOUNT), connects=False)
        assert each.tunnels[OTHER_SUBACCOUNT].state == "Disconnected"
        assert await each.connect()
        assert each.tunnels[OTHER_SUBACCOUNT].state == "Connected"
