"""The mail server's TLS configurations: pyOpenSSL for Twisted, ``ssl`` for aiosmtpd.

Without settings both ask for no client certificate and speak TLS 1.2 or newer. OpenSSL's security level is 0 only where
the settings have a version before 1.2, or the certificate is a weak one.
"""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Mapping, Sequence

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509, X509StoreFlags

from certs.authority import WEAKEST_CIPHERS, Issued
from certs.trust import ClientCertificate, server_context
from maco_lab.taps.key_files import KeyFiles
from maco_lab.tls_abilities import SSL_VERSIONS
from maco_wire.observation import Party
from mailserver_sim.tls_contexts import TlsContexts
from mailserver_sim.tls_settings import TlsSettings, TlsVersion

USUAL = TlsSettings()

_OPENSSL_VERSIONS: Mapping[TlsVersion, int] = {
    "1.0": SSL.TLS1_VERSION,
    "1.1": SSL.TLS1_1_VERSION,
    "1.2": SSL.TLS1_2_VERSION,
    "1.3": SSL.TLS1_3_VERSION,
}
_OPENSSL_VERIFY: Mapping[str, int] = {
    "none": SSL.VERIFY_NONE,
    "wanted": SSL.VERIFY_PEER,
    "required": SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT,
}
_SSL_VERIFY: Mapping[str, ClientCertificate] = {"none": "none", "wanted": "optional", "required": "required"}


class ImapContextFactory:
    """Give Twisted one pyOpenSSL context for all connections."""

    def __init__(self, context: SSL.Context) -> None:
        self._context = context

    def getContext(self) -> SSL.Context:  # noqa: N802 - Twisted's name
        """Return the context."""
        return self._context


def listener_tls(
    issued: Issued, tls: TlsSettings, client_anchors: Sequence[x509.Certificate], key_files: KeyFiles | None = None
) -> TlsContexts:
    """Return one listener's TLS; clients that show a certificate are judged by ``client_anchors``."""
    twisted = imap_context_factory(issued, key_files, tls, client_anchors)
    context = smtp_context(issued, tls, client_anchors)
    if key_files is not None:
        key_files.log_from(context, Party.MAIL_SERVER)
    return TlsContexts(twisted, context)


def imap_context_factory(
    issued: Issued,
    key_files: KeyFiles | None = None,
    tls: TlsSettings = USUAL,
    client_anchors: Sequence[x509.Certificate] = (),
) -> ImapContextFactory:
    """Return what Twisted's IMAP server presents ``issued`` with; it logs its keys if there are ``key_files``."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_OPENSSL_VERSIONS[tls.minimum_version])
    context.set_max_proto_version(_OPENSSL_VERSIONS[tls.maximum_version])
    if ciphers := _ciphers(issued, tls):
        context.set_cipher_list(ciphers.encode("ascii"))
    context.use_certificate(issued.certificate)
    for certificate in issued.chain:
        context.add_extra_chain_cert(certificate)
    context.use_privatekey(issued.private_key)
    context.check_privatekey()
    _ask_clients(context, tls, client_anchors)
    if key_files is not None:
        context.set_keylog_callback(key_files.pyopenssl_callback(Party.MAIL_SERVER))
    return ImapContextFactory(context)


def _ask_clients(context: SSL.Context, tls: TlsSettings, client_anchors: Sequence[x509.Certificate]) -> None:
    if tls.client_certificate == "none":
        return
    store = context.get_cert_store()
    assert store is not None  # a context has one from the beginning
    store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
    for anchor in client_anchors:
        store.add_cert(X509.from_cryptography(anchor))
        context.add_client_ca(anchor)
    context.set_verify(_OPENSSL_VERIFY[tls.client_certificate], lambda *arguments: bool(arguments[-1]))
    context.set_session_id(b"maco-lab")  # OpenSSL resumes no session of a client that it verified without one


def smtp_context(
    issued: Issued, tls: TlsSettings = USUAL, client_anchors: Sequence[x509.Certificate] = ()
) -> ssl.SSLContext:
    """Return what aiosmtpd presents ``issued`` with."""
    asks = tls.client_certificate != "none"
    context = server_context(
        issued,
        client_anchors=client_anchors if asks else None,
        client_certificate=_SSL_VERIFY[tls.client_certificate],
    )
    if ciphers := _ciphers(issued, tls):
        context.set_ciphers(ciphers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of old versions, which are asked for
        context.minimum_version = SSL_VERSIONS[tls.minimum_version]
        context.maximum_version = SSL_VERSIONS[tls.maximum_version]
    return context


def _ciphers(issued: Issued, tls: TlsSettings) -> str:
    """Return the cipher list; empty to leave the library's own as it is."""
    if not (issued.is_weak or tls.old_versions):
        return tls.ciphers
    return f"{tls.ciphers}:@SECLEVEL=0" if tls.ciphers else WEAKEST_CIPHERS
