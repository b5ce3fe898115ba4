"""The configuration files of the peers, as their own documentation says they are fastest.

Pure text. All have one worker, as each of our two processes has one; TLS is version 1.3 with AES-128-GCM.
``tls_in`` and ``tls_out`` say which side of a proxy is TLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CIPHERSUITE = "TLS_AES_128_GCM_SHA256"
BACKLOG = 4096
BULK_BUFFER_BYTES = 65_536
_SPARE_DESCRIPTORS = 200


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy process: from a port to a port."""

    listen: int
    connect: int
    descriptors: int
    tls_in: bool = False
    tls_out: bool = False
    large_buffers: bool = False


def haproxy(proxy: Proxy, pem: Path) -> str:
    """Return ``haproxy.cfg``; ``pem`` holds certificate and key."""
    inside = f" ssl crt {pem}" if proxy.tls_in else ""
    outside = " ssl verify none" if proxy.tls_out else ""
    buffers = f"tune.bufsize {BULK_BUFFER_BYTES}" if proxy.large_buffers else ""
    return f"""\
global
    nbthread 1
    maxconn {(proxy.descriptors - _SPARE_DESCRIPTORS) // 2}
    {buffers}
    ssl-default-bind-options ssl-min-ver TLSv1.3
    ssl-default-bind-ciphersuites {CIPHERSUITE}
    ssl-default-server-options ssl-min-ver TLSv1.3
    ssl-default-server-ciphersuites {CIPHERSUITE}
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
frontend entry
    bind 127.0.0.1:{proxy.listen} backlog {BACKLOG}{inside}
    default_backend next
backend next
    server next 127.0.0.1:{proxy.connect}{outside}
"""


def nginx(proxy: Proxy, certificate: Path, key: Path, module: Path | None) -> str:
    """Return ``nginx.conf``; ``module`` is the stream module where it is not built in."""
    load = f"load_module {module};" if module else ""
    buffers = f"proxy_buffer_size {BULK_BUFFER_BYTES // 1024}k;" if proxy.large_buffers else ""
    inside = (
        f"""
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites {CIPHERSUITE};
        ssl_session_cache shared:sessions:10m;"""
        if proxy.tls_in
        else ""
    )
    outside = (
        f"""
        proxy_ssl on;
        proxy_ssl_protocols TLSv1.3;
        proxy_ssl_conf_command Ciphersuites {CIPHERSUITE};
        proxy_ssl_session_reuse on;"""
        if proxy.tls_out
        else ""
    )
    return f"""\
{load}
daemon off;
worker_processes 1;
worker_rlimit_nofile {proxy.descriptors};
pid nginx-{proxy.listen}.pid;
error_log stderr crit;
events {{
    worker_connections {proxy.descriptors - _SPARE_DESCRIPTORS};
    multi_accept on;
}}
stream {{
    access_log off;
    tcp_nodelay on;
    proxy_timeout 1h;
    {buffers}
    server {{
        listen 127.0.0.1:{proxy.listen} backlog={BACKLOG}{" ssl" if proxy.tls_in else ""};
        proxy_pass 127.0.0.1:{proxy.connect};{inside}{outside}
    }}
}}
"""


def stunnel(proxy: Proxy, certificate: Path, key: Path) -> str:
    """Return ``stunnel.conf``; stunnel always has TLS on exactly one side."""
    side = f"cert = {certificate}\nkey = {key}" if proxy.tls_in else "client = yes"
    return f"""\
foreground = yes
pid =
syslog = no
debug = err
sslVersion = TLSv1.3
ciphersuites = {CIPHERSUITE}
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[next]
accept = 127.0.0.1:{proxy.listen}
connect = 127.0.0.1:{proxy.connect}
{side}
"""


def sshd(port: int, host_key: Path, authorized_keys: Path) -> str:
    """Return ``sshd_config`` for one user with one key, and forwarding alone."""
    return f"""\
ListenAddress 127.0.0.1:{port}
HostKey {host_key}
AuthorizedKeysFile {authorized_keys}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding remote
PermitTTY no
X11Forwarding no
Ciphers aes128-gcm@openssh.com
UseDNS no
LogLevel ERROR
"""
