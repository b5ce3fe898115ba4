from __future__ import annotations

import ssl

from mailserver_sim.smtp.tls import _facts


def test_a_handshake_that_is_begun_again_and_fails_is_told_without_a_certificate() -> None:
    """OpenSSL tells no certificate of the peer while a handshake runs, a second one (renegotiation) included."""
    unfinished = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)

    assert _facts(unfinished, None).peer_chain == ()
