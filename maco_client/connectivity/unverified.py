"""The test tool's switch "Validate Server Certificate", when it is off. Polls never use it."""

from __future__ import annotations

import datetime as dt
import ssl

from maco_client.key_store import KeyStore
from maco_client.verification.verification import Verification
from maco_net.errors import HandshakeFacts
from maco_net.trust import MINIMUM_VERSION


class Unverified(Verification):
    """Takes whoever answers, so that one can look at the certificates that it sends."""

    def _make_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = MINIMUM_VERSION
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def check(self, facts: HandshakeFacts) -> None:
        """Refuse nothing."""

    def vouched_by(self, _facts: HandshakeFacts) -> str:
        """Return nobody."""
        return ""


class UnverifyingKeyStore(KeyStore):
    """A key store that nobody asks."""

    def verification(self) -> Verification:
        """Return what takes whoever answers."""
        return Unverified({}, self.profile, dt.datetime.now(dt.UTC))
