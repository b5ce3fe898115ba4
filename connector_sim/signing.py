"""What a Cloud Connector and the cloud side say when a subaccount certificate is signed, both roles. Pure.

The real service has a host of its own for it (``connectivitycertsigning.…``, facts, section 2) on the same port 443;
its messages are not public. Ours are one POST to the tunnel endpoint's address: a PKCS#10 request with the cloud user's
name and password, answered by the certificate. 401: wrong user or password; 403: no right to this subaccount.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PATH = "/certificates"
MAX_TEXT = 8 * 1024


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What a connector asks for; ``request`` is PKCS#10 in PEM."""

    subaccount: str
    user: str
    password: str = field(repr=False)
    request: str = field(repr=False)

    def as_message(self) -> dict[str, str]:
        """Return plain data."""
        return {
            "subaccount": self.subaccount,
            "user": self.user,
            "password": self.password,
            "request": self.request,
        }

    @classmethod
    def from_message(cls, message: object) -> SigningRequest | None:
        """Return what was asked; None for what is no request."""
        match message:
            case {
                "subaccount": str(subaccount),
                "user": str(user),
                "password": str(password),
                "request": str(request),
            }:
                is_short = all(len(text) <= MAX_TEXT for text in (subaccount, user, password, request))
                return cls(subaccount, user, password, request) if is_short else None
        return None
