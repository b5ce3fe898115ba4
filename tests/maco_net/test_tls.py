from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from certs.authority import Issued
from certs.trust import client_context, server_context
from maco_net.errors import HandshakeError, PeerAlert, PeerBrokeTls, PeerReset, PeerTruncated
from maco_net.tls import MAX_RECORD_PAYLOAD, TlsStream, start_tls
from tests.maco_net.pairs import (
    CAST,
    DEADLINE_S,
    MAIL_HOST,
    read_all,
    serving,
    shaken,
    tcp_pair,
    tls_pair,
    trusting_client,
)

both_versions = pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])


def _der(issued: Issued) -> tuple[bytes, ...]:
    return tuple(each.public_bytes(Encoding.DER) for each in (issued.certificate, *issued.chain))


@both_versions
async def test_both_ends_tell_the_same_version_and_cipher(version: str) -> None:
    async with shaken(trusting_client(version=version), serving()) as ends:
        assert (ends.client.version, ends.client.error) == (version, "")
        assert (ends.server.version, ends.server.cipher) == (version, ends.client.cipher)
        assert ends.client.cipher


async def test_both_ends_tell_the_server_name_that_was_asked_for() -> None:
    async with shaken(trusting_client(), serving()) as ends:
        assert (ends.client.server_name, ends.server.server_name) == (MAIL_HOST, MAIL_HOST)


async def test_the_client_tells_the_chain_the_server_sent() -> None:
    async with shaken(trusting_client(), serving()) as ends:
        assert ends.client.peer_chain == _der(CAST.mail_server)


@both_versions
async def test_the_server_tells_the_client_certificate(version: str) -> None:
    client = trusting_client(version=version)
    CAST.system_certificate.configure_client(client)
    server = _asking_server(CAST.connector_ca.certificate)
    async with shaken(client, server) as ends:
        assert ends.server_stream is not None
        assert ends.server.peer_chain == _der(CAST.system_certificate)
        assert ends.server_stream.peer_certificate == ends.server.peer_chain[0]


# The numbers are X509_V_ERR_* of <openssl/x509_vfy.h>, the alerts those of ssl_x509err2alert() for them.
REFUSED = [
    pytest.param("unknown_root", MAIL_HOST, 20, "unknown_ca", id="unknown_root"),
    pytest.param("missing_intermediate", MAIL_HOST, 20, "unknown_ca", id="missing_intermediate"),
    pytest.param("self_signed", MAIL_HOST, 18, "unknown_ca", id="self_signed"),
    pytest.param("expired", MAIL_HOST, 10, "certificate_expired", id="expired"),
    pytest.param("not_yet_valid", MAIL_HOST, 9, "bad_certificate", id="not_yet_valid"),
    pytest.param("wrong_name", MAIL_HOST, 62, "bad_certificate", id="wrong_name"),
    pytest.param("mail_server", "127.0.0.1", 64, "bad_certificate", id="wrong_address"),
    pytest.param("client_auth_only", MAIL_HOST, 26, "unsupported_certificate", id="client_auth_only"),
]


@both_versions
@pytest.mark.parametrize(("certificate", "name", "code", "alert"), REFUSED)
async def test_a_refused_server_is_told_the_alert_that_the_client_says_it_sent(
    version: str, certificate: str, name: str, code: int, alert: str
) -> None:
    async with shaken(trusting_client(version=version), serving(certificate), server_name=name) as ends:
        assert (ends.client.verify_code, ends.client.alert_sent) == (code, alert)
        assert ends.server.alert_received == alert


@both_versions
async def test_the_chain_of_a_refused_server_is_told(version: str) -> None:
    async with shaken(trusting_client("unknown_root_ca", version=version), serving()) as ends:
        assert ends.client.error
        assert ends.client.peer_chain == _der(CAST.mail_server)


async def test_in_tls_1_2_a_refused_client_hears_the_alert_in_its_handshake() -> None:
    client = trusting_client(version="TLSv1.2")
    CAST.system_certificate.configure_client(client)
    async with shaken(client, _asking_server(CAST.root_certificate)) as ends:
        assert (ends.server.alert_sent, ends.client.alert_received) == ("unknown_ca", "unknown_ca")


async def test_in_tls_1_3_a_refused_client_hears_the_alert_behind_its_handshake() -> None:
    context, asking = trusting_client(), _asking_server(CAST.root_certificate)
    CAST.system_certificate.configure_client(context)
    async with tcp_pair() as (client, server), asyncio.TaskGroup() as tasks:
        refusing = tasks.create_task(_failure(start_tls(server, asking, server_side=True, timeout_s=DEADLINE_S)))
        tls = await start_tls(client, context, timeout_s=DEADLINE_S, server_name=MAIL_HOST)
        with pytest.raises(PeerAlert) as caught:
            await tls.receive()
        await tls.aclose()
        facts = (await refusing).facts
        assert (facts.verify_code, facts.alert_sent, caught.value.alert) == (20, "unknown_ca", "unknown_ca")


@both_versions
async def test_versions_that_do_not_meet_are_told_at_both_ends(version: str) -> None:
    client, server = trusting_client(version=version), serving()
    other = ssl.TLSVersion.TLSv1_3 if version == "TLSv1.2" else ssl.TLSVersion.TLSv1_2
    client.minimum_version = client.maximum_version
    server.minimum_version = server.maximum_version = other
    async with shaken(client, server) as ends:
        assert (ends.server.alert_sent, ends.client.alert_received) == ("protocol_version", "protocol_version")


async def test_ciphers_that_do_not_meet_are_told_at_both_ends() -> None:
    client, server = trusting_client(version="TLSv1.2"), serving()
    client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    server.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
    async with shaken(client, server) as ends:
        assert (ends.server.alert_sent, ends.client.alert_received) == ("handshake_failure", "handshake_failure")


async def test_an_alert_arrives_although_bytes_of_the_peer_are_unread() -> None:
    hello = _client_hello(ssl.TLSVersion.TLSv1_2)
    server = serving()
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    async with tcp_pair() as (client, server_tcp), asyncio.TaskGroup() as tasks:
        await client.send(hello + b"x" * 100_000)
        failing = tasks.create_task(_failure(start_tls(server_tcp, server, server_side=True, timeout_s=DEADLINE_S)))
        # RFC 8446, sections 5.1 and 6: an alert record, length 2, fatal, protocol_version (70).
        assert await read_all(client) == bytes.fromhex("15 03 03 00 02 02 46")
        await client.aclose()
        assert (await failing).facts.alert_sent == "protocol_version"


async def test_plain_text_instead_of_tls_is_a_failed_handshake() -> None:
    async with tcp_pair() as (client, server), asyncio.TaskGroup() as tasks:
        failing = tasks.create_task(
            _failure(start_tls(client, trusting_client(), timeout_s=DEADLINE_S, server_name="a"))
        )
        await server.send(b"* OK ready\r\n")
        await server.send_eof()
        assert (await failing).facts.error == "wrong version number"


async def test_a_peer_that_closes_in_the_handshake_is_told() -> None:
    async with tcp_pair() as (client, server):
        await server.aclose()
        failure = await _failure(start_tls(client, trusting_client(), timeout_s=DEADLINE_S, server_name="a"))
        assert failure.facts.error in {
            "the peer closed the connection during the handshake",
            "Connection reset by peer",
        }


async def test_a_silent_peer_fails_the_handshake_in_time_and_leaves_no_socket() -> None:
    async with tcp_pair() as (client, _):
        failure = await _failure(start_tls(client, trusting_client(), timeout_s=0.05, server_name=MAIL_HOST))
        assert failure.facts.error == "the peer did not finish the handshake within 0.05 s"
        assert failure.facts.server_name == MAIL_HOST
    gc.collect()


async def test_a_cancelled_handshake_leaves_no_socket() -> None:
    async with tcp_pair() as (client, server):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await start_tls(client, trusting_client(), timeout_s=DEADLINE_S, server_name=MAIL_HOST)
        with pytest.raises(PeerReset):
            await read_all(server)
    gc.collect()


async def test_what_is_no_server_name_fails_the_handshake_and_leaves_no_socket() -> None:
    async with tcp_pair() as (client, server):
        name = "a" * 64 + ".example"
        failure = await _failure(start_tls(client, trusting_client(), timeout_s=DEADLINE_S, server_name=name))
        assert failure.facts.server_name == name
        assert await server.receive() == b""
    gc.collect()


@both_versions
async def test_an_orderly_end_is_an_end(version: str) -> None:
    async with tls_pair(version) as (client, server):
        await server.send(b"bye")
        await server.aclose()
        assert await read_all(client) == b"bye"


@both_versions
async def test_an_end_without_close_notify_is_truncated(version: str) -> None:
    async with tls_pair(version) as (client, server):
        await server.send(b"bye")
        _without_close_notify(server)
        assert await client.receive() == b"bye"
        with pytest.raises(PeerTruncated):
            await client.receive()


@both_versions
async def test_a_peer_that_closes_its_socket_without_close_notify_is_truncated(version: str) -> None:
    # Other than above its side is closed for reading too: OpenSSL's own alert about the missing end meets a reset.
    async with tls_pair(version) as (client, server):
        await server.send(b"bye")
        server._sock.close()
        assert await client.receive() == b"bye"
        with pytest.raises(PeerTruncated):
            await client.receive()


async def test_an_abort_is_a_reset() -> None:
    async with tls_pair() as (client, server):
        await server.send(b"x")
        assert await client.receive() == b"x"
        client.abort()
        with pytest.raises(PeerReset):
            await server.receive()


async def test_bytes_that_are_no_tls_break_the_session() -> None:
    async with tls_pair() as (client, server):
        with socket.socket(fileno=os.dup(server._sock.fileno())) as wire:
            wire.send(b"* BAD what is this?\r\n")
        with pytest.raises(PeerBrokeTls):
            await client.receive()


async def test_an_end_of_one_direction_alone_is_not_sent() -> None:
    async with tls_pair() as (client, server):
        await client.send_eof()
        await client.send(b"still talking")
        assert await server.receive() == b"still talking"


async def test_a_close_waits_for_room_for_its_close_notify(monkeypatch: pytest.MonkeyPatch) -> None:
    async with tls_pair() as (client, server):
        unwrap = server._sock.unwrap
        answers = iter([ssl.SSLWantWriteError(), None])

        def first_no_room() -> socket.socket:
            error = next(answers)
            if error is not None:
                raise error
            return unwrap()

        monkeypatch.setattr(server._sock, "unwrap", first_no_room)
        await server.aclose()
        assert await client.receive() == b""


@both_versions
async def test_a_megabyte_is_echoed_while_it_is_sent(version: str) -> None:
    payload = os.urandom(1024 * 1024)
    async with tls_pair(version) as (client, server), asyncio.TaskGroup() as tasks:
        tasks.create_task(_echo(server, len(payload)))
        tasks.create_task(client.send(payload))
        received = bytearray()
        while len(received) < len(payload):
            received += await client.receive()
        assert received == payload


def _asking_server(anchor: Certificate) -> ssl.SSLContext:
    return server_context(CAST.mail_server, client_anchors=[anchor], client_certificate="required")


def _client_hello(version: ssl.TLSVersion) -> bytes:
    context = client_context([], check_hostname=False)
    context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    end = context.wrap_bio(incoming, outgoing, server_hostname=MAIL_HOST)
    with pytest.raises(ssl.SSLWantReadError):
        end.do_handshake()
    return outgoing.read()


async def _failure(handshake: Coroutine[Any, Any, TlsStream]) -> HandshakeError:
    with pytest.raises(HandshakeError) as caught:
        await handshake
    return caught.value


def _without_close_notify(stream: TlsStream) -> None:
    """End the connection as a server does that just closes its socket."""
    with socket.socket(fileno=os.dup(stream._sock.fileno())) as wire:
        wire.shutdown(socket.SHUT_WR)


async def _echo(stream: TlsStream, count: int) -> None:
    while count:
        data = await stream.receive()
        await stream.send(data)
        count -= len(data)


class _Engine:
    """OpenSSL as it is asked by TlsStream: hands out what is scripted, call by call."""

    def __init__(self, *script: bytes | Exception) -> None:
        self._script = list(script)

    def read(self, size: int, room: memoryview) -> int:
        step = self._script.pop(0)
        if isinstance(step, Exception):
            raise step
        room[: len(step)] = step
        return len(step)

    def pending(self) -> int:
        return 0


@contextlib.asynccontextmanager
async def _scripted(*script: bytes | Exception) -> AsyncIterator[TlsStream]:
    async with tls_pair() as (client, _):
        engine = _Engine(*script)
        client._read, client._pending = engine.read, engine.pending
        yield client


ROOM = memoryview(bytearray(3 * MAX_RECORD_PAYLOAD))
FULL_RECORD = bytes(MAX_RECORD_PAYLOAD)


async def test_full_records_are_gathered_until_one_comes_short() -> None:
    async with _scripted(FULL_RECORD, b"short", b"not asked for") as stream:
        assert stream.receive_into(ROOM) == MAX_RECORD_PAYLOAD + 5


@pytest.mark.parametrize("end", [b"", ssl.SSLZeroReturnError()], ids=["of the read", "told by OpenSSL"])
async def test_an_end_behind_a_record_is_told_by_the_next_call(end: bytes | Exception) -> None:
    async with _scripted(FULL_RECORD, end) as stream:
        assert (stream.receive_into(ROOM), stream.has_more, stream.receive_into(ROOM)) == (MAX_RECORD_PAYLOAD, True, 0)


async def test_a_failure_behind_a_record_is_told_by_the_next_call() -> None:
    async with _scripted(FULL_RECORD, ConnectionResetError("reset by peer")) as stream:
        assert stream.receive_into(ROOM) == MAX_RECORD_PAYLOAD
        with pytest.raises(PeerReset):
            stream.receive_into(ROOM)


async def test_a_record_before_one_that_has_to_send_first_is_handed_out_and_more_is_there() -> None:
    async with _scripted(FULL_RECORD, ssl.SSLWantWriteError(), ssl.SSLWantReadError()) as stream:
        assert (stream.receive_into(ROOM), stream.has_more) == (MAX_RECORD_PAYLOAD, True)
        assert (stream.receive_into(ROOM), stream.has_more) == (None, False)


async def test_nothing_is_asked_of_openssl_once_the_stream_is_closed() -> None:
    async with tls_pair() as (client, _):
        client.abort()
        with pytest.raises(PeerReset):
            client.receive_into(ROOM)
        with pytest.raises(PeerReset):
            client.send_some(memoryview(b"x"))
