"""One listener's TLS in the two forms that the libraries need."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailserver_sim.imap.tls import ContextFactory


@dataclass(frozen=True)
class TlsContexts:
    """The same settings and the same certificate, for Twisted (pyOpenSSL) and for asyncio (``ssl``)."""

    twisted: ContextFactory
    asyncio: ssl.SSLContext
