"""Authentication data: what the cloud makes for its user, and a connector takes instead of his password. Pure.

SAP's format is not public (facts, gap 10). This one is our own: a JWT (RFC 7519) that names region host, subaccount and
user, valid for some minutes. The connector reads it to know whom to ask; only the cloud can tell whether it is genuine.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

AUDIENCE = "maco-lab authentication data"
"""``aud``: what tells it from an access token, which has the same signature."""


@dataclass(frozen=True, slots=True)
class AuthenticationData:
    """Whom authentication data is for, and who asked for it."""

    region_host: str
    subaccount: str
    user: str

    def as_claims(self) -> dict[str, str]:
        """Return plain data."""
        return {"aud": AUDIENCE, "region_host": self.region_host, "subaccount": self.subaccount, "user": self.user}

    @classmethod
    def from_claims(cls, claims: object) -> AuthenticationData | None:
        """Return what claims say; None for those of something else."""
        match claims:
            case {"aud": audience, "region_host": str(region), "subaccount": str(subaccount), "user": str(user)}:
                return cls(region, subaccount, user) if audience == AUDIENCE else None
        return None

    @classmethod
    def read(cls, text: str) -> AuthenticationData | None:
        """Return what a text says, genuine or not; None for what is no authentication data."""
        _, _, rest = text.partition(".")
        payload = rest.partition(".")[0]
        try:
            content = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
            return cls.from_claims(json.loads(content))
        except (ValueError, RecursionError):
            return None
