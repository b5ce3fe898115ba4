"""The mail server's two TLS configurations: pyOpenSSL for Twisted's IMAP, ``ssl`` for aiosmtpd.

Both ask for no client certificate and speak TLS 1.2 or newer.
"""

from __future__ import annotations

import ssl

from OpenSSL import SSL

from certs.authority import Issued
from certs.trust import server_context
from maco_lab.taps.key_files import KeyFiles
from maco_wire.observation import Party


class ImapContextFactory:
    """Give Twisted one pyOpenSSL context for all connections."""

    def __init__(self, context: SSL.Context) -> None:
        self._context = context

    def getContext(self) -> SSL.Context:  # noqa: N802 - Twisted's name
        """Return the context."""
        return self._context


def imap_context_factory(issued: Issued, key_files: KeyFiles | None = None) -> ImapContextFactory:
    """Return what Twisted's IMAP server presents ``issued`` with; it logs its keys if there are ``key_files``."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate(issued.certificate)
    for certificate in issued.chain:
        context.add_extra_chain_cert(certificate)
    context.set_options(SSL.OP_CIPHER_SERVER_PREFERENCE)  # as ``ssl`` does by itself
    context.use_privatekey(issued.private_key)
    context.check_privatekey()
    if key_files is not None:
        context.set_keylog_callback(key_files.pyopenssl_callback(Party.MAIL_SERVER))
    return ImapContextFactory(context)


def smtp_context(issued: Issued) -> ssl.SSLContext:
    """Return what aiosmtpd presents ``issued`` with."""
    return server_context(issued)
