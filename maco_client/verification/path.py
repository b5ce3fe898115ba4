"""Paths of certificates: from what a server sent to an anchor, by names and signatures.

Nothing here decides whether a server is trusted; it finds what a verdict is about. Any anchor ends a path, as in Java.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa


def path_to_anchor(
    sent: Sequence[x509.Certificate], anchors: Collection[x509.Certificate]
) -> list[x509.Certificate] | None:
    """Return the path of ``sent`` (leaf first) to one of ``anchors``, the anchor included; None if there is none."""
    if not sent:
        return None
    path, rest = [sent[0]], list(sent[1:])
    while path[-1] not in anchors:
        if anchor := _issuer(path[-1], anchors):
            return [*path, anchor]
        issuer = _issuer(path[-1], rest)
        if issuer is None:
            return None
        rest.remove(issuer)
        path.append(issuer)
    return path


def out_of_date(certificates: Sequence[x509.Certificate], now: dt.datetime) -> x509.Certificate | None:
    """Return the last of ``certificates`` that is not valid at ``now``: Java walks from the anchor down to the leaf."""
    return next((each for each in reversed(certificates) if not is_current(each, now)), None)


def is_current(certificate: x509.Certificate, now: dt.datetime) -> bool:
    """Tell whether ``now`` is within the dates of a certificate, which both count (RFC 5280, section 4.1.2.5)."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _issuer(certificate: x509.Certificate, candidates: Collection[x509.Certificate]) -> x509.Certificate | None:
    return next((each for each in candidates if _issued(each, certificate)), None)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Tell whether ``issuer`` signed a certificate; unlike ``verify_directly_issued_by`` also by an old digest."""
    if certificate.issuer != issuer.subject:
        return False
    signature, signed = certificate.signature, certificate.tbs_certificate_bytes
    try:
        match issuer.public_key():
            case rsa.RSAPublicKey() as key:
                key.verify(signature, signed, *_rsa_parameters(certificate))
            case ec.EllipticCurvePublicKey() as key:
                key.verify(signature, signed, _ecdsa(certificate))
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey() as key:
                key.verify(signature, signed)
            case _:
                return False
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _rsa_parameters(certificate: x509.Certificate) -> tuple[padding.PKCS1v15 | padding.PSS, hashes.HashAlgorithm]:
    parameters, digest = certificate.signature_algorithm_parameters, certificate.signature_hash_algorithm
    if not isinstance(parameters, padding.PKCS1v15 | padding.PSS) or digest is None:
        raise ValueError("not signed with RSA")
    return parameters, digest


def _ecdsa(certificate: x509.Certificate) -> ec.ECDSA:
    parameters = certificate.signature_algorithm_parameters
    if not isinstance(parameters, ec.ECDSA):
        raise ValueError("not signed with ECDSA")  # noqa: TRY004 - what a peer has sent
    return parameters
