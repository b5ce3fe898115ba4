"""Tokens that are well made and still not good: refused in the sub-negotiation, before a host is named."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from collections.abc import Callable

import pytest

from connector_sim.cloud.tokens import Tokens, new_signing_key
from maco_client.token import TokenSource
from maco_lab.testing.lab import Lab
from maco_wire.observation import Handshake, Party, StreamOpened, StreamRefused, TokenRefused
from tests.failures.matrix import Matrix, poll
from tests.failures.raw_client import METHOD_80, METHOD_80_TAKEN, talk, token_message
from tests.failures.settings import WAY_A

MakeToken = Callable[[Lab], str]


def by(lab: Lab) -> Tokens:
    """Return what issues the lab's own tokens."""
    return lab.running.cloud.tokens


def algorithm_none(lab: Lab) -> str:
    """Return a good token's claims under ``alg: none`` and without a signature (RFC 7519, section 6)."""
    claims = lab.token().split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{head}.{claims}."


def wrong_key(lab: Lab) -> str:
    """Return a token signed by somebody else under the key ID of the lab's own key."""
    other = new_signing_key()
    other = type(other).import_key({**other.as_dict(private=True), "kid": by(lab)._key.kid or ""})
    return Tokens(lab.running.cloud.settings, other).issue(lab.running.cloud.settings.clients[0])


def wrong_audience(lab: Lab) -> str:
    settings = dataclasses.replace(lab.running.cloud.settings, audience="destination-service")
    return Tokens(settings, by(lab)._key).issue(settings.clients[0])


def foreign_subaccount(lab: Lab) -> str:
    client = dataclasses.replace(lab.running.cloud.settings.clients[0], subaccount="nachbarwerke")
    return by(lab).issue(client)


def not_yet_valid(lab: Lab) -> str:
    settings = lab.running.cloud.settings
    return Tokens(settings, by(lab)._key, clock=lambda: time.time() + 3600).issue(settings.clients[0])


BAD = [
    pytest.param(algorithm_none, "signature", "alg: none", id="alg_none"),
    pytest.param(wrong_key, "signature", "signed by another key", id="wrong_key"),
    pytest.param(wrong_audience, "aud ", "for another service (audience)", id="wrong_audience"),
    pytest.param(foreign_subaccount, "zid", "of a subaccount that is not here", id="foreign_subaccount"),
    pytest.param(not_yet_valid, "not valid yet", "not yet valid", id="not_yet_valid"),
]


def assert_only_the_proxy_noticed(lab: Lab, token: str, reason: str) -> None:
    refused = lab.journal.wait_for(TokenRefused, Party.CONNECTIVITY)
    assert reason in refused.reason
    assert not [entry for entry in lab.journal if token in entry.as_json()]
    assert not lab.journal.of(StreamOpened)
    assert not lab.journal.of(StreamRefused)
    assert not lab.journal.of(Handshake, Party.MAIL_SERVER)
    assert lab.journal.no_password_was_sent()


@pytest.mark.parametrize(("make", "reason", "words"), BAD)
def test_a_raw_token_is_answered_with_01_05_and_closed_when_it_is(
    maco_lab: Lab, matrix: Matrix, make: MakeToken, reason: str, words: str
) -> None:
    token = make(maco_lab)

    heard = talk(maco_lab, METHOD_80, token_message(token))

    assert (heard.answers, heard.rest) == ((METHOD_80_TAKEN, bytes.fromhex("01 05")), b"")  # facts, section 1.2
    assert_only_the_proxy_noticed(maco_lab, token, reason)
    matrix.row(f"the token is {words}", raw=("it", heard.answers[-1]))


def test_maco_with_a_bad_token_is_told_to_look_at_the_service_binding(
    maco_lab: Lab, matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = wrong_audience(maco_lab)

    async def bad_token(_: TokenSource) -> str:
        return token

    monkeypatch.setattr(TokenSource, "token", bad_token)

    result = poll(maco_lab, WAY_A)

    assert (result.succeeded, result.stage, result.socks_reply) == (False, "socks", None)
    assert "Authentication failed! (status 0x05)" in result.error
    assert "Service binding" in result.hint
    assert_only_the_proxy_noticed(maco_lab, token, "aud ")
    matrix.row("MaCo's token is for another service")


@pytest.mark.maco_lab(change=lambda data: data["cloud"].update(bad_token_answer="reply"))
def test_a_cloud_that_tells_bad_tokens_in_the_reply_answers_0x05(maco_lab: Lab, matrix: Matrix) -> None:
    token = wrong_audience(maco_lab)
    connect = bytes.fromhex("05 01 00 03 17") + b"mail.stadtwerke.example" + bytes.fromhex("00 8F")

    heard = talk(maco_lab, METHOD_80, token_message(token), connect)

    refused = bytes.fromhex("05 05 00 01 00 00 00 00 00 00")  # facts, section 1.2: REP 05, authentication failure
    assert (heard.answers[1:], heard.rest) == ((bytes.fromhex("01 00"), refused), b"")
    assert_only_the_proxy_noticed(maco_lab, token, "aud ")
    matrix.row("a bad token, and `bad_token_answer` is `reply`", raw=("it, then CONNECT,", refused))
