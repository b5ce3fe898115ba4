"""The token source against a token service that says what the test wants."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import h11
import pytest

from certs.cast import Cast
from certs.trust import client_context, server_context
from maco_client.failures import TokenFailed
from maco_client.settings import TokenService
from maco_client.token import MAX_ANSWER_BYTES, TokenSource
from maco_net.listener import Listener
from maco_net.streams import ByteStream
from maco_net.tcp import TcpStream
from maco_net.tls import start_tls
from maco_wire.observation import Address


@dataclass
class Service:
    """Answers every request alike, with a number in the token."""

    status: int = 200
    body: bytes | None = None
    expires_in: int = 3600
    hang: bool = False
    raw: bytes | None = None
    tls: ssl.SSLContext | None = None
    requests: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)

    async def serve(self, tcp: TcpStream) -> None:
        stream: ByteStream = tcp
        if self.tls is not None:
            stream = await start_tls(tcp, self.tls, timeout_s=5, server_side=True)
        connection, body, request = h11.Connection(h11.SERVER), b"", None
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive())
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            else:
                break
        if request is None:
            return
        self.requests.append((request.method.decode(), request.target.decode(), parse_qs(body.decode())))
        await self._answer(connection, stream)
        await stream.aclose()

    async def _answer(self, connection: h11.Connection, stream: ByteStream) -> None:
        if self.hang:
            await stream.receive()
            return
        if self.raw is not None:
            await stream.send(self.raw)
            return
        token = {"access_token": f"token-{len(self.requests)}", "token_type": "Bearer", "expires_in": self.expires_in}
        body = json.dumps(token).encode() if self.body is None else self.body
        response = h11.Response(status_code=self.status, headers=[("Content-Length", str(len(body)))])
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            await stream.send(connection.send(event) or b"")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def url(address: Address, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{address[1]}"


async def ask(
    service: Service,
    times: int = 1,
    *,
    clock: Clock | None = None,
    pause_s: float = 0,
    path: str = "",
    context: ssl.SSLContext | None = None,
    server_name: str | None = None,
    timeout_s: float = 5,
) -> list[str]:
    """Ask ``times`` with ``pause_s`` between on the clock, and return the tokens."""
    listener = Listener("127.0.0.1", 0)
    clock = clock or Clock()
    scheme = "https" if service.tls else "http"
    settings = TokenService(url(listener.address, scheme) + path, "client", "sesame&=")
    source = TokenSource(settings, context=context, server_name=server_name, clock=clock, timeout_s=timeout_s)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(listener.serve(service.serve))
        tokens = []
        try:
            for _ in range(times):
                tokens.append(await source.token())
                clock.now += pause_s
        except TokenFailed as error:
            failed = error
        else:
            return tokens
        finally:
            serving.cancel()
            listener.close()  # a request that fails at once ends before serving has begun
    raise failed


async def test_a_token_is_asked_for_by_client_credentials() -> None:
    service = Service()
    assert await ask(service) == ["token-1"]
    # facts of the Cloud Connector, 1.3: POST, form: grant_type=client_credentials, client_id, client_secret
    form = {"grant_type": ["client_credentials"], "client_id": ["client"], "client_secret": ["sesame&="]}
    assert service.requests == [("POST", "/oauth/token", form)]


async def test_a_full_url_is_taken_as_it_is() -> None:
    service = Service()
    await ask(service, path="/other/token")
    assert service.requests[0][1] == "/other/token"


async def test_a_token_is_kept_until_a_minute_before_it_expires() -> None:
    assert await ask(Service(expires_in=3600), 2, pause_s=3539) == ["token-1", "token-1"]


async def test_a_token_is_renewed_a_minute_before_it_expires() -> None:
    assert await ask(Service(expires_in=3600), 2, pause_s=3540) == ["token-1", "token-2"]


async def test_a_forgotten_token_is_fetched_again() -> None:
    listener, service = Listener("127.0.0.1", 0), Service()
    source = TokenSource(TokenService(url(listener.address), "client", "s"))
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(listener.serve(service.serve))
        first = await source.token()
        source.forget()
        second = await source.token()
        serving.cancel()
    assert (first, second) == ("token-1", "token-2")


async def test_those_who_ask_at_once_share_one_request() -> None:
    listener, service = Listener("127.0.0.1", 0), Service()
    source = TokenSource(TokenService(url(listener.address), "client", "s"))
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(listener.serve(service.serve))
        tokens = await asyncio.gather(*(source.token() for _ in range(5)))
        serving.cancel()
    assert set(tokens) == {"token-1"}
    assert len(service.requests) == 1


async def test_https_is_verified_with_the_given_context(cast: Cast) -> None:
    service = Service(tls=server_context(cast.administration))
    context = client_context([cast.connector_ca.certificate, cast.administration.certificate], check_hostname=True)
    assert await ask(service, context=context) == ["token-1"]


async def test_https_to_an_unknown_server_is_no_token(cast: Cast) -> None:
    service = Service(tls=server_context(cast.administration))
    with pytest.raises(TokenFailed):
        await ask(service, context=client_context([], check_hostname=True))
    assert service.requests == []


async def test_the_certificate_is_compared_with_the_given_name_instead_of_the_address(cast: Cast) -> None:
    context = client_context([cast.cloud_root.certificate], check_hostname=True)
    name = cast.settings.tunnel_host
    assert await ask(Service(tls=server_context(cast.tunnel_endpoint)), context=context, server_name=name) == [
        "token-1"
    ]


@pytest.mark.parametrize("name", [None, "other.lab.example"])
async def test_a_certificate_for_another_name_is_no_token_and_gets_no_secret(cast: Cast, name: str | None) -> None:
    service = Service(tls=server_context(cast.tunnel_endpoint))
    with pytest.raises(TokenFailed):
        await ask(service, context=client_context([cast.cloud_root.certificate], check_hostname=True), server_name=name)
    assert service.requests == []


async def test_https_without_a_context_is_no_token(cast: Cast) -> None:
    with pytest.raises(TokenFailed, match="TLS context"):
        await ask(Service(tls=server_context(cast.administration)))


@pytest.mark.parametrize(
    ("service", "words"),
    [
        # RFC 6749, section 5.2: error and error_description
        (Service(401, b'{"error":"invalid_client","error_description":"Bad credentials"}'), "401 invalid_client Bad"),
        (Service(500, b"<html>"), "500"),
        (Service(200, b"{}"), "no access_token"),
        (Service(200, b"[" * 60_000), "no access_token"),
        (Service(200, b'{"access_token": 7}'), "no access_token"),
        (Service(200, b"\xff"), "no access_token"),
        (Service(200, b"x" * (MAX_ANSWER_BYTES + 1)), "more than 65536 bytes"),
        (Service(raw=b"220 smtp\r\n\r\n"), "Token request failed"),
        (Service(raw=b""), "Token request failed"),
        (Service(raw=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000), "Token request failed"),
        (Service(401, b'{"error":"no","error_description":"sesame&= is wrong\\u001b"}'), r"\*\*\* is wrong\\x1b"),
    ],
)
async def test_an_answer_without_a_token_is_a_typed_failure(service: Service, words: str) -> None:
    with pytest.raises(TokenFailed, match=words) as caught:
        await ask(service)
    assert caught.value.stage == "token"
    assert "sesame" not in str(caught.value)


async def test_a_token_service_that_hangs_is_given_up() -> None:
    with pytest.raises(TokenFailed, match=r"no answer within 0\.1 s"):
        await ask(Service(hang=True), timeout_s=0.1)


async def test_a_token_service_that_is_not_there_is_a_typed_failure() -> None:
    listener = Listener("127.0.0.1", 0)
    listener.close()
    with pytest.raises(TokenFailed):
        await TokenSource(TokenService(url(listener.address), "client", "s")).token()


async def test_no_repr_shows_token_or_secret() -> None:
    listener, service = Listener("127.0.0.1", 0), Service()
    source = TokenSource(TokenService(url(listener.address), "client", "sesame"))
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(listener.serve(service.serve))
        await source.token()
        serving.cancel()
    shown = f"{source!r} {source.__dict__!r}"
    assert "token-1" not in shown
    assert "sesame" not in shown
