"""The configuration files of the peers."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.relay.contestants import peer_files
from benchmarks.relay.contestants.field import FIELD, absence, is_installed
from benchmarks.relay.contestants.peer_files import Proxy

CERTIFICATE, KEY = Path("/run/a.pem"), Path("/run/a.key")


def rendered(proxy: Proxy) -> dict[str, str]:
    return {
        "haproxy": peer_files.haproxy(proxy, CERTIFICATE),
        "nginx": peer_files.nginx(proxy, CERTIFICATE, KEY, None),
        "stunnel": peer_files.stunnel(proxy, CERTIFICATE, KEY),
    }


@pytest.mark.parametrize("name", ["haproxy", "nginx", "stunnel"])
def test_a_proxy_listens_and_connects_on_loopback_only(name: str) -> None:
    text = rendered(Proxy(15_001, 15_002, 20_000, tls_in=True))[name]

    assert text.count("127.0.0.1:15001") == text.count("127.0.0.1:15002") == 1
    assert "0.0.0.0" not in text


@pytest.mark.parametrize("name", ["haproxy", "nginx", "stunnel"])
def test_only_the_terminating_side_has_a_certificate(name: str) -> None:
    assert str(CERTIFICATE) in rendered(Proxy(1, 2, 20_000, tls_in=True))[name]
    assert str(CERTIFICATE) not in rendered(Proxy(1, 2, 20_000, tls_out=True))[name]


@pytest.mark.parametrize("name", ["haproxy", "nginx", "stunnel"])
@pytest.mark.parametrize("tls_in", [True, False])
def test_both_sides_are_limited_to_the_cipher_of_the_benchmark(name: str, tls_in: bool) -> None:
    text = rendered(Proxy(1, 2, 20_000, tls_in=tls_in, tls_out=not tls_in))[name]

    assert "TLS_AES_128_GCM_SHA256" in text
    assert "TLSv1.3" in text


def test_a_proxy_without_tls_originates_none() -> None:
    plain = rendered(Proxy(1, 2, 20_000))

    assert "server next 127.0.0.1:2\n" in plain["haproxy"]
    assert "proxy_ssl" not in plain["nginx"]


def test_bulk_has_buffers_of_64_kib() -> None:
    large = rendered(Proxy(1, 2, 20_000, large_buffers=True))

    assert "tune.bufsize 65536" in large["haproxy"]
    assert "proxy_buffer_size 64k;" in large["nginx"]


def test_haproxy_has_two_descriptors_for_each_connection() -> None:
    assert "maxconn 9900" in peer_files.haproxy(Proxy(1, 2, 20_000), CERTIFICATE)


def test_nginx_loads_its_stream_module_where_it_is_not_built_in() -> None:
    text = peer_files.nginx(Proxy(1, 2, 20_000), CERTIFICATE, KEY, Path("/modules/stream.so"))

    assert text.startswith("load_module /modules/stream.so;")


def test_sshd_takes_the_key_of_the_run_and_no_password() -> None:
    text = peer_files.sshd(15_001, Path("/run/host"), Path("/run/authorized_keys"))

    assert "AuthorizedKeysFile /run/authorized_keys" in text
    assert "PasswordAuthentication no" in text
    assert "ListenAddress 127.0.0.1:15001" in text


PEERS = [each for each in FIELD if each.is_peer]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_an_absent_peer_is_named_with_the_package_to_install(peer: object) -> None:
    absent = next(each for each in PEERS if each is peer)

    assert not is_installed(absent, find=lambda _: None)
    assert absence(absent).endswith(f"apt-get install {absent.package}")


def test_a_peer_needs_all_of_its_programs() -> None:
    (ssh,) = [each for each in PEERS if each.name == "ssh"]

    assert not is_installed(ssh, find=lambda name: None if name == "sshd" else f"/usr/bin/{name}")
    assert is_installed(ssh, find=lambda name: f"/usr/bin/{name}")
