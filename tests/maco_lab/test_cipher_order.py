"""Under TLS 1.2 the mail server chooses the cipher, by IMAP and by SMTP: the client's order does not count."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable

import pytest
from OpenSSL import SSL

from certs.cast import Cast
from maco_lab.mail_tls import imap_context_factory, smtp_context
from maco_lab.testing.lab import new_authority

CIPHERS = ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384")


class Client:
    """A TLS client in memory that offers ciphers in its own order."""

    def __init__(self, ciphers: tuple[str, ...]) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(":".join(ciphers))
        self.received, self.sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self.received, self.sent)

    def chosen(self, answer: Callable[[bytes], bytes]) -> str:
        """Send the ClientHello and what follows, until a cipher is agreed upon."""
        for _ in range(4):
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self.received.write(answer(self.sent.read()))
        cipher = self._tls.cipher()
        assert cipher
        return cipher[0]


def imap(cast: Cast) -> Callable[[bytes], bytes]:
    server = SSL.Connection(imap_context_factory(cast.mail_server).getContext(), None)
    server.set_accept_state()

    def answer(data: bytes) -> bytes:
        server.bio_write(data)
        with contextlib.suppress(SSL.WantReadError):
            server.do_handshake()
        return server.bio_read(65536)

    return answer


def smtp(cast: Cast) -> Callable[[bytes], bytes]:
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = smtp_context(cast.mail_server).wrap_bio(received, sent, server_side=True)

    def answer(data: bytes) -> bytes:
        received.write(data)
        with contextlib.suppress(ssl.SSLWantReadError):
            server.do_handshake()
        return sent.read()

    return answer


@pytest.mark.parametrize("serve", [imap, smtp])
def test_the_server_s_order_of_ciphers_counts(serve: Callable[[Cast], Callable[[bytes], bytes]]) -> None:
    cast = new_authority()
    chosen = {Client(order).chosen(serve(cast)) for order in (CIPHERS, CIPHERS[::-1])}

    assert len(chosen) == 1
