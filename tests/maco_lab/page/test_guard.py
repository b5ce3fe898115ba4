"""Only this machine's own requests are answered, each in bounded time, with headers that bind the browser."""

from __future__ import annotations

import re

import pytest

from maco_http import guard
from maco_lab.page.operations import DEADLINES, OPERATIONS
from tests.maco_lab.page.client import PageClient

PATHS = ["/", "/main.js", "/api/landscape", "/api/events", "/nothing-there"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost", "127.0.0.1:1", "evil.example:{port}", ""])
def test_another_host_is_refused(page: PageClient, path: str, host: str) -> None:
    answer = page.get(path, Host=host.format(port=page.address[1]))

    assert answer.status == 403
    assert "Host must be one of" in answer.data["error"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_the_names_of_loopback_are_answered(page: PageClient, host: str) -> None:
    assert page.get("/api/landscape", Host=f"{host}:{page.address[1]}").status == 200


def test_a_request_with_two_hosts_is_refused(page: PageClient) -> None:
    sent = f"GET /api/landscape HTTP/1.1\r\nHost: {page.host}\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    with page.raw(sent.encode()) as connection, connection.makefile("rb") as answer:
        assert answer.readline().split()[1] in {b"400", b"403"}


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"])
def test_another_origin_is_refused(page: PageClient, origin: str) -> None:
    answer = page.post("/api/poll", {}, Origin=origin.format(port=page.address[1]))

    assert (answer.status, answer.data) == (403, {"error": "Origin is another web site"})


def test_the_page_s_own_origin_may_post(page: PageClient) -> None:
    assert page.post("/api/poll", {}, Origin=page.url).status == 200


def test_what_a_foreign_form_can_send_is_refused(page: PageClient) -> None:
    """A form needs no permission of ours to send text/plain, and an old browser sends no Origin."""
    assert page.ask("POST", "/api/poll", b"{}", Content_Type="text/plain").status == 415


@pytest.mark.parametrize("path", ["/", "/main.js", "/api/landscape", "/nothing-there"])
def test_every_answer_binds_the_browser(page: PageClient, path: str) -> None:
    headers = page.get(path).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_the_markup_needs_no_script_or_style_inside_it(page: PageClient) -> None:
    markup = page.get("/").content.decode()

    assert "<script" in markup
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", markup)


def test_the_files_of_the_page_name_no_other_place(page: PageClient) -> None:
    names = re.findall(r'(?:src|href)="([\w.]+)"', page.get("/").content.decode())

    assert {"main.js", "page.css", "icon.svg"} <= set(names)
    for name in names:
        text = page.get(f"/{name}").content.decode().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"^\s*//.*$|(?<=[;,{]) //.*$", "", text, flags=re.MULTILINE)


def test_a_request_that_takes_too_long_is_ended(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The body that was announced never comes."""
    monkeypatch.setitem(DEADLINES, "/api/mails", 0.05)
    head = (
        f"POST /api/mails HTTP/1.1\r\nHost: {page.host}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    )
    with page.raw(head.encode()) as connection, connection.makefile("rb") as answer:
        assert answer.readline() == b"HTTP/1.1 504 Gateway Timeout\r\n"


def test_every_operation_but_the_stream_has_a_deadline() -> None:
    assert [each.name for each in OPERATIONS if each.deadline_s is None] == ["events"]


def test_one_stream_too_many_is_refused(page: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_STREAMS", 1)
    with page.events() as events:
        next(events)
        assert page.get("/api/events").status == 503
