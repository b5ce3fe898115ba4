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
    """The allowlist of certificates (DER) and its switch; what is changed counts from the next handshake on."""

    def __init__(
        self,
        certificates: Iterable[bytes] = (),
        *,
        trust_all: bool = False,
        check_name: bool = False,
        offer_system_certificate: OfferCertificate | None = None,
        prepare: Callable[[ssl.SSLContext], object] | None = None,
    ) -> None:
        """``offer_system_certificate`` puts the connector's client certificate into a context, if it has one.

        ``prepare`` gets every context before it is used. Raises SettingsError for bytes that are no certificate in DER.
        """
        self._check_name = check_name
        self._prepare = prepare
        self._set(tuple(certificates), trust_all=trust_all, offer=offer_system_certificate)

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The allowlist; kept, but not asked, while all are trusted."""
        return self._certificates

    @property
    def trusts_all(self) -> bool:
        """The switch."""
        return self._trust_all

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
        """Return the context for back ends, the same until a change: building one takes longer than a handshake."""
        return self._context

    def new_context(self) -> ssl.SSLContext:
        """Return a context of its own with the same trust, for whoever has to look into a handshake."""
        return self._built(self._certificates, trust_all=self._trust_all, offer=self._offer_system_certificate)

    def replace(self, certificates: Iterable[bytes], *, trust_all: bool) -> None:
        """Trust others. Raises SettingsError for bytes that are no certificate in DER, and changes nothing then."""
        self._set(tuple(certificates), trust_all=trust_all, offer=self._offer_system_certificate)

    def offer(self, offer_system_certificate: OfferCertificate | None) -> None:
        """Offer another system certificate, or none."""
        self._set(self._certificates, trust_all=self._trust_all, offer=offer_system_certificate)

    def _set(self, certificates: tuple[bytes, ...], *, trust_all: bool, offer: OfferCertificate | None) -> None:
        context = self._built(certificates, trust_all=trust_all, offer=offer)
        self._certificates, self._trust_all = certificates, trust_all
        self._offer_system_certificate, self._context = offer, context

    def _built(
        self, certificates: tuple[bytes, ...], *, trust_all: bool, offer: OfferCertificate | None
    ) -> ssl.SSLContext:
        check_hostname = self._check_name and not trust_all
        try:
            context = trusting_context(certificates, check_hostname=check_hostname)
        except ssl.SSLError as error:
            raise SettingsError("trustedBackends", f"found no certificate in DER ({error.reason})") from error
        if trust_all:
            context.verify_mode = ssl.CERT_NONE  # the simulated product's own switch, off unless the user set it
        if offer:
            offer(context)
        if self._prepare:
            self._prepare(context)
        return context
