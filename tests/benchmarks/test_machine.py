"""What programs say about their version."""

from __future__ import annotations

import pytest

from benchmarks.relay.report.machine import version_in


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/\n", "2.6.12-1+deb12u4"),
        ("nginx version: nginx/1.22.1\n", "1.22.1"),
        ("Initializing inetd mode configuration\nstunnel 5.68 on x86_64-pc-linux-gnu platform\n", "5.68"),
        ("OpenSSH_9.2p1 Debian-2+deb12u7, OpenSSL 3.0.17\n", "9.2p1"),
        ("something else", ""),
    ],
)
def test_the_version_is_found(said: str, version: str) -> None:
    assert version_in(said) == version
