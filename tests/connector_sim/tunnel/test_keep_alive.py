from __future__ import annotations

import socket

import pytest

from connector_sim.exceptions import SettingsError
from connector_sim.tunnel.keep_alive import KeepAlive, with_keep_alive
from maco_net.tcp import TcpStream
from tests.maco_net.pairs import connected_sockets


async def test_the_kernel_is_given_the_settings() -> None:
    with connected_sockets() as (ours, _):
        stream = with_keep_alive(TcpStream(ours), KeepAlive(idle_s=7, interval_s=3, probes=2))
        sock = stream.detach()
        idle = getattr(socket, "TCP_KEEPIDLE", None) or getattr(socket, "TCP_KEEPALIVE")  # noqa: B009 - absent on Linux
        told = [sock.getsockopt(socket.IPPROTO_TCP, each) for each in (idle, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]
        assert (sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0, told) == (True, [7, 3, 2])


async def test_the_connection_carries_on() -> None:
    with connected_sockets() as (ours, theirs):
        stream = with_keep_alive(TcpStream(ours), KeepAlive())
        await stream.send(b"x")
        theirs.settimeout(5)
        assert theirs.recv(1) == b"x"
        await stream.aclose()


@pytest.mark.parametrize("wrong", [{"idle_s": 0}, {"interval_s": 32_768}, {"probes": 128}, {"probes": 0}])
def test_what_the_kernel_would_refuse_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingsError):
        KeepAlive(**wrong)
