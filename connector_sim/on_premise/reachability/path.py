"""From the certificates that a server sent to the one in a trust store that ends the path, or those that would. Pure.

It explains a verdict and gives none: OpenSSL has judged before. The rule is the store's own: any listed certificate
ends the path, wherever it stands in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from connector_sim.observing import DescribeCertificate
from connector_sim.on_premise.reachability.result import MissingCertificate, Role

LONGEST = 16
"""How many certificates of a path are looked at; a server may send anything."""


@dataclass(frozen=True, slots=True)
class Member:
    """A certificate that can be read."""

    der: bytes
    certificate: x509.Certificate

    @property
    def is_self_issued(self) -> bool:
        """Whether it names itself as its issuer, as a root does."""
        return self.certificate.subject == self.certificate.issuer

    def has_issued(self, other: Member) -> bool:
        """Tell whether the other one names this one as its issuer, and this one's key has signed it."""
        try:
            other.certificate.verify_directly_issued_by(self.certificate)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Path:
    """The path as far as it can be followed, the server's certificate first."""

    members: tuple[Member, ...]
    anchor: Member | None
    """The listed certificate that ends it: one of the path, or the issuer of the last one."""

    def missing(self, describe: DescribeCertificate) -> tuple[MissingCertificate, ...]:
        """Return which certificates would end it, the topmost first; none where one does."""
        if self.anchor is not None or not self.members:
            return ()
        top = self.members[-1]
        above = MissingCertificate("issuer", describe(top.der).issuer, "", was_sent=False)
        sent = [
            MissingCertificate(_role(each, is_first=at == 0), seen.subject, seen.issuer, was_sent=True)
            for at, each in enumerate(self.members)
            for seen in [describe(each.der)]
        ]
        return (*([] if top.is_self_issued else [above]), *reversed(sent))


def path_of(sent: Sequence[bytes], listed: Iterable[bytes]) -> Path:
    """Follow the path of the certificates that were sent (DER, the server's first) to one that is listed (DER)."""
    chain = [each for each in map(_read, sent[:LONGEST]) if each is not None]
    anchors = [each for each in map(_read, listed) if each is not None]
    if not chain:
        return Path((), None)
    path = [chain.pop(0)]
    while (anchor := _ending(path[-1], anchors)) is None and not path[-1].is_self_issued:
        above = next((each for each in chain if each.has_issued(path[-1])), None)
        if above is None:
            break
        chain.remove(above)
        path.append(above)
    return Path(tuple(path), anchor)


def role_of(der: bytes, *, is_first: bool) -> Role:
    """Return the place in its path of a certificate that was sent, however odd it is."""
    found = _read(der)
    if found is None:
        return "server" if is_first else "intermediate"
    return _role(found, is_first=is_first)


def _role(member: Member, *, is_first: bool) -> Role:
    if is_first:
        return "server"
    return "root" if member.is_self_issued else "intermediate"


def _ending(member: Member, anchors: Sequence[Member]) -> Member | None:
    return next((each for each in anchors if each.der == member.der or each.has_issued(member)), None)


def _read(der: bytes) -> Member | None:
    """Return a certificate whose names can be read: cryptography looks at them only when they are asked for."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.subject, certificate.issuer  # noqa: B018
    except ValueError:
        return None
    return Member(der, certificate)
