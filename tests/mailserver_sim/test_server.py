from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time

import pytest

from maco_wire.canary import Canary
from maco_wire.observation import CanarySeen, MailAccepted
from mailserver_sim.settings import Listener, ListenerProtocol
from mailserver_sim.store.errors import NoSuchAccount, StoreError, StoreInUse
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import PASSWORD, PROTOCOLS, TIMEOUT_S, USER, RunningServer, mail


def test_every_protocol_listens_on_a_port_of_its_own(server: RunningServer) -> None:
    ports = {server.port(protocol) for protocol in PROTOCOLS}
    assert len(ports) == len(PROTOCOLS)
    assert all(ports)


def test_deliver_gives_the_uid_and_reports_the_mail(server: RunningServer) -> None:
    assert [server.deliver(mail("a")), server.deliver(mail("b"))] == [1, 2]
    assert [each.subject for each in server.recorder.of(MailAccepted)] == ["a", "b"]


def test_deliver_to_an_unknown_user_is_refused_by_name(server: RunningServer) -> None:
    with pytest.raises(NoSuchAccount, match="nobody"):
        server.deliver(mail(), "nobody")


def test_an_occupied_port_is_an_os_error_and_leaves_nothing_open(start_server: StartServer) -> None:
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        port = occupied.getsockname()[1]
        protocols: tuple[ListenerProtocol, ...] = ("imap", "smtp")
        for protocol in protocols:
            with pytest.raises(OSError, match=r"[Aa]ddress"):
                start_server(listeners=(Listener("imaps"), Listener(protocol, port=port)))
    start_server()  # the store is free again


def test_a_second_server_on_the_same_store_is_refused_by_name(start_server: StartServer) -> None:
    start_server()
    with pytest.raises(StoreInUse, match="in use by another mail server"):
        start_server()


def test_mail_is_there_after_a_restart(start_server: StartServer) -> None:
    first = start_server()
    first.deliver(mail())
    first.stop()
    server = start_server()
    with server.raw_logged_in() as client:
        assert b"* 1 EXISTS" in client.command(b"a SELECT INBOX")


def test_a_stopped_server_listens_no_longer_and_stores_nothing(start_server: StartServer) -> None:
    server = start_server()
    port = server.port("imap")
    begin = time.monotonic()
    server.stop()
    assert time.monotonic() - begin < 0.5
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)
    with pytest.raises(StoreError, match="closed"):
        server.deliver(mail())


def test_canaries_are_seen_in_both_directions_and_never_by_their_value(start_server: StartServer) -> None:
    line, word = "Zaehlerstand4711", "AuthCanary0815"
    server = start_server(canaries=(Canary(1, "line", line), Canary(2, "word", word)))
    server.deliver(mail(body=line))
    client = server.imap()
    client.create(word)
    client.select()
    client.fetch("1", "(BODY.PEEK[])")
    client.logout()
    seen = server.recorder.of(CanarySeen)
    assert [(each.canary, each.direction) for each in seen] == [(2, "to_mail_server"), (1, "to_maco")]
    assert line not in repr(server.recorder.observations)
    assert word not in repr(server.recorder.observations)


def test_nothing_reported_holds_the_password(server: RunningServer) -> None:
    client = server.imap()
    client.logout()
    assert server.recorder.observations
    assert PASSWORD not in repr(server.recorder.observations)
    assert USER in repr(server.recorder.observations)


def test_clearing_drops_clients_and_mail_and_leaves_the_ports_open(server: RunningServer) -> None:
    server.deliver(mail("before"))
    port = server.port("imap")
    with server.raw("imap") as client:
        server.loop.run(server.server.clear())
        assert client.rest_or_reset() == b""
    assert server.port("imap") == port
    client_again = server.imap()
    assert client_again.select()[1] == [b"0"]
    client_again.logout()


def test_a_start_that_is_cancelled_while_the_store_opens_leaves_it_closed(
    server: RunningServer, start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.stop()
    opening, go_on = threading.Event(), threading.Event()
    store = server.server.store
    really_open = store.open

    def slow_open() -> None:
        opening.set()
        go_on.wait(TIMEOUT_S)
        really_open()

    monkeypatch.setattr(store, "open", slow_open)

    async def cancelled() -> bool:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            start = tasks.create_task(server.server.start())
            await loop.run_in_executor(None, opening.wait, TIMEOUT_S)
            start.cancel()
            loop.call_later(0.05, go_on.set)  # the thread goes on after the cancellation
            await asyncio.wait([start])
        return go_on.is_set()

    assert server.loop.run(cancelled()), "the start ended before its thread had"
    start_server()  # raises StoreInUse unless the store was closed


def test_a_restarted_server_listens_where_it_did_with_its_mail_and_its_new_settings(server: RunningServer) -> None:
    before = dict(server.server.addresses)
    server.deliver(mail())
    with server.raw() as client:
        server.restart(server.cast.by_name("expired"), offer_starttls=False)
        assert client.rest_or_reset().startswith(b"* BYE"), "who is connected is told"

    assert dict(server.server.addresses) == before
    with server.raw() as client:
        assert b"STARTTLS" not in client.command(b"c CAPABILITY")[0]
        assert client.command(b'l LOGIN edifact "se\\"cr\\\\et"')[-1].startswith(b"l OK")
        assert b"* 1 EXISTS" in client.command(b"s SELECT INBOX")
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        server.imap()


@pytest.mark.parametrize("protocol", ["imap", "imaps", "smtp", "smtps", "pop3"])
@pytest.mark.parametrize("turns", range(5))
def test_a_client_that_comes_at_the_end_sees_an_end_however_far_its_connection_was(
    server: RunningServer, protocol: ListenerProtocol, turns: int
) -> None:
    with socket.socket() as client:
        client.settimeout(TIMEOUT_S)

        async def come_and_stop() -> None:
            client.connect(("127.0.0.1", server.port(protocol)))
            for _ in range(turns):
                await asyncio.sleep(0)
            await server.server.stop()

        server.loop.run(come_and_stop())
        with contextlib.suppress(ConnectionResetError):
            while client.recv(1024):
                pass


def test_its_ports_are_nobody_elses_while_it_restarts(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store = server.server.store.open
    taken_by_others = []
    ports = {protocol: server.port(protocol) for protocol in PROTOCOLS}

    def open_while_others_look_for_a_port() -> None:
        for protocol, port in ports.items():
            with socket.socket() as other, contextlib.suppress(OSError):
                other.bind(("127.0.0.1", port))
                taken_by_others.append(protocol)
        open_store()

    monkeypatch.setattr(server.server.store, "open", open_while_others_look_for_a_port)
    server.restart(server.cast.mail_server)

    assert taken_by_others == []
    assert {protocol: server.port(protocol) for protocol in PROTOCOLS} == ports
    with server.raw_logged_in() as client:
        assert client.command(b"a NOOP") == [b"a OK NOOP completed"]
