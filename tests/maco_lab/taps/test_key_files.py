"""Keys of the lab's own TLS sessions: both ends log the same, in a lab with taps and in no other."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from OpenSSL import SSL

from certs.cast import Cast
from certs.trust import client_context, server_context
from maco_lab.background import background_loop
from maco_lab.journal import Journal
from maco_lab.lab_file import default_text, parse_lab
from maco_lab.mail_tls import imap_context_factory
from maco_lab.pki import LabPki
from maco_lab.state import StateFolder
from maco_lab.taps.key_files import KeyFiles
from maco_lab.testing.lab import Lab
from maco_lab.testing.thread import LabThread
from maco_lab.topology import running_lab
from maco_wire.observation import Party
from tests.certs.handshakes import handshake

# NSS key log format: what TLS 1.3 needs for its application data, and what TLS 1.2 needs for all.
TLS_1_3 = b"CLIENT_TRAFFIC_SECRET_0"
TLS_1_2 = b"CLIENT_RANDOM"


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[KeyFiles]:
    folder = tmp_path / "keys"
    folder.mkdir()
    files = KeyFiles(folder)
    yield files
    files.close()


def contexts(cast: Cast, newest: ssl.TLSVersion) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    client = client_context([cast.root_certificate], check_hostname=False)
    client.maximum_version = newest
    return client, server_context(cast.mail_server)


@pytest.mark.parametrize(("newest", "label"), [(ssl.TLSVersion.TLSv1_2, TLS_1_2), (ssl.TLSVersion.TLSv1_3, TLS_1_3)])
def test_both_ends_log_the_same_keys(
    logs: KeyFiles, maco_lab_authority: Cast, newest: ssl.TLSVersion, label: bytes
) -> None:
    client, server = contexts(maco_lab_authority, newest)
    logs.log_from(client, Party.MACO)
    logs.log_from(server, Party.MAIL_SERVER)

    assert handshake(client, server).succeeded

    assert set(logs.of(Party.MACO)) == set(logs.of(Party.MAIL_SERVER))
    assert label in {line.split()[0] for line in logs.lines()}


def test_what_both_ends_logged_comes_once(logs: KeyFiles, maco_lab_authority: Cast) -> None:
    client, server = contexts(maco_lab_authority, ssl.TLSVersion.TLSv1_3)
    logs.log_from(client, Party.MACO)
    logs.log_from(server, Party.MAIL_SERVER)
    handshake(client, server)

    assert len(logs.lines()) == len(set(logs.lines())) == len(logs.of(Party.MACO)) > 0


def test_twisteds_contexts_log_too(logs: KeyFiles, maco_lab_authority: Cast) -> None:
    factory = imap_context_factory(maco_lab_authority.mail_server, logs)
    client, _ = contexts(maco_lab_authority, ssl.TLSVersion.TLSv1_3)
    logs.log_from(client, Party.MACO)

    shake_with_pyopenssl(client, SSL.Connection(factory.getContext(), None))

    assert set(logs.of(Party.MAIL_SERVER)) == set(logs.of(Party.MACO)) != set()


def shake_with_pyopenssl(client: ssl.SSLContext, server: SSL.Connection) -> None:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_end = client.wrap_bio(to_client, to_server)
    server.set_accept_state()
    for _ in range(10):
        with contextlib.suppress(ssl.SSLWantReadError):
            client_end.do_handshake()
        if sent := to_server.read():
            server.bio_write(sent)
        with contextlib.suppress(SSL.WantReadError):
            server.do_handshake()
        with contextlib.suppress(SSL.WantReadError):
            to_client.write(server.bio_read(65536))
    assert client_end.version()


def test_comments_are_no_keys(logs: KeyFiles, tmp_path: Path) -> None:
    (tmp_path / "keys" / "maco.keys").write_bytes(b"# TLS secrets log file\n\nCLIENT_RANDOM 01 02\n")

    assert logs.lines() == (b"CLIENT_RANDOM 01 02",)


def test_a_party_that_logged_nothing_has_no_lines(logs: KeyFiles) -> None:
    assert logs.of(Party.CLOUD_CONNECTOR) == ()


def test_a_lab_without_taps_logs_no_keys_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, maco_lab_authority: Cast
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "environment.keys"))
    pki = LabPki(tmp_path, maco_lab_authority)

    made = [pki.tunnel_endpoint_context(), pki.tunnel_context("stadtwerke"), pki.token_client_context()]

    assert [context.keylog_filename for context in made] == [None] * 3
    assert not (tmp_path / "environment.keys").exists()


@pytest.fixture
def polled_both_ways(tmp_path: Path, maco_lab_authority: Cast) -> Iterator[KeyFiles]:
    """Keys of a lab in which MaCo has polled both ways and somebody has sent a mail by SMTP over TLS."""
    file = parse_lab(default_text(), name="lab.yaml", folder=tmp_path)
    thread = LabThread(background_loop())
    state = StateFolder(tmp_path / "state")
    landscape = running_lab(file, state, Journal(), free_ports=True, cast=maco_lab_authority, tapped=True)
    with thread.loop.enter(landscape) as running:
        lab = Lab(thread, running)
        assert [lab.maco.poll(name).succeeded for name in ("way-a", "way-b")] == [True, True]
        context = client_context([maco_lab_authority.root_certificate], check_hostname=False)
        with smtplib.SMTP_SSL(*lab.addresses["smtps"], context=context, timeout=10):
            pass
        assert running.taps is not None
        yield running.taps.keys


def test_servers_alone_name_the_sessions(logs: KeyFiles) -> None:
    assert set(logs.read()) == {Party.CONNECTIVITY, Party.MAIL_SERVER}


@pytest.mark.slow
def test_all_parties_log_the_keys_of_all_their_sessions(polled_both_ways: KeyFiles) -> None:
    maco, connector = (set(polled_both_ways.of(each)) for each in (Party.MACO, Party.CLOUD_CONNECTOR))
    cloud, mail_server = (set(polled_both_ways.of(each)) for each in (Party.CONNECTIVITY, Party.MAIL_SERVER))

    tunnel, way_a, way_b = cloud & connector, maco & mail_server, connector & mail_server
    by_smtp = mail_server - way_a - way_b
    assert all((tunnel, way_a, way_b, by_smtp))
    assert (cloud, maco, connector) == (tunnel, way_a, tunnel | way_b)
