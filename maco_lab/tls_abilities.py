"""What the OpenSSL of this machine can still do, and not only by its settings: old versions and ciphers.

There are two of them in one process: Python's own, and that of ``cryptography`` beneath Twisted.
"""

from __future__ import annotations

import functools
import ssl
import warnings
from collections.abc import Mapping

from mailserver_sim.tls_settings import OLDEST_GOOD, TlsVersion

SSL_VERSIONS: Mapping[TlsVersion, ssl.TLSVersion] = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_WITHOUT_CERTIFICATES = "aNULL:@SECLEVEL=0"
_ROUNDS = 6


def unknown_ciphers(ciphers: str) -> bool:
    """Tell whether OpenSSL finds no cipher in a cipher list."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError:
        return True
    return False


@functools.cache
def speaks(version: TlsVersion) -> bool:
    """Tell whether both OpenSSLs do a version; of an old one a handshake in memory tells, without certificates."""
    if version >= OLDEST_GOOD:
        return True
    return _python_speaks(version) and _cryptography_speaks(version)


def _python_speaks(version: TlsVersion) -> bool:
    contexts = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for context in contexts:
        # No network and no certificate on either side: two ends in memory, with ciphers that need none.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers(_WITHOUT_CERTIFICATES)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = SSL_VERSIONS[version]
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        contexts[1].wrap_bio(to_client, to_server),
        contexts[0].wrap_bio(to_server, to_client, server_side=True),
    )
    done = [False, False]
    for at in (0, 1) * _ROUNDS:
        try:
            ends[at].do_handshake()
            done[at] = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            return False
    return all(done)


def _cryptography_speaks(version: TlsVersion) -> bool:
    from OpenSSL import SSL

    number = {"1.0": SSL.TLS1_VERSION, "1.1": SSL.TLS1_1_VERSION, "1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(number[version])
    context.set_max_proto_version(number[version])
    context.set_cipher_list(_WITHOUT_CERTIFICATES.encode())
    ends = SSL.Connection(context, None), SSL.Connection(context, None)
    ends[0].set_connect_state()
    ends[1].set_accept_state()
    done = [False, False]
    for at in (0, 1) * _ROUNDS:
        try:
            ends[at].do_handshake()
            done[at] = True
        except SSL.WantReadError:
            pass
        except SSL.Error:
            return False
        try:
            ends[1 - at].bio_write(ends[at].bio_read(65536))
        except SSL.WantReadError:
            continue
    return all(done)
