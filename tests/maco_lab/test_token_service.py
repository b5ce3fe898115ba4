"""Where the token service speaks HTTP, and where HTTPS: a client secret never travels in clear over a network."""

from __future__ import annotations

import socket
import ssl
import urllib.error
import urllib.request
from typing import Any

import pytest

from maco_lab.lab_model import Cloud
from maco_lab.parties import TUNNEL_HOST, configured_cloud_addresses, token_service_uses_tls
from maco_lab.testing.lab import Lab
from maco_lab.testing.parties import Maco
from maco_lab.testing.settings import Change
from tests.programs import missing

OTHER_LOOPBACK = "127.0.0.2"
"""Loopback on Linux, so that nothing leaves the machine, but none of the addresses where HTTP is accepted."""


def cloud(host: str) -> Cloud:
    return Cloud.model_validate(
        {"host": host, "clients": [{"client_id": "maco", "client_secret": "s", "subaccount": "stadtwerke"}]}
    )


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:20010"),
        ("::1", "http://[::1]:20010"),
        ("10.77.0.1", "https://10.77.0.1:20010"),
        ("127.0.0.2", "https://127.0.0.2:20010"),
        ("fd00::1", "https://[fd00::1]:20010"),
    ],
)
def test_http_is_spoken_on_this_machines_own_addresses_only(host: str, url: str) -> None:
    assert configured_cloud_addresses(cloud(host)).token_url == url
    assert token_service_uses_tls(cloud(host)) is url.startswith("https:")


def elsewhere(data: dict[str, Any]) -> None:
    data["cloud"]["host"] = OTHER_LOOPBACK


@pytest.fixture
def maco_lab_settings() -> Change:
    try:
        socket.create_server((OTHER_LOOPBACK, 0)).close()
    except OSError:
        missing(f"this machine has no {OTHER_LOOPBACK}: this test proves nothing here")
    return elsewhere


@pytest.mark.usefixtures("mail_waits")
def test_a_lab_on_another_address_fetches_mail_by_both_ways(maco: Maco) -> None:
    assert [maco.poll(name).stored for name in ("way-a", "way-b")] == [1, 1]


def test_its_token_service_shows_the_certificate_of_the_cloud_side(maco_lab: Lab) -> None:
    context = maco_lab.running.pki.token_client_context()
    with (
        socket.create_connection(maco_lab.addresses["token"], timeout=5) as tcp,
        context.wrap_socket(tcp, server_hostname=TUNNEL_HOST) as tls,
    ):
        assert tls.version() in ("TLSv1.2", "TLSv1.3")
    with socket.create_connection(maco_lab.addresses["token"], timeout=5) as tcp, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(tcp, server_hostname=TUNNEL_HOST)


def test_its_token_service_does_not_answer_http(maco_lab: Lab) -> None:
    host, port = maco_lab.addresses["token"]
    with pytest.raises((urllib.error.URLError, OSError)):
        urllib.request.urlopen(f"http://{host}:{port}/token_keys", timeout=5)
