"""A back end that demands a client certificate, and tells which one it got."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

from certs.authority import Issued
from certs.trust import trust

TIMEOUT_S = 20.0


class Demanding:
    """Takes connections until it is closed; ``shown`` are the certificates (DER) of those that had one."""

    def __init__(self, own: Issued, trusted: bytes) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.maximum_version = ssl.TLSVersion.TLSv1_2  # so that a refusal comes within the handshake
        own.configure_server(self._context)
        self._context.verify_mode = ssl.CERT_REQUIRED
        trust(self._context, ())
        self._context.load_verify_locations(cadata=trusted)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(TIMEOUT_S)
        self.address: tuple[str, int] = self._listening.getsockname()
        self.shown: list[bytes | None] = []

    def serve(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            plain.settimeout(TIMEOUT_S)
            try:
                with self._context.wrap_socket(plain, server_side=True) as tls:
                    self.shown.append(tls.getpeercert(binary_form=True))
                    tls.sendall(b"* OK demanding\r\n")
            except OSError:
                plain.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@contextlib.contextmanager
def demanding(own: Issued, trusted: bytes) -> Iterator[Demanding]:
    """Run one that trusts a certificate (DER) alone."""
    server = Demanding(own, trusted)
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(TIMEOUT_S)
