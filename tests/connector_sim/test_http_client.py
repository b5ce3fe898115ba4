from __future__ import annotations

import asyncio

import pytest

from certs.trust import client_context, server_context
from connector_sim.http_client import HttpBroken, JsonClient
from connector_sim.http_server import HttpAnswer, HttpRequest, serve_http
from maco_net.background import in_background
from maco_net.errors import DeadlineExceeded, NetError
from maco_net.listener import Listener
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream
from maco_net.tls import start_tls
from tests.connector_sim.landscape import CAST, DEADLINE_S, Serve

ADMINISTRATION = server_context(CAST.by_name("administration"))


def _client(**changes: float) -> JsonClient:
    context = client_context([CAST.connector_ca.certificate], check_hostname=True)
    limits = {"connect_s": DEADLINE_S, "request_s": DEADLINE_S} | changes
    return JsonClient(context, "localhost", **limits)  # type: ignore[arg-type]


async def _post(serve: Serve, client: JsonClient | None = None, content: object = None) -> tuple[int, object]:
    """Post to a server of one's own and return what was answered."""
    listener = Listener("127.0.0.1", 0)

    async def one(stream: TcpStream) -> None:
        tls = await start_tls(stream, ADMINISTRATION, server_side=True, timeout_s=DEADLINE_S)
        try:
            await serve(tls)
        finally:
            await tls.aclose()

    async with in_background(listener.serve(one)):
        return await (client or _client()).post(listener.address, "/path", content)


def _saying(answer: bytes) -> Serve:
    async def serve(stream: ByteStream) -> None:
        await stream.receive()
        await stream.send(answer)

    return serve


async def test_content_goes_there_and_comes_back_as_json() -> None:
    async def serve(stream: ByteStream) -> None:
        async def handle(request: HttpRequest) -> HttpAnswer:
            return HttpAnswer(200, [request.method, request.path, request.body.decode()])

        await serve_http(stream, handle, timeout_s=DEADLINE_S)

    assert await _post(serve, content={"a": [1]}) == (200, ["POST", "/path", '{"a": [1]}'])


async def test_a_refusal_is_an_answer_too() -> None:
    async def serve(stream: ByteStream) -> None:
        await serve_http(stream, lambda _: HttpAnswer(409, {"error": "no"}), timeout_s=DEADLINE_S)

    assert await _post(serve) == (409, {"error": "no"})


@pytest.mark.parametrize(
    "answer",
    [
        b"* OK no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnot",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000,
    ],
    ids=["no HTTP", "no JSON", "cut short", "nothing", "a head without end"],
)
async def test_what_is_no_answer_is_an_error_of_the_peer(answer: bytes) -> None:
    with pytest.raises(NetError):
        await _post(_saying(answer))


async def test_a_body_without_end_is_not_read_to_its_end() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with pytest.raises(HttpBroken, match="more than 1000 bytes"):
        await _post(_saying(head + b" " * 2000), _client(max_body_bytes=1000))


async def test_a_peer_that_does_not_answer_is_given_up() -> None:
    async def serve(_: ByteStream) -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlineExceeded):
        await _post(serve, _client(request_s=0.2))


async def test_a_peer_that_does_not_even_do_tls_is_given_up() -> None:
    listener = Listener("127.0.0.1", 0)

    async def say_nothing(_: TcpStream) -> None:
        await asyncio.Event().wait()

    async with in_background(listener.serve(say_nothing)):
        with pytest.raises(NetError):
            await _client(request_s=0.1).post(listener.address, "/", None)
