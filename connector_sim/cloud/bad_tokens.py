"""How a token that must be refused is made from a good one. Pure.

It is spoiled in one way and is right in all others, so that whoever accepts it has left out exactly one check.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from connector_sim.cloud.token_defects import TokenDefect

HOUR_S = 3600
FOREIGN_KEY_BITS = 2048
UNKNOWN_KID = "unknown"


def spoiled_claims(defect: TokenDefect | None, claims: Mapping[str, Any], now: int) -> dict[str, Any]:
    """Return claims with what is wrong in them; ``now`` is in seconds since 1970."""
    changes: Mapping[TokenDefect, dict[str, Any]] = {
        TokenDefect.EXPIRED: {"iat": now - 2 * HOUR_S, "exp": now - HOUR_S},
        TokenDefect.NOT_YET_VALID: {"nbf": now + HOUR_S, "exp": now + 2 * HOUR_S},
        TokenDefect.ISSUED_IN_FUTURE: {"iat": now + HOUR_S, "exp": now + 2 * HOUR_S},
        TokenDefect.WITHOUT_EXPIRY: {"exp": None},
        TokenDefect.WRONG_AUDIENCE: {"aud": ["destination-xsappname"]},
        TokenDefect.WRONG_ISSUER: {"iss": "https://elsewhere.authentication.example/oauth/token"},
        TokenDefect.UNKNOWN_SUBACCOUNT: {"zid": "subaccount-of-somebody-else"},
        TokenDefect.UNKNOWN_CLIENT: {"cid": "client-of-somebody-else"},
    }
    spoiled = {**claims, **(changes.get(defect, {}) if defect else {})}
    return {name: value for name, value in spoiled.items() if value is not None}


def written(defect: TokenDefect | None, algorithm: str, claims: Mapping[str, Any], key: RSAKey) -> str:
    """Return a token with what is wrong in how it is written and signed (RFC 7515, section 3.1)."""
    match defect:
        case TokenDefect.FOREIGN_KEY:
            return _signed(algorithm, claims, _foreign_key(), kid=key.kid)
        case TokenDefect.UNKNOWN_KID:
            return _signed(algorithm, claims, key, kid=UNKNOWN_KID)
        case TokenDefect.ALG_NONE:
            return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."
        case TokenDefect.ALG_HS256:
            return _by_public_key(claims, key)
        case TokenDefect.NO_JWT:
            return "this-is-no-token"
    good = _signed(algorithm, claims, key, kid=key.kid)
    head, _, signature = good.split(".")
    if defect is TokenDefect.CHANGED_CLAIMS:
        return f"{head}.{_part({**claims, 'sub': 'somebody-else'})}.{signature}"
    if defect is TokenDefect.CHANGED_SIGNATURE:
        first = "A" if signature[0] != "A" else "B"
        return good[: -len(signature)] + first + signature[1:]
    return good


def _signed(algorithm: str, claims: Mapping[str, Any], key: RSAKey, *, kid: str | None) -> str:
    return jwt.encode({"alg": algorithm, "typ": "JWT", "kid": kid}, dict(claims), key)


def _by_public_key(claims: Mapping[str, Any], key: RSAKey) -> str:
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT', 'kid': key.kid})}.{_part(claims)}"
    signature = hmac.digest(key.as_pem(private=False), signed.encode(), hashlib.sha256)
    return f"{signed}.{_base64url(signature)}"


def _part(content: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(content).encode())


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@functools.cache
def _foreign_key() -> RSAKey:
    return RSAKey.generate_key(FOREIGN_KEY_BITS)
