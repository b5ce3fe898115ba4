"""All trust stores side by side, and all certificates that they may have to judge.

A path ends in a store when a listed certificate is one of those presented, or has issued one of them (design: any
listed certificate ends the path). Dates and names are not judged here: whether a handshake succeeds is for the journal.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Issued
from certs.summary import summarize
from connector_sim.on_premise.trust_store import BackEndTrustStore
from maco_lab import lab_model
from maco_lab.lab_section import certificate_name
from maco_lab.page import shapes
from maco_lab.page.landscape import Lab
from maco_lab.pki import LabPki
from maco_lab.sight import IMPOSTOR
from maco_lab.topology import RunningLab

BackEnds: TypeAlias = Callable[[str], BackEndTrustStore | None]
"""The back-end trust store of a Cloud Connector as it is now; None if that is not known here."""

MAIL_SERVER, TUNNEL_ENDPOINT, SUBACCOUNT = "the mail server", "the tunnel endpoint", "subaccount certificates"


@dataclass(frozen=True, slots=True)
class _Store:
    system: str
    store: str
    judges: str
    certificates: tuple[tuple[str, bytes], ...]
    trusts_all: bool = False

    @property
    def title(self) -> str:
        return f"{self.store} of {self.system}"

    def shape(self) -> shapes.TrustStore:
        return shapes.TrustStore(
            system=self.system,
            store=self.store,
            judges=self.judges,
            trusts_all=self.trusts_all,
            certificates=[shapes.Trusted(name=name, certificate=_certificate(der)) for name, der in self.certificates],
        )

    def ends(self, path: Sequence[x509.Certificate]) -> bool:
        """Tell whether one of these certificates ends a path."""
        anchors = [x509.load_der_x509_certificate(der) for _, der in self.certificates]
        return any(anchor == each or _issued(anchor, each) for anchor in anchors for each in path)


def trust(
    model: lab_model.LabModel, pki: LabPki, back_ends: BackEnds = lambda _: None, *, impostor: bool = False
) -> shapes.Trust:
    """Return the stores and what is presented to them, for mail perhaps by an ``impostor``.

    Raises CertificateFileError.
    """
    stores = list(_stores(model, pki, back_ends))
    system = IMPOSTOR.capitalize() if impostor else "Mail server"
    presented = [
        *_mail_certificates(system, model.mail_server, pki, [each for each in stores if each.judges == MAIL_SERVER]),
        _presented("Connectivity service", "the tunnel, presented to Cloud Connectors", pki.cast.tunnel_endpoint,
                   [each for each in stores if each.judges == TUNNEL_ENDPOINT]),
        *_subaccount_certificates(model, pki, [each for each in stores if each.judges == SUBACCOUNT]),
    ]  # fmt: skip
    return shapes.Trust(stores=[store.shape() for store in stores], presented=presented)


def back_ends_of(lab: Lab) -> BackEnds:
    """Return what tells the back-end trust store of each Cloud Connector as it is now, whoever has changed it."""
    connectors = lab.connectors if isinstance(lab, RunningLab) else {}
    return lambda name: connectors[name].trust_store if name in connectors else None


def _stores(model: lab_model.LabModel, pki: LabPki, back_ends: BackEnds) -> Iterator[_Store]:
    key_store = tuple((alias, pki.anchor(choice)) for alias, choice in model.maco.key_store.items())
    yield _Store("MaCo", "key store", MAIL_SERVER, key_store)
    cloud_clients = _der(pki.cast.cloud_clients.certificate)
    yield _Store("Connectivity service", "client CA", SUBACCOUNT, (("cloud_clients", cloud_clients),))
    for connector in model.cloud_connectors:
        system = f"Cloud Connector {connector.name}"
        yield _back_end_store(system, connector.back_end_trust_store, pki, back_ends(connector.name))
        cloud_root = _der(pki.cast.cloud_root.certificate)
        yield _Store(system, "view of the cloud", TUNNEL_ENDPOINT, (("cloud_root", cloud_root),))


def _back_end_store(system: str, described: lab_model.TrustStore, pki: LabPki, now: BackEndTrustStore | None) -> _Store:
    """Return a store as it is now; one that runs elsewhere, as it is described."""
    named = [(certificate_name(choice), pki.anchor(choice)) for choice in described.certificates]
    trusts_all = described.trust_all_backends
    if now is not None:
        names = {der: name for name, der in named}
        named, trusts_all = [(names.get(der) or _name(der, pki), der) for der in now.certificates], now.trusts_all
    return _Store(system, "back-end trust store", MAIL_SERVER, tuple(named), trusts_all)


def _name(der: bytes, pki: LabPki) -> str:
    """Return what a certificate is called that the lab file does not list: its name in the lab, or its subject."""
    certificate = x509.load_der_x509_certificate(der)
    return pki.cast.name_of(certificate) or certificate.subject.rfc4514_string()


def _mail_certificates(
    system: str, server: lab_model.MailServer, pki: LabPki, stores: Sequence[_Store]
) -> Iterator[shapes.Presented]:
    """Yield what the mail server presents, or who is in its place: to all, and where single ports differ, to theirs."""
    yield _presented(system, "mail, presented to its TLS client", pki.server(server.certificate), stores)
    for protocol, tls in server.tls.items():
        if tls.certificate is not None:
            purpose = f"mail on the port of {protocol}, presented to its TLS client"
            yield _presented(system, purpose, pki.server(tls.certificate), stores)


def _subaccount_certificates(
    model: lab_model.LabModel, pki: LabPki, stores: Sequence[_Store]
) -> Iterator[shapes.Presented]:
    for connector in model.cloud_connectors:
        for each in connector.subaccounts:
            purpose = f"the tunnel of {each.subaccount}, presented to the tunnel endpoint"
            issued = pki.cast.subaccount_certificate(each.subaccount)
            yield _presented(f"Cloud Connector {connector.name}", purpose, issued, stores)


def _presented(system: str, purpose: str, issued: Issued, stores: Sequence[_Store]) -> shapes.Presented:
    path = (issued.certificate, *issued.chain)
    ending = [store.title for store in stores if store.trusts_all or store.ends(path)]
    return shapes.Presented(
        system=system,
        purpose=purpose,
        certificate=_certificate(_der(issued.certificate)),
        chain=[_certificate(_der(each)) for each in issued.chain],
        path_ends_in=ending,
        path_ends_not_in=[store.title for store in stores if store.title not in ending],
    )


@functools.lru_cache(maxsize=256)
def _certificate(der: bytes) -> shapes.Certificate:
    return shapes.Certificate.model_validate(asdict(summarize(der)))


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
