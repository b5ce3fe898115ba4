from __future__ import annotations

import socket
import ssl
import warnings

import pytest

from maco_wire.observation import Handshake, Starttls, TlsSession
from tests.mailserver_sim.conftest import StartServer
from tests.mailserver_sim.running import HOST_NAME, TIMEOUT_S, RunningServer


def connect(server: RunningServer, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection(server.address("imaps"), TIMEOUT_S)
    return context.wrap_socket(plain, server_hostname=HOST_NAME)


def test_success_is_reported_with_the_first_command_and_both_addresses(server: RunningServer) -> None:
    with connect(server, server.client_context()) as client:
        assert client.recv(1000).startswith(b"* OK ")
        assert server.recorder.of(Handshake) == []
        client.sendall(b"a NOOP\r\n")
        (handshake,) = server.recorder.wait_for(Handshake)
        assert (handshake.local, handshake.peer) == (client.getpeername(), client.getsockname())
        cipher = client.cipher()
        assert cipher is not None
        assert (handshake.version, handshake.cipher) == (client.version(), cipher[0])
    assert (handshake.session, handshake.succeeded, handshake.server_name) == (TlsSession.IMAPS, True, HOST_NAME)
    assert handshake.peer_chain == ()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_leaves_without_a_word_after_the_handshake_is_a_failure(
    server: RunningServer, version: ssl.TLSVersion
) -> None:
    context = server.client_context()
    context.minimum_version = context.maximum_version = version
    with connect(server, context) as client:
        client.recv(1000)
    (handshake,) = server.recorder.wait_for(Handshake)
    assert not handshake.succeeded
    assert handshake.error == "closed by the client before any application data"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_refused_certificate_is_reported_with_the_alert(server: RunningServer, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = version
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(server, context)
    (handshake,) = server.recorder.wait_for(Handshake)
    assert (handshake.succeeded, handshake.alert_received) == (False, "unknown_ca")
    assert "unknown ca" in handshake.error


def test_plaintext_on_the_tls_port_is_a_failed_handshake(server: RunningServer) -> None:
    with socket.create_connection(server.address("imaps"), TIMEOUT_S) as client:
        client.sendall(b"a CAPABILITY\r\n")
        client.recv(1000)
    (handshake,) = server.recorder.wait_for(Handshake)
    assert not handshake.succeeded
    assert handshake.error


def test_no_common_version_is_reported_with_the_alert_that_we_sent(server: RunningServer) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        connect(server, context)
    (handshake,) = server.recorder.wait_for(Handshake)
    assert (handshake.succeeded, handshake.alert_sent) == (False, "protocol_version")


def test_a_port_probe_is_no_handshake(server: RunningServer) -> None:
    socket.create_connection(server.address("imaps"), TIMEOUT_S).close()
    client = server.imap()
    client.logout()
    (handshake,) = server.recorder.wait_for(Handshake)
    assert handshake.succeeded


def test_a_client_certificate_is_reported(start_server: StartServer) -> None:
    server = start_server()
    server.stop()
    server = start_server(client_anchor=server.cast.connector_ca.certificate)
    context = server.client_context()
    server.cast.system_certificate.configure_client(context)
    with connect(server, context) as client:
        client.sendall(b"a NOOP\r\n")
        (handshake,) = server.recorder.wait_for(Handshake)
    assert handshake.succeeded
    assert handshake.peer_chain[0].subject == server.cast.system_certificate.certificate.subject.rfc4514_string()
    assert handshake.verified_against


def test_a_handshake_that_does_not_end_is_ended(start_server: StartServer) -> None:
    server = start_server(tls_handshake_timeout_s=0.05)
    with server.raw() as client:
        client.command(b"s STARTTLS")
        assert client.rest_or_reset() == b""
    (handshake,) = server.recorder.wait_for(Handshake)
    assert (handshake.succeeded, handshake.error) == (False, "no handshake within 0.05 s")
    assert len(server.recorder.of(Starttls)) == 2
