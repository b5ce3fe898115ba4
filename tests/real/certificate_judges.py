"""Real programs that judge the mail servers' certificates: each meets a server that presents another one every time."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence

from certs.authority import Issued
from certs.trust import server_context
from maco_wire.observation import Address

PATIENCE_S = 40.0
GREETING = b"* BYE judged\r\n"


@contextlib.contextmanager
def presenting_in_turn(certificates: Sequence[Issued]) -> Iterator[Address]:
    """Serve one connection for each certificate, in their order, with a greeting that ends it."""
    contexts = [server_context(issued) for issued in certificates]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        serving = threading.Thread(target=_serve, args=(listener, contexts))
        serving.start()
        try:
            yield listener.getsockname()
        finally:
            serving.join(PATIENCE_S)


def _serve(listener: socket.socket, contexts: Sequence[ssl.SSLContext]) -> None:
    for context in contexts:
        connection, _ = listener.accept()
        connection.settimeout(PATIENCE_S)
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            secured.sendall(GREETING)
        connection.close()
