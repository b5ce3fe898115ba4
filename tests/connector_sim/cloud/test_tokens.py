from __future__ import annotations

import base64
import dataclasses
import hmac
import json
from typing import Any

import jwt as pyjwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey

from connector_sim.cloud.tokens import TokenRefusal, Tokens, new_signing_key
from connector_sim.exceptions import SettingsError
from tests.connector_sim.landscape import CLIENT, OTHER_SUBACCOUNT, SIGNING_KEY, SUBACCOUNT, cloud_settings

NOW = 1_790_000_000.0
SETTINGS = cloud_settings()


def _tokens(now: float = NOW, key: RSAKey = SIGNING_KEY) -> Tokens:
    return Tokens(SETTINGS, key, clock=lambda: now)


def _signed(**changes: Any) -> str:
    """Return a token that differs from a good one in ``changes`` (None leaves a claim out)."""
    good = {
        "iss": SETTINGS.issuer,
        "zid": SUBACCOUNT,
        "cid": "maco",
        "aud": ["connectivity"],
        "iat": int(NOW),
        "exp": int(NOW) + 60,
    }
    claims = {name: value for name, value in (good | changes).items() if value is not None}
    return jwt.encode({"alg": "RS256"}, claims, SIGNING_KEY)


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _refusal(token: str, now: float = NOW) -> str:
    with pytest.raises(TokenRefusal) as caught:
        _tokens(now).verify(token)
    return str(caught.value)


def test_an_issued_token_is_accepted_and_names_subaccount_and_client() -> None:
    claims = _tokens().verify(_tokens().issue(CLIENT))
    assert (claims.subaccount, claims.client_id) == (SUBACCOUNT, "maco")


def test_the_claims_are_those_that_saps_client_code_reads() -> None:
    # facts, section 1.3: zid, cid, grant_type, scope, iss, exp, iat, aud, sub, ext_attr.enhancer = XSUAA
    claims = jwt.decode(_tokens().issue(CLIENT), SIGNING_KEY).claims
    assert {"zid", "cid", "grant_type", "scope", "iss", "exp", "iat", "aud", "sub"} <= set(claims)
    assert claims["ext_attr"]["enhancer"] == "XSUAA"
    assert claims["exp"] - claims["iat"] == SETTINGS.token_lifetime_s


def test_pyjwt_verifies_an_issued_token_with_the_published_keys() -> None:
    tokens = Tokens(SETTINGS, SIGNING_KEY)
    token = tokens.issue(CLIENT)
    keys = pyjwt.PyJWKSet.from_dict(tokens.public_keys())
    key = keys[pyjwt.get_unverified_header(token)["kid"]]
    claims = pyjwt.decode(token, key, algorithms=["RS256"], audience="connectivity", issuer=SETTINGS.issuer)
    assert claims["zid"] == SUBACCOUNT


def test_the_published_keys_hold_nothing_private() -> None:
    keys = _tokens().public_keys()["keys"]
    assert isinstance(keys, list)
    # RFC 7518, section 6.3.2: d, p, q, dp, dq, qi and oth are the private parameters.
    assert [set(key) & {"d", "p", "q", "dp", "dq", "qi", "oth"} for key in keys] == [set()]


def test_two_tokens_of_one_second_differ() -> None:
    assert _tokens().issue(CLIENT) != _tokens().issue(CLIENT)


def test_a_changed_claim_is_refused() -> None:
    head, _, signature = _tokens().issue(CLIENT).split(".")
    forged = _part({"zid": OTHER_SUBACCOUNT, "aud": ["connectivity"], "exp": NOW + 60})
    assert "signature" in _refusal(f"{head}.{forged}.{signature}")


@pytest.mark.slow
def test_a_token_of_another_key_is_refused() -> None:
    assert "signature" in _refusal(_tokens(key=new_signing_key()).issue(CLIENT))


def test_an_unsigned_token_is_refused() -> None:
    claims = {"zid": SUBACCOUNT, "aud": ["connectivity"], "exp": NOW + 60}
    assert "signature" in _refusal(f"{_part({'alg': 'none'})}.{_part(claims)}.")


def test_the_public_key_is_no_shared_secret() -> None:
    claims = {"zid": SUBACCOUNT, "aud": ["connectivity"], "exp": int(NOW) + 60}
    signed = f"{_part({'alg': 'HS256'})}.{_part(claims)}"
    mac = hmac.digest(SIGNING_KEY.as_pem(private=False), signed.encode(), "sha256")  # no library helps to forge this
    assert "signature" in _refusal(f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


def test_a_token_is_good_until_the_second_before_it_expires() -> None:
    token = _signed(exp=int(NOW) + 1)
    assert _tokens(NOW + 0.9).verify(token).subaccount == SUBACCOUNT
    assert "expired" in _refusal(token, NOW + 1)


def test_a_token_that_never_expires_is_refused() -> None:
    assert _refusal(_signed(exp=None)) == "exp is missing"


@pytest.mark.parametrize("expires", ["tomorrow", True, [NOW]])
def test_an_expiry_that_is_no_number_is_refused(expires: object) -> None:
    _refusal(_signed(exp=expires))


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_from_the_future_is_refused(claim: str) -> None:
    assert f"{claim} is 10 s ahead" in _refusal(_signed(**{claim: int(NOW) + 10}))


@pytest.mark.parametrize("audience", [None, "mail", ["mail"], [], {"connectivity": 1}])
def test_a_token_for_another_service_is_refused(audience: object) -> None:
    _refusal(_signed(aud=audience))


def test_an_audience_may_be_a_single_text() -> None:
    # RFC 7519, section 4.1.3: "the "aud" value MAY be a single case-sensitive string".
    assert _tokens().verify(_signed(aud="connectivity")).subaccount == SUBACCOUNT


@pytest.mark.parametrize("subaccount", [None, "unknown", ["stadtwerke"], 7])
def test_a_token_of_an_unknown_subaccount_is_refused(subaccount: object) -> None:
    assert "zid" in _refusal(_signed(zid=subaccount))


@pytest.mark.parametrize("issuer", [None, "https://elsewhere.example/oauth/token", 7])
def test_a_token_of_another_token_service_is_refused(issuer: object) -> None:
    assert "iss" in _refusal(_signed(iss=issuer))


@pytest.mark.parametrize("client_id", [None, "stranger", ["maco"], 7])
def test_a_token_of_a_client_that_is_not_allowed_is_refused(client_id: object) -> None:
    # facts, section 1.3: a token is checked for "issued for an allowed client"
    assert "cid" in _refusal(_signed(cid=client_id))


def test_a_client_may_have_claims_of_its_own() -> None:
    client = dataclasses.replace(CLIENT, claims={"scope": ["mail.Read"], "origin": "lab", "azp": None})
    claims = jwt.decode(_tokens().issue(client), SIGNING_KEY).claims

    assert (claims["scope"], claims["origin"], claims["zid"]) == (["mail.Read"], "lab", SUBACCOUNT)
    assert "azp" not in claims
    assert jwt.decode(_tokens().issue(client, claims={"origin": "test"}), SIGNING_KEY).claims["origin"] == "test"


@pytest.mark.parametrize("claims", [{"a": "x" * 9000}, {"a": {1, 2}}, {"a": float("nan")}])
def test_claims_that_no_token_can_have_are_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="claims"):
        dataclasses.replace(CLIENT, claims=claims)


def test_a_refusal_never_repeats_the_token() -> None:
    token = _signed(zid="unknown-subaccount")
    reason = _refusal(token)
    assert not any(part in reason for part in [*token.split("."), "unknown-subaccount"])


@given(st.one_of(st.text(max_size=60), st.lists(st.text("abcAB01-_=", max_size=12), max_size=6).map(".".join)))
def test_any_text_is_refused_in_order(text: str) -> None:
    _refusal(text)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5
    )
)
def test_any_header_and_payload_is_refused_in_order(value: object) -> None:
    _refusal(f"{_part(value)}.{_part(value)}.AAAA")
    _refusal(f"{_part({'alg': value})}.{_part(value)}.AAAA")
    _refusal(f"{_part({'alg': 'RS256', 'crit': value, 'b64': False})}.{_part(value)}.AAAA")
    _refusal(f"{_part({'alg': 'RSA-OAEP', 'enc': 'A128GCM', 'zip': value})}.AA.AA.{_part(value)}.AA")
