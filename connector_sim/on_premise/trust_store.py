"""The back-end trust store: whom the Cloud Connector trusts when it does TLS with a back end.

One store for the whole connector, not per subaccount. Empty means that nobody is trusted. A listed certificate counts
wherever it stands in the path: root, intermediate or the leaf. "Trust all" is the product's own, discouraged switch.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable

from connector_sim.exceptions import SettingsError
from maco_net.trust import trusting_context

NAME = "Cloud Connector's back-end trust store"

OfferCertificate = Callable[[ssl.SSLContext], None]


class BackEndTrustStore:
    """The allowlist of certificates (DER) and its switch."""

    def __init__(
        self,
        certificates: Iterable[bytes] = (),
        *,
        trust_all: bool = False,
        check_name: bool = False,
        offer_system_certificate: OfferCertificate | None = None,
    ) -> None:
        """``offer_system_certificate`` puts the connector's client certificate into a context, if it has one.

        Raises SettingsError for bytes that are no certificate in DER.
        """
        self._trust_all = trust_all
        self._check_name = check_name
        self._offer_system_certificate = offer_system_certificate
        self._context = self._build(tuple(certificates))

    @property
    def vouches_as(self) -> str:
        """How this store is named as the one that verified a back end."""
        return "" if self._trust_all else NAME

    @property
    def checks_name(self) -> bool:
        """Whether the certificate is compared with the internal host."""
        return self._check_name and not self._trust_all

    @property
    def offers_certificate(self) -> bool:
        """Whether a back end that asks for a client certificate gets the system certificate."""
        return self._offer_system_certificate is not None

    def context(self) -> ssl.SSLContext:
        """Return the context for back ends, always the same: building one takes longer than a handshake."""
        return self._context

    def _build(self, certificates: tuple[bytes, ...]) -> ssl.SSLContext:
        try:
            context = trusting_context(certificates, check_hostname=self.checks_name)
        except ssl.SSLError as error:
            raise SettingsError("trustedBackends", f"found no certificate in DER ({error.reason})") from error
        if self._trust_all:
            context.verify_mode = ssl.CERT_NONE  # the simulated product's own switch, off unless the user set it
        if self._offer_system_certificate:
            self._offer_system_certificate(context)
        return context
