"""Sockets under asyncio: plain and TLS byte streams, connecting and listening; no protocol above TLS is known here.

Unlike asyncio's transports, a stream here never reads ahead: bytes stay in the kernel until they are asked for. So a
STARTTLS can be watched byte by byte, TLS runs by OpenSSL directly on the socket, an end without close_notify is told
from an orderly one, and a reader that stops holds back its own sender only: see
``docs/decisions/0001-own-byte-streams.md``.
"""
