"""Tokens as XSUAA issues them for the Connectivity service: RS256 JWTs, their claims and their verification.

Claims as SAP's own client code reads them (token client library, ``TokenClaims``): ``zid`` is the subaccount and
decides which Cloud Connector is used, ``cid`` the client.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

from connector_sim.cloud.bad_tokens import spoiled_claims, written
from connector_sim.cloud.settings import ConnectivitySettings, OauthClient
from connector_sim.cloud.token_defects import TokenDefect

ALGORITHM = "RS256"
KEY_BITS = 2048
CLOCK_SKEW_S = 0
"""Both ends share one clock here; a skew would let an expired token pass."""
MOST_REMEMBERED = 1024
"""How many tokens are remembered as verified, by their hash."""


class TokenRefusal(Exception):
    """A token is not accepted; the text says why and never repeats it."""


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What the proxy needs of a verified token."""

    subaccount: str
    client_id: str


def new_signing_key() -> RSAKey:
    """Generate a signing key; takes some 100 ms of CPU and may run in a thread."""
    return RSAKey.generate_key(KEY_BITS, {"use": "sig", "alg": ALGORITHM, "kid": uuid.uuid4().hex[:12]})


class Tokens:
    """Issue and verify tokens with one signing key. ``clock`` returns seconds since 1970."""

    def __init__(self, settings: ConnectivitySettings, key: RSAKey, *, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._key = key
        self._clock = clock
        self._verified: dict[bytes, dict[str, Any]] = {}

    def issue(
        self,
        client: OauthClient,
        *,
        lifetime_s: int | None = None,
        claims: Mapping[str, Any] | None = None,
        defect: TokenDefect | None = None,
    ) -> str:
        """Return a fresh token for ``client``; a lifetime of its own may be 0 or less: such a token has expired.

        ``claims`` come on top of the client's own, and ``defect`` instead of its own.
        """
        now = int(self._clock())
        lifetime = self._settings.token_lifetime_s if lifetime_s is None else lifetime_s
        good = {
            "iss": self._settings.issuer,
            "sub": client.client_id,
            "cid": client.client_id,
            "client_id": client.client_id,
            "azp": client.client_id,
            "zid": client.subaccount,
            "aud": [self._settings.audience, client.client_id],
            "scope": [f"{self._settings.audience}.proxy"],
            "grant_type": "client_credentials",
            "ext_attr": {"enhancer": "XSUAA", "subaccountid": client.subaccount},
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + lifetime,
        }
        defect = defect or client.defect
        spoiled = spoiled_claims(defect, {**good, **client.claims, **(claims or {})}, now)
        return written(defect, ALGORITHM, spoiled, self._key)

    def verify(self, token: str) -> TokenClaims:
        """Check signature, key, expiry, issuer, audience, client and subaccount. Raises TokenRefusal.

        A signature is verified once: a client shows the same token for every connection, for hours. All else that is
        said in it is checked each time.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        claims = self._verified.get(digest)
        if claims is None:
            claims = self._verify_signature(token)
            if len(self._verified) >= MOST_REMEMBERED:
                self._verified.clear()
            self._verified[digest] = claims
        return self._check(claims)

    def _verify_signature(self, token: str) -> dict[str, Any]:
        try:
            decoded = jwt.decode(token, self._key, algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError) as error:
            raise TokenRefusal(f"the signature cannot be verified ({type(error).__name__})") from error
        if decoded.header.get("kid", self._key.kid) != self._key.kid:
            raise TokenRefusal("kid names no key of this token service")
        return dict(decoded.claims)

    def _check(self, claims: dict[str, Any]) -> TokenClaims:
        self._check_times(claims.get("exp"), claims.get("nbf"), claims.get("iat"))
        if claims.get("iss") != self._settings.issuer:
            raise TokenRefusal("iss is another token service")
        self._check_audience(claims.get("aud"))
        client_id = claims.get("cid")
        if not any(client.client_id == client_id for client in self._settings.clients):
            raise TokenRefusal("cid names no client of this Connectivity service")
        subaccount = claims.get("zid")
        if not isinstance(subaccount, str) or subaccount not in self._settings.subaccounts:
            raise TokenRefusal("zid names no subaccount of this Connectivity service")
        return TokenClaims(subaccount, str(client_id))

    def public_keys(self) -> dict[str, object]:
        """Return the JSON Web Key Set that verifies these tokens (RFC 7517, section 5)."""
        return dict(KeySet([self._key]).as_dict(private=False))

    def _check_times(self, expires: object, not_before: object, issued: object) -> None:
        now = self._clock()
        if not isinstance(expires, int | float) or isinstance(expires, bool):
            raise TokenRefusal("exp is missing")
        if now >= expires + CLOCK_SKEW_S:
            raise TokenRefusal(f"expired {now - expires:.0f} s ago")
        for name, start in (("nbf", not_before), ("iat", issued)):
            if isinstance(start, int | float) and now < int(start) - CLOCK_SKEW_S:
                raise TokenRefusal(f"not valid yet ({name} is {start - now:.0f} s ahead)")

    def _check_audience(self, audience: object) -> None:
        allowed = audience if isinstance(audience, list) else [audience]
        if self._settings.audience not in allowed:
            raise TokenRefusal(f"aud does not contain {self._settings.audience!r}")
