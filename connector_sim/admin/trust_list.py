"""The back-end trust store as the API knows it: each certificate by its alias.

An alias is ``trustedbackend.<upload>.<certificate in it>``; the one that was recorded is ``trustedbackend.1.1``. What
the connector has from the start counts as one upload each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector_sim.admin.errors import invalid, not_found
from connector_sim.on_premise.trust_store import BackEndTrustStore


@dataclass(frozen=True, slots=True)
class KeptTrust:
    """What is to be kept of the list."""

    entries: Mapping[str, x509.Certificate]
    """By alias."""
    uploads: int
    """How many uploads there were: aliases are never used again."""
    trusts_all: bool = False


def numbered(certificates: Sequence[x509.Certificate], *, trusts_all: bool) -> KeptTrust:
    """Return the list that begins with these certificates."""
    entries = {f"trustedbackend.{number}.1": each for number, each in enumerate(certificates, 1)}
    return KeptTrust(entries, len(certificates), trusts_all)


class TrustList:
    """The allowlist with its aliases, and the switch; each change acts on the next handshake."""

    def __init__(self, store: BackEndTrustStore) -> None:
        self._store = store
        first = numbered([x509.load_der_x509_certificate(der) for der in store.certificates], trusts_all=False)
        self._entries, self._uploads = dict(first.entries), first.uploads

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

    @property
    def kept(self) -> KeptTrust:
        """What is to be kept of it."""
        return KeptTrust(self.entries, self._uploads, self.trusts_all)

    def load(self, kept: KeptTrust) -> None:
        """Be what was kept."""
        listed = tuple(each.public_bytes(Encoding.DER) for each in kept.entries.values())
        if (self._store.certificates, self._store.trusts_all) != (listed, kept.trusts_all):
            self._store.replace(listed, trust_all=kept.trusts_all)
        self._entries, self._uploads = dict(kept.entries), kept.uploads

    def _use(self, entries: dict[str, x509.Certificate]) -> None:
        listed = [each.public_bytes(Encoding.DER) for each in entries.values()]
        self._store.replace(listed, trust_all=self._store.trusts_all)
        self._entries = entries
