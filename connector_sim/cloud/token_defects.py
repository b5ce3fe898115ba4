"""What can be wrong with a token that must be refused. Pure, and without what signs tokens: lab files name these."""

from __future__ import annotations

import enum


class TokenDefect(enum.StrEnum):
    """What is wrong with a token."""

    EXPIRED = "expired"
    """``exp`` is an hour ago."""
    NOT_YET_VALID = "not_yet_valid"
    """``nbf`` is an hour ahead."""
    ISSUED_IN_FUTURE = "issued_in_future"
    """``iat`` is an hour ahead."""
    WITHOUT_EXPIRY = "without_expiry"
    """There is no ``exp``."""
    WRONG_AUDIENCE = "wrong_audience"
    """``aud`` names another service."""
    WRONG_ISSUER = "wrong_issuer"
    """``iss`` names another token service."""
    UNKNOWN_SUBACCOUNT = "unknown_subaccount"
    """``zid`` names a subaccount that this service does not have."""
    UNKNOWN_CLIENT = "unknown_client"
    """``cid`` names a client that this service does not have."""
    CHANGED_CLAIMS = "changed_claims"
    """The claims are others than those that were signed."""
    CHANGED_SIGNATURE = "changed_signature"
    """One bit of the signature is another."""
    FOREIGN_KEY = "foreign_key"
    """Signed by somebody else's key under our key's ``kid``."""
    UNKNOWN_KID = "unknown_kid"
    """``kid`` names a key that is not published."""
    ALG_NONE = "alg_none"
    """``alg`` is "none", and there is no signature (RFC 8725, section 2.1)."""
    ALG_HS256 = "alg_hs256"
    """``alg`` is "HS256", with our public key as the secret (RFC 8725, section 2.1)."""
    NO_JWT = "no_jwt"
    """It is no JSON Web Token at all."""
