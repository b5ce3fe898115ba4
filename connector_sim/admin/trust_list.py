"""The back-end trust store as the API knows it: each certificate by its alias.

An alias is ``trustedbackend.<upload>.<certificate in it>``; the one that was recorded is ``trustedbackend.1.1``. What
the connector has from the start counts as one upload each.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector_sim.admin.errors import invalid, not_found
from connector_sim.on_premise.trust_store import BackEndTrustStore


class TrustList:
    """The allowlist with its aliases, and the switch; each change acts on the next handshake."""

    def __init__(self, store: BackEndTrustStore) -> None:
        self._store = store
        self._first = (store.certificates, store.trusts_all)
        self._take_first()

    def _take_first(self) -> None:
        certificates, _ = self._first
        self._entries = {
            f"trustedbackend.{number}.1": x509.load_der_x509_certificate(der)
            for number, der in enumerate(certificates, 1)
        }
        self._uploads = len(certificates)

    @property
    def entries(self) -> dict[str, x509.Certificate]:
        """Every certificate by its alias."""
        return dict(self._entries)

    @property
    def trusts_all(self) -> bool:
        """The switch."""
        return self._store.trusts_all

    def get(self, alias: str) -> x509.Certificate:
        """Return one. Raises Refused."""
        if alias not in self._entries:
            raise not_found("Trusted backend certificate", alias)
        return self._entries[alias]

    def switch(self, *, trust_all: bool) -> None:
        """Trust every back end, or those of the list alone."""
        self._store.replace(self._store.certificates, trust_all=trust_all)

    def upload(self, certificates: Sequence[x509.Certificate]) -> None:
        """Add certificates, all or none. Raises Refused for one that is there already."""
        known = set(self._entries.values())
        for each in certificates:
            if each in known:
                raise invalid(f"certificates: {each.subject.rfc4514_string()} is in the trust store already")
            known.add(each)
        number = self._uploads + 1
        added = {f"trustedbackend.{number}.{place}": each for place, each in enumerate(certificates, 1)}
        self._use(self._entries | added)
        self._uploads = number

    def remove(self, alias: str) -> None:
        """Remove one. Raises Refused."""
        self.get(alias)
        self._use({name: each for name, each in self._entries.items() if name != alias})

    def clear(self) -> None:
        """Remove all."""
        self._use({})

    def restore(self) -> None:
        """Put everything back to the start."""
        certificates, trust_all = self._first
        if (self._store.certificates, self._store.trusts_all) != self._first:
            self._store.replace(certificates, trust_all=trust_all)
        self._take_first()

    def _use(self, entries: dict[str, x509.Certificate]) -> None:
        listed = [each.public_bytes(Encoding.DER) for each in entries.values()]
        self._store.replace(listed, trust_all=self._store.trusts_all)
        self._entries = entries
