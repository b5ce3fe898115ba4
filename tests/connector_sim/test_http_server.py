from __future__ import annotations

import asyncio
import http
import json
import logging
import subprocess
from collections.abc import Callable

import h11
import pytest

from connector_sim.http_server import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    HttpAnswer,
    HttpRequest,
    Limits,
    RawAnswer,
    serve_http,
)
from tests.connector_sim.landscape import DEADLINE_S, SECRET, cloud_side, read_all
from tests.maco_net.pairs import tcp_pair
from tests.programs import require_program


def _say_it_back(request: HttpRequest) -> HttpAnswer:
    return HttpAnswer(200, {"method": request.method, "path": request.path, "body": request.body.decode()})


async def _exchange(
    *parts: bytes, handle: Callable[[HttpRequest], HttpAnswer | RawAnswer] = _say_it_back, timeout_s: float = DEADLINE_S
) -> bytes:
    """Send ``parts``, read until the server closes, and return all it said."""
    async with tcp_pair() as (client, server), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_http(server, handle, timeout_s=timeout_s))
        for part in parts:
            await client.send(part)
        answer = await read_all(client)
        await client.aclose()
        return answer


def _post(body: bytes, *headers: str) -> bytes:
    lines = ["POST /a?b=c HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def _json(answer: bytes) -> object:
    return json.loads(answer.partition(b"\r\n\r\n")[2])


async def test_a_request_is_answered_in_json_that_nobody_may_store() -> None:
    answer = await _exchange(_post(b"hello"))
    assert _json(answer) == {"method": "POST", "path": "/a", "body": "hello"}
    assert b"Cache-Control: no-store\r\n" in answer  # RFC 6749, section 5.1


async def test_a_request_may_arrive_byte_by_byte() -> None:
    answer = await _exchange(*(bytes([each]) for each in _post(b"hello")))
    assert _json(answer) == {"method": "POST", "path": "/a", "body": "hello"}


async def test_two_requests_on_one_connection_are_both_answered() -> None:
    first = b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n"
    second = b"GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await _exchange(first + second)
    assert (answer.count(b"HTTP/1.1 200"), b"/first" in answer, b"/second" in answer) == (2, True, True)


async def test_a_body_over_the_limit_is_413_and_the_answer_arrives_although_more_was_sent() -> None:
    answer = await _exchange(_post(b"x" * (MAX_BODY_BYTES + 200_000)))
    assert (_status(answer), b"Connection: close\r\n" in answer) == (413, True)


async def test_a_body_at_the_limit_is_read() -> None:
    assert _status(await _exchange(_post(b"x" * MAX_BODY_BYTES))) == 200


async def test_a_head_over_the_limit_is_431() -> None:
    assert _status(await _exchange(_post(b"", f"Filler: {'x' * 2 * MAX_HEAD_BYTES}"))) == 431


async def test_what_is_no_http_is_400() -> None:
    assert _status(await _exchange(b"\x05\x01\x80\r\n\r\n")) == 400


async def test_a_head_request_is_answered_without_a_body() -> None:
    answer = await _exchange(b"HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (_status(answer), answer.partition(b"\r\n\r\n")[2]) == (200, b"")


async def test_a_client_that_waits_for_100_gets_it() -> None:
    async with tcp_pair() as (client, server), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_http(server, _say_it_back, timeout_s=DEADLINE_S))
        head, body = _post(b"hello", "Expect: 100-continue").split(b"\r\n\r\n")
        await client.send(head + b"\r\n\r\n")
        machine = h11.Connection(h11.CLIENT)
        machine.send(h11.Request(method="POST", target="/", headers=[("Host", "x"), ("Content-Length", "5")]))
        machine.receive_data(await client.receive())
        informational = machine.next_event()
        assert isinstance(informational, h11.InformationalResponse)
        assert informational.status_code == 100
        await client.send(body)
        assert _status(await read_all(client)) == 200
        await client.aclose()


async def test_a_slow_client_is_cut_off() -> None:
    assert await _exchange(b"POST /a HTTP/1.1\r\nHost: x\r\n", timeout_s=0.05) == b""


async def test_a_client_that_leaves_in_the_middle_is_no_error() -> None:
    async with tcp_pair() as (client, server), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_http(server, _say_it_back, timeout_s=DEADLINE_S))
        await client.send(b"POST /a HTTP/1.1\r\n")
        client.abort()


FORM = f"grant_type=client_credentials&client_id=maco&client_secret={SECRET}"


@pytest.mark.real
async def test_curl_gets_a_token_from_the_form_and_from_the_basic_header() -> None:
    curl = require_program("curl")
    async with cloud_side() as lab:
        url = f"{lab.cloud.token_url}/oauth/token"
        by_form = await _curl(curl, "--data", FORM, url)
        by_header = await _curl(curl, "--user", f"maco:{SECRET}", "--data", "grant_type=client_credentials", url)
        for answer in (by_form, by_header):
            assert lab.cloud.tokens.verify(json.loads(answer)["access_token"]).client_id == "maco"


@pytest.mark.real
async def test_curl_sees_401_for_a_wrong_secret_and_404_for_a_wrong_path() -> None:
    curl = require_program("curl")
    async with cloud_side() as lab:
        show_status = ("--output", "-", "--write-out", "\n%{http_code}")
        wrong_secret = await _curl(curl, *show_status, "--data", FORM + "x", f"{lab.cloud.token_url}/oauth/token")
        wrong_path = await _curl(curl, *show_status, "--data", FORM, f"{lab.cloud.token_url}/oauth2/token")
        assert (wrong_secret.splitlines()[-1], wrong_path.splitlines()[-1]) == ("401", "404")


async def _curl(program: str, *arguments: str) -> str:
    command = [program, "--silent", "--show-error", "--max-time", "5", "--noproxy", "*", *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    return done.stdout


async def test_neither_secret_nor_token_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with cloud_side() as lab, tcp_pair() as (client, server), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_http(server, lab.cloud._token_service.handle, timeout_s=DEADLINE_S))
        body = FORM.encode()
        head = f"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        await client.send(head.encode() + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body)
        answer = _json(await read_all(client))
        await client.aclose()
        assert isinstance(answer, dict)
        assert SECRET not in caplog.text
        assert answer["access_token"] not in caplog.text


async def test_the_query_is_told_apart_from_the_path() -> None:
    def handle(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(200, [request.path, request.query])

    assert _json(await _exchange(_post(b""), handle=handle)) == ["/a", "b=c"]


async def test_a_raw_answer_is_written_as_it_is() -> None:
    answer = await _exchange(_post(b""), handle=lambda _: RawAnswer(204, (("Server", "X"), ("x-lower", "y"))))
    assert answer == b"HTTP/1.1 204 \r\nServer: X\r\nx-lower: y\r\nConnection: close\r\n\r\n"


async def test_limits_say_how_large_a_body_may_be_and_what_is_answered_to_a_larger_one() -> None:
    def problem(status: http.HTTPStatus) -> RawAnswer:
        return RawAnswer(status, (("Content-Length", "3"),), b"no!")

    limits = Limits(DEADLINE_S, max_body_bytes=5, problem=problem)
    async with tcp_pair() as (client, server), asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_http(server, _say_it_back, limits=limits))
        await client.send(_post(b"hello").replace(b"Connection: close\r\n", b"") + _post(b"hello!"))
        answer = await read_all(client)
        await client.aclose()
    first, second = answer.split(b"HTTP/1.1 ")[1:]
    assert first.startswith(b"200 OK")
    assert second == b"413 \r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!"
