"""What a Cloud Connector and the cloud side say when a subaccount certificate is signed, both roles. Pure.

The real service has a host of its own for it (``connectivitycertsigning.…``, facts, section 2) on the same port 443;
its messages are not public. Ours are one POST to the tunnel endpoint's address: a PKCS#10 request with the cloud user's
name and password, or with authentication data, answered by the certificate. 401: wrong user or password, or data that
is not genuine or has expired; 403: no right to this subaccount.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PATH = "/certificates"
MAX_TEXT = 8 * 1024


@dataclass(frozen=True, slots=True)
class CloudLogin:
    """What a user of the cloud shows: a password, or authentication data that was made for him."""

    user: str
    password: str = field(default="", repr=False)
    authentication_data: str = field(default="", repr=False)
    """Used instead of the password unless it is empty."""


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What a connector asks for; ``request`` is PKCS#10 in PEM."""

    subaccount: str
    login: CloudLogin
    request: str = field(repr=False)

    def as_message(self) -> dict[str, str]:
        """Return plain data."""
        return {
            "subaccount": self.subaccount,
            "user": self.login.user,
            "password": self.login.password,
            "authentication_data": self.login.authentication_data,
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
                "authentication_data": str(data),
                "request": str(request),
            }:
                is_short = all(len(text) <= MAX_TEXT for text in (subaccount, user, password, data, request))
                return cls(subaccount, CloudLogin(user, password, data), request) if is_short else None
        return None
