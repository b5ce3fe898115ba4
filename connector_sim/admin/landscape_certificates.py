"""Which certificates are those of the landscape that an installation lives in.

They may be new whenever the landscape is: kept by their name, they are what has this name then. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from connector_sim.on_premise.certificate_signing import SubaccountCertificate


@dataclass(frozen=True, slots=True)
class LandscapeCertificates:
    """How to know one, and find it again."""

    name_of: Callable[[x509.Certificate], str | None]
    """Return the name of a certificate in this landscape; None for any other."""
    named: Callable[[str], x509.Certificate | None]
    """Return the certificate that has a name now."""
    of_subaccount: Callable[[x509.Certificate, ec.EllipticCurvePrivateKey], SubaccountCertificate | None]
    """Return a subaccount certificate that was signed earlier; None if the cloud side of now did not sign it."""
