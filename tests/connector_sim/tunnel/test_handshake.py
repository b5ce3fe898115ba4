from __future__ import annotations

import asyncio

import pytest

from connector_sim.tunnel.handshake import (
    UPGRADE_TOKEN,
    HandshakeBroken,
    HandshakeRefused,
    TunnelHello,
    UpgradeRequest,
    request_upgrade,
)
from maco_net.background import in_background
from maco_net.errors import DeadlineExceeded
from tests.connector_sim.landscape import DEADLINE_S, read_all
from tests.maco_net.pairs import tcp_pair

HELLO = TunnelHello("stadtwerke", "WERK 1/ä", "4711", "2.19.0.2", "t-1", 2, 3)
REQUEST = (
    b"GET /tunnel HTTP/1.1\r\nHost: connectivitytunnel.lab.example\r\n"
    b"Upgrade: maco-lab-tunnel/1\r\nConnection: Upgrade\r\nYamux-Role: server\r\nSubaccount: stadtwerke\r\n"
    b"Location-Id: WERK%201%2F%C3%A4\r\nInstallation-Id: 4711\r\nConnector-Version: 2.19.0.2\r\n"
    b"Tunnel-Id: t-1\r\nTunnel-Connection: 2/3\r\n\r\n"
)
# RFC 9110, section 15.2.2: 101 names in Upgrade "which protocol(s) will be in effect after this response".
ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: maco-lab-tunnel/1\r\nConnection: Upgrade\r\n\r\n"


async def _read(*parts: bytes, timeout_s: float = DEADLINE_S) -> TunnelHello | None:
    async with tcp_pair() as (connector, cloud), asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(UpgradeRequest(cloud, timeout_s).read())
        for part in parts:
            await connector.send(part)
        return await reading


async def _ask(*parts: bytes, timeout_s: float = DEADLINE_S) -> bytes:
    """Ask for a tunnel, let the other end answer ``parts``, and return what was glued behind the answer."""
    async with tcp_pair() as (connector, cloud):

        async def answer() -> None:
            await cloud.receive()
            for part in parts:
                await cloud.send(part)
            await cloud.send_eof()

        async with in_background(answer()):
            return await request_upgrade(connector, HELLO, host="t.example", timeout_s=timeout_s)


def _bytes_of(data: bytes) -> list[bytes]:
    return [bytes([each]) for each in data]


async def test_the_request_tells_who_asks() -> None:
    async with tcp_pair() as (connector, cloud), asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(
            request_upgrade(connector, HELLO, host="connectivitytunnel.lab.example", timeout_s=DEADLINE_S)
        )
        assert await cloud.receive() == REQUEST
        await cloud.send(ACCEPTED)
        await asking


@pytest.mark.parametrize(
    "parts", [[REQUEST], _bytes_of(REQUEST), [REQUEST + b"glued"]], ids=["whole", "bytes", "glued"]
)
async def test_the_cloud_side_reads_the_request(parts: list[bytes]) -> None:
    assert await _read(*parts) == HELLO


@pytest.mark.parametrize("parts", [[ACCEPTED], _bytes_of(ACCEPTED)], ids=["whole", "bytes"])
async def test_the_connector_reads_the_answer(parts: list[bytes]) -> None:
    assert await _ask(*parts) == b""


async def test_bytes_behind_the_answer_belong_to_the_tunnel() -> None:
    assert await _ask(ACCEPTED + b"\x00\x01\x00\x01") == b"\x00\x01\x00\x01"


async def test_bytes_behind_the_request_belong_to_the_tunnel() -> None:
    async with tcp_pair() as (connector, cloud):
        await connector.send(REQUEST + b"\x00\x02")
        request = UpgradeRequest(cloud, DEADLINE_S)
        await request.read()
        assert await request.accept() == b"\x00\x02"


async def test_accepting_answers_101_and_names_the_protocol() -> None:
    async with tcp_pair() as (connector, cloud):
        await connector.send(REQUEST)
        request = UpgradeRequest(cloud, DEADLINE_S)
        await request.read()
        await request.accept()
        answer = await connector.receive()
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert f"Upgrade: {UPGRADE_TOKEN}\r\n".encode() in answer


@pytest.mark.parametrize("status", [400, 401, 403, 409, 503])
async def test_a_refusal_reaches_the_connector_with_its_status(status: int) -> None:
    async with tcp_pair() as (connector, cloud):
        request = UpgradeRequest(cloud, DEADLINE_S)

        async def refuse() -> None:
            await request.read()
            await request.refuse(status)

        async with in_background(refuse()):
            with pytest.raises(HandshakeRefused) as caught:
                await request_upgrade(connector, HELLO, host="t.example", timeout_s=DEADLINE_S)
        assert caught.value.status == status


async def test_a_refusal_reads_as_users_of_the_real_connector_know_it() -> None:
    # facts, section 2.3: "SCC handshake failed: 401 — Unauthorized"
    with pytest.raises(HandshakeRefused) as caught:
        await _ask(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    assert str(caught.value) == "SCC handshake failed: 401 — Unauthorized"


@pytest.mark.parametrize(
    "answer",
    [
        b"* OK IMAP ready\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101",
        b"",
    ],
)
async def test_an_answer_that_opens_no_tunnel_breaks_the_handshake(answer: bytes) -> None:
    with pytest.raises(HandshakeBroken):
        await _ask(answer)


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST.replace(b"GET", b"POST"),
        REQUEST.replace(b"/tunnel", b"/"),
        REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"),
        REQUEST.replace(b"maco-lab-tunnel/1", b"websocket"),
        REQUEST.replace(b"Subaccount", b"Account"),
        REQUEST.replace(b"4711", b"4%0D%0A711"),
        REQUEST.replace(b"4711", b"4" * 190),
        REQUEST.replace(b"Yamux-Role: server", b"Content-Length: 3"),
        REQUEST.replace(b"Yamux-Role: server", b"Transfer-Encoding: chunked"),
        b"\x16\x03\x01 no HTTP\r\n\r\n",
        b"GET /tunnel HTTP/1.1\r\nFiller: " + b"x" * 70_000,
    ],
    ids=["method", "path", "version", "protocol", "nobody", "control", "long", "body", "chunked", "no HTTP", "endless"],
)
async def test_what_asks_for_no_tunnel_is_not_read_as_one(request_: bytes) -> None:
    assert await _read(request_) is None


async def test_a_request_that_was_not_read_can_still_be_answered_400() -> None:
    async with tcp_pair() as (connector, cloud):
        await connector.send(b"\x16\x03\x01 no HTTP\r\n\r\n")
        request = UpgradeRequest(cloud, DEADLINE_S)
        assert await request.read() is None
        await request.refuse(400)
        await cloud.aclose()
        assert (await read_all(connector)).startswith(b"HTTP/1.1 400 ")


async def test_a_peer_that_says_nothing_and_leaves_breaks_the_handshake() -> None:
    async with tcp_pair() as (connector, cloud):
        await connector.send_eof()
        with pytest.raises(HandshakeBroken):
            await UpgradeRequest(cloud, DEADLINE_S).read()


async def test_both_roles_wait_only_so_long() -> None:
    async with tcp_pair() as (connector, cloud):
        with pytest.raises(DeadlineExceeded):
            await UpgradeRequest(cloud, 0.01).read()
        with pytest.raises(DeadlineExceeded):
            await request_upgrade(connector, HELLO, host="t.example", timeout_s=0.01)


async def test_a_request_that_names_no_connection_is_a_tunnel_of_one() -> None:
    hello = await _read(REQUEST.replace(b"Tunnel-Id: t-1\r\nTunnel-Connection: 2/3\r\n", b""))
    assert hello == TunnelHello("stadtwerke", "WERK 1/ä", "4711", "2.19.0.2", "", 1, 1)


@pytest.mark.parametrize("number", [b"0/1", b"2/1", b"1", b"1/", b"1/65", b"01/2", b"-1/2", b"1/2/3", b"1/100", b""])
async def test_a_connection_that_cannot_be_one_of_its_tunnel_is_no_request_for_a_tunnel(number: bytes) -> None:
    assert await _read(REQUEST.replace(b"2/3", number)) is None


async def test_a_tunnel_may_have_as_many_connections_as_allowed() -> None:
    hello = await _read(REQUEST.replace(b"2/3", b"64/64"))
    assert hello is not None
    assert (hello.connection, hello.connections) == (64, 64)
