"""Tokens that must be refused: each by what it was asked for, what the SOCKS5 proxy answers, and why by its report."""

from __future__ import annotations

import dataclasses

import pytest

from connector_sim.cloud.token_defects import TokenDefect
from connector_sim.cloud.tokens import TokenRefusal, Tokens
from maco_wire.observation import TokenRefused
from tests.connector_sim.cloud.socks_messages import answers, connect_message, token_message
from tests.connector_sim.landscape import CLIENT, SIGNING_KEY, TCP, cloud_settings, landscape

REASONS = {
    TokenDefect.EXPIRED: "expired 3600 s ago",
    TokenDefect.NOT_YET_VALID: "not valid yet (nbf is 3600 s ahead)",
    TokenDefect.ISSUED_IN_FUTURE: "not valid yet (iat is 3600 s ahead)",
    TokenDefect.WITHOUT_EXPIRY: "exp is missing",
    TokenDefect.WRONG_AUDIENCE: "aud does not contain 'connectivity'",
    TokenDefect.WRONG_ISSUER: "iss is another token service",
    TokenDefect.UNKNOWN_SUBACCOUNT: "zid names no subaccount of this Connectivity service",
    TokenDefect.UNKNOWN_CLIENT: "cid names no client of this Connectivity service",
    TokenDefect.CHANGED_CLAIMS: "the signature cannot be verified (BadSignatureError)",
    TokenDefect.CHANGED_SIGNATURE: "the signature cannot be verified (BadSignatureError)",
    TokenDefect.FOREIGN_KEY: "the signature cannot be verified (BadSignatureError)",
    TokenDefect.UNKNOWN_KID: "kid names no key of this token service",
    TokenDefect.ALG_NONE: "the signature cannot be verified (UnsupportedAlgorithmError)",
    TokenDefect.ALG_HS256: "the signature cannot be verified (UnsupportedAlgorithmError)",
    TokenDefect.NO_JWT: "the signature cannot be verified (DecodeError)",
}
NOW = 1_790_000_000.0


def test_every_defect_has_a_reason() -> None:
    assert set(REASONS) == set(TokenDefect)


@pytest.mark.parametrize("defect", TokenDefect)
def test_a_bad_token_is_refused_for_what_is_wrong_with_it(defect: TokenDefect) -> None:
    tokens = Tokens(cloud_settings(), SIGNING_KEY, clock=lambda: NOW)

    for token in (
        tokens.issue(CLIENT, defect=defect),
        tokens.issue(dataclasses.replace(CLIENT, defect=defect)),
    ):
        with pytest.raises(TokenRefusal) as caught:
            tokens.verify(token)
        assert str(caught.value) == REASONS[defect]


@pytest.mark.parametrize("defect", TokenDefect)
async def test_a_bad_token_is_status_05_and_a_close(defect: TokenDefect) -> None:
    # facts, section 1.2: an invalid token is told by the status of message 4 here, "01 05"
    async with landscape(TCP) as lab:
        said = await answers(lab, b"\x05\x01\x80", token_message(lab.cloud.tokens.issue(CLIENT, defect=defect)))

        assert said == b"\x05\x80" + b"\x01\x05"
        (refused,) = lab.seen.of(TokenRefused)
        assert refused.reason.startswith(REASONS[defect].partition("3600")[0])


@pytest.mark.parametrize("defect", TokenDefect)
async def test_a_bad_token_may_be_status_00_and_then_reply_05(defect: TokenDefect) -> None:
    async with landscape(TCP, bad_token_answer="reply") as lab:
        token = lab.cloud.tokens.issue(CLIENT, defect=defect)
        said = await answers(lab, b"\x05\x01\x80", token_message(token), connect_message())

        assert said == b"\x05\x80" + b"\x01\x00" + b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"
