"""What each operation of the API answers, and what it refuses."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from maco_wire.observation import MailAccepted
from tests.maco_lab.page.client import Answer, PageClient
from tests.mailserver_sim.running import ADDRESS, OTHER_USER, PASSWORD, TIMEOUT_S, USER, RunningServer, mail

MAIL_TYPE = "message/rfc822"
WITH_ATTACHMENT = (
    b"From: =?utf-8?q?Netzbetreiber_M=C3=BCnchen?= <netz@nb.example>\r\n"
    b"Subject: =?utf-8?b?TVNDT05TIGbDvHI=?= 4711\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Gr=FC=DFe\r\n"
    b'--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename="MSCONS.edi"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nVU5BOisuPyAn\r\n--b--\r\n"
)


def path(operation: str, **query: object) -> str:
    return f"/api/{operation}?{urllib.parse.urlencode(query)}"


def put(api: PageClient, raw: bytes, **query: object) -> Answer:
    return api.ask("POST", path("messages", **query), raw, Content_Type=MAIL_TYPE)


def get(api: PageClient, operation: str, **query: object) -> Any:
    answer = api.get(path(operation, **query))
    assert answer.status == 200, answer.content
    return answer.data


def telling(function: Callable[..., None], told: threading.Event) -> Callable[..., None]:
    """Return what does the same and tells that it was done."""

    def call(*arguments: object) -> None:
        function(*arguments)
        told.set()

    return call


def test_the_accounts_have_their_addresses_and_no_password(api: PageClient) -> None:
    answer = api.get("/api/accounts")

    assert {"user": USER, "addresses": [ADDRESS]} in answer.data["accounts"]
    assert json.dumps(PASSWORD).encode() not in answer.content


def test_the_mailboxes_have_their_numbers(api: PageClient, server: RunningServer) -> None:
    server.deliver(mail())
    with server.imap() as client:
        client.create("Archive/2026")
    server.deliver(mail())

    mailboxes = {each["name"]: each for each in get(api, "mailboxes", user=USER)["mailboxes"]}
    assert set(mailboxes) == {"Archive", "Archive/2026", "INBOX"}
    inbox = mailboxes["INBOX"]
    assert (inbox["messages"], inbox["unseen"], inbox["uid_next"]) == (2, 2, 3)
    assert inbox["size"] == 2 * len(mail())


def test_a_message_has_its_flags_and_its_header(api: PageClient, server: RunningServer) -> None:
    server.deliver(mail("UTILMD", Message_ID="<1@nb.example>"))
    with server.imap() as client:
        client.select()
        client.store("1", "+FLAGS", r"(\Seen $Forwarded)")

    (message,) = get(api, "messages", user=USER)["messages"]
    assert message["flags"] == ["$Forwarded", r"\Seen"]
    assert (message["subject"], message["from"]) == ("UTILMD", "Netz <netz@nb.example>")
    assert (message["user"], message["mailbox"], message["uid"]) == (USER, "INBOX", 1)
    assert {"name": "message-id", "value": "<1@nb.example>"} in message["headers"]


def test_messages_are_listed_behind_a_uid_and_up_to_a_limit(api: PageClient, server: RunningServer) -> None:
    for number in range(5):
        server.deliver(mail(str(number)))

    listed = get(api, "messages", user=USER, after_uid=1, limit=2)["messages"]
    assert [each["uid"] for each in listed] == [2, 3]


def test_messages_are_listed_by_subject_sender_and_recipient(api: PageClient, server: RunningServer) -> None:
    server.deliver(WITH_ATTACHMENT)
    server.deliver(mail("MSCONS"))

    def uids(**query: str) -> list[int]:
        return [each["uid"] for each in get(api, "messages", user=USER, **query)["messages"]]

    assert uids(subject="für 47") == [1]
    assert uids(subject="mscons") == [1, 2]
    assert uids(**{"from": "münchen"}) == [1]
    assert uids(to=ADDRESS.upper()) == [2]
    assert uids(to=ADDRESS, subject="für") == []


def test_one_message_is_told_with_its_text_and_its_attachments(api: PageClient, server: RunningServer) -> None:
    server.deliver(WITH_ATTACHMENT)

    message = get(api, "messages/1", user=USER)
    assert message["text"] == "Grüße"
    assert message["attachments"] == [{"filename": "MSCONS.edi", "content_type": "application/octet-stream", "size": 9}]
    assert message["from"] == "Netzbetreiber München <netz@nb.example>"


def test_the_raw_message_is_what_was_accepted_byte_for_byte(api: PageClient, server: RunningServer) -> None:
    raw = bytes(range(256)) + b"\r\n\r\n\0"
    server.deliver(raw)

    answer = api.get(path("messages/1/raw", user=USER))
    assert (answer.headers["content-type"], answer.content) == (MAIL_TYPE, raw)


def test_what_is_told_leaves_the_message_unseen(api: PageClient, server: RunningServer) -> None:
    server.deliver(mail())
    for each in ("messages", "messages/1"):
        get(api, each, user=USER)
    api.get(path("messages/1/raw", user=USER))

    assert get(api, "messages", user=USER)["messages"][0]["flags"] == []


@pytest.mark.parametrize("uid", ["2", "0", "x", "-1", "99999999999", "4294967295"])
@pytest.mark.parametrize("end", ["", "/raw"])
def test_a_uid_that_nobody_has_is_not_found(api: PageClient, server: RunningServer, uid: str, end: str) -> None:
    server.deliver(mail())

    assert api.get(path(f"messages/{uid}{end}", user=USER)).status == 404


def test_a_delivered_mail_is_what_imap_shows_and_is_reported(api: PageClient, server: RunningServer) -> None:
    answer = put(api, mail("by API"), user=USER)

    assert answer.data == {"user": USER, "mailbox": "INBOX", "uid": 1, "size": len(mail("by API"))}
    with server.imap() as client:
        client.select()
        _, fetched = client.fetch("1", "(BODY[])")
    assert isinstance(fetched[0], tuple)
    assert fetched[0][1] == mail("by API")
    assert [each.subject for each in server.recorder.of(MailAccepted)] == ["by API"]


def test_a_mail_may_go_to_another_mailbox(api: PageClient, server: RunningServer) -> None:
    with server.imap() as client:
        client.create("Spam")

    assert put(api, mail(), user=USER, mailbox="Spam").data["mailbox"] == "Spam"


def test_a_mail_that_is_too_large_is_refused(start_server: Any, loop_thread: Any) -> None:
    from maco_http.loopback import LoopbackSocket
    from mailserver_sim.api.server import served

    server = start_server(max_message_bytes=1000)
    taken = LoopbackSocket(0)
    with loop_thread.background.enter(served(server.server, taken.socket)):
        assert put(PageClient(taken.address), b"x" * 1001, user=USER).status == 413


def test_a_mail_of_another_type_is_refused(api: PageClient) -> None:
    answer = api.ask("POST", path("messages", user=USER), mail(), Content_Type="text/plain")

    assert (answer.status, answer.data) == (415, {"error": "Content-Type must be message/rfc822"})


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"user": "nobody"}, "no account for user 'nobody'"),
        ({"user": USER, "mailbox": "None"}, "No such mailbox"),
    ],
)
def test_an_account_or_mailbox_that_is_not_there_is_told(api: PageClient, query: dict[str, str], error: str) -> None:
    answer = api.get(path("messages", **query))

    assert (answer.status, answer.data) == (404, {"error": error})


def test_a_parameter_that_is_missing_or_unknown_is_named(api: PageClient) -> None:
    assert api.get("/api/messages").data == {"error": "parameter 'user' is missing"}
    unknown = api.get(path("messages", user=USER, subjekt="x"))
    assert (unknown.status, "found parameter 'subjekt'" in unknown.data["error"]) == (400, True)


def test_a_text_that_is_too_long_is_refused(api: PageClient) -> None:
    assert api.get(path("messages", user=USER, subject="x" * 999)).status == 400


def test_a_reset_leaves_empty_inboxes_and_no_connection(api: PageClient, server: RunningServer) -> None:
    server.deliver(mail())
    with server.raw_logged_in() as client:
        client.command(b"a CREATE Archive")
        assert api.post("/api/reset", {}).data == {}
        assert client.rest_or_reset() == b""

    mailboxes = get(api, "mailboxes", user=USER)["mailboxes"]
    assert [(each["name"], each["messages"]) for each in mailboxes] == [("INBOX", 0)]


def test_another_site_is_refused(api: PageClient) -> None:
    assert api.get("/api/accounts", Host="evil.example").status == 403
    assert put(api, mail(), user=USER).status == 200
    refused = api.ask("POST", path("messages", user=USER), mail(), Content_Type=MAIL_TYPE, Origin="http://evil.example")
    assert refused.status == 403
    assert len(get(api, "messages", user=USER)["messages"]) == 1


def test_who_waits_gets_a_message_that_is_there(api: PageClient, server: RunningServer) -> None:
    server.deliver(mail("first"))
    server.deliver(mail("second"))

    assert get(api, "wait", user=USER, subject="second")["uid"] == 2


def test_who_waits_gets_the_message_when_it_comes(api: PageClient, server: RunningServer) -> None:
    got: list[Any] = []
    waiting = threading.Thread(target=lambda: got.append(get(api, "wait", subject="wanted", timeout_s=20)))
    waiting.start()
    server.deliver(mail("another"))
    server.deliver(mail("wanted"), OTHER_USER)
    waiting.join(20)

    assert [(each["user"], each["subject"]) for each in got] == [(OTHER_USER, "wanted")]


def test_who_waits_in_vain_is_told_so(api: PageClient, server: RunningServer) -> None:
    server.deliver(mail())

    answer = api.get(path("wait", user=USER, after_uid=1, timeout_s=0))
    assert (answer.status, answer.data) == (404, {"error": "no such message has come within 0 s"})


def test_a_client_that_stops_waiting_leaves_nothing_behind(
    api: PageClient, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = server.server.store
    watched, left = threading.Event(), threading.Event()
    monkeypatch.setattr(store, "watch", telling(store.watch, watched))
    monkeypatch.setattr(store, "unwatch", telling(store.unwatch, left))
    head = f"GET {path('wait', user=USER, timeout_s=100)} HTTP/1.1\r\nHost: {api.host}\r\n\r\n"
    with api.raw(head.encode()):
        assert watched.wait(TIMEOUT_S)

    assert left.wait(TIMEOUT_S)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"\xff\xfe: \x00\r\n\r\n\x80",
        b"Subject: =?x-unknown?b?!!!?=\r\nContent-Type: text/plain; charset=x-unknown\r\n\r\n\xe4",
        b"Content-Type: text/plain; charset=\xff\r\n\r\nx",
        b"Content-Type: text/plain; charset=idna\r\n\r\n..\xff",
        b"Content-Transfer-Encoding: base64\r\n\r\nnot base64!",
        b'Content-Disposition: attachment; filename="=?utf-8?q?=FF?="\r\n\r\nx',
        b"".join(
            b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (depth, depth) for depth in range(500)
        ),
        b"X: y\r\n" * 5000 + b"\r\n",
    ],
    ids=[
        "nothing",
        "no header",
        "no text",
        "charset",
        "bytes as charset",
        "idna",
        "base64",
        "file name",
        "deep",
        "long",
    ],
)
def test_whatever_was_sent_is_told(api: PageClient, server: RunningServer, raw: bytes) -> None:
    server.deliver(raw)

    assert len(get(api, "messages", user=USER)["messages"]) == 1
    assert len(get(api, "messages/1", user=USER)["headers"]) <= 200
