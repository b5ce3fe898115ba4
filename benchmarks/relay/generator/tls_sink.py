"""The sink behind TLS, for proxies that originate it: a thread for each connection, whole chunks at a time.

``python -m benchmarks.relay.generator.tls_sink CERTIFICATES KEY`` prints its port and ends with its standard input.
Encrypting costs as much as what is measured, so its share of a core is no sign of a defect.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import sys
import threading

from benchmarks.relay.generator import protocol
from benchmarks.relay.generator.sink import listening

BUFFER_BYTES = 256 * 1024


def serve(connection: socket.socket, context: ssl.SSLContext) -> None:
    """Serve one connection to its end."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
        while command := tls.recv(protocol.TRANSFER_BYTES):
            if command == protocol.WAIT:
                tls.sendall(command)
            elif command[:1] == protocol.ECHO:
                echo(tls, command)
            else:
                transfer(tls, command)
                tls.unwrap()


def echo(tls: ssl.SSLSocket, data: bytes) -> None:
    """Say back ``data`` and all that follows."""
    while data:
        tls.sendall(data)
        data = tls.recv(BUFFER_BYTES)


def transfer(tls: ssl.SSLSocket, command: bytes) -> None:
    """Send or receive what a bulk command asks for."""
    buffer = memoryview(bytearray(BUFFER_BYTES))
    (count,) = protocol.COUNT.unpack(command[1:])
    left = count
    if command[:1] == protocol.DOWN:
        while left:
            left -= tls.send(buffer[: min(left, BUFFER_BYTES)])
        return
    tls.sendall(protocol.GO)
    while left > 0 and (received := tls.recv_into(buffer)):
        left -= received
    tls.sendall(protocol.COUNT.pack(count - left))


def accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Accept for ever."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, context), daemon=True).start()


def main() -> None:
    """Serve until standard input ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    listener = listening()
    listener.setblocking(True)
    print(json.dumps([listener.getsockname()[1]]), flush=True)
    threading.Thread(target=accept, args=(listener, context), daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
