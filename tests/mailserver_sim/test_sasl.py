"""Every exchange on its own, with the examples of the RFCs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from mailserver_sim import sasl
from mailserver_sim.credentials import Credentials
from mailserver_sim.sasl import MECHANISMS, MalformedResponse, Verdict
from mailserver_sim.settings import AUTH_MECHANISMS, OFFERED_MECHANISMS, Account, MailServerSettings

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="  # RFC 7628, section 4.1
TIM = Account("tim", "tanstaaftanstaaf", tokens=("other", TOKEN))  # RFC 2195, section 2
CREDENTIALS = Credentials([TIM, Account("user@example.com", "x", tokens=("mine",))])
HOST = "mail.example"


def run(name: str, *responses: bytes) -> tuple[Verdict, list[bytes]]:
    """Return the verdict and the challenges; every response must be used up."""
    left = list(responses)
    challenges: list[bytes] = []

    async def ask(challenge: bytes) -> bytes:
        challenges.append(challenge)
        return left.pop(0)

    verdict = asyncio.run(sasl.converse(MECHANISMS[name].begin(CREDENTIALS, HOST), None, ask))
    assert left == []
    return verdict, challenges


def test_every_mechanism_of_the_settings_is_implemented() -> None:
    assert tuple(MECHANISMS) == AUTH_MECHANISMS


@pytest.mark.parametrize(
    ("name", "responses", "challenges"),
    [
        ("PLAIN", [b"\0tim\0tanstaaftanstaaf"], [b""]),  # RFC 4616, section 4
        ("LOGIN", [b"tim", b"tanstaaftanstaaf"], [b"Username:", b"Password:"]),
        ("XOAUTH2", [f"user=tim\1auth=Bearer {TOKEN}\1\1".encode()], [b""]),
        ("OAUTHBEARER", [f"n,a=tim,\1host=x\1port=143\1auth=Bearer {TOKEN}\1\1".encode()], [b""]),
        ("OAUTHBEARER", [f"n,,\1auth=Bearer {TOKEN}\1\1".encode()], [b""]),
    ],
)
def test_the_right_credentials_log_in(name: str, responses: list[bytes], challenges: list[bytes]) -> None:
    verdict, asked = run(name, *responses)
    assert (verdict.user, verdict.account, verdict.succeeded) == ("tim", TIM, True)
    assert asked == challenges


def test_the_digest_of_rfc_2195_proves_the_password() -> None:
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    digest = "b913a602c7eda7a495b4e6e7334d3890"
    assert CREDENTIALS.check_digest("tim", challenge, digest) is TIM
    assert CREDENTIALS.check_digest("tim", challenge + b" ", digest) is None
    assert CREDENTIALS.check_digest("nobody", challenge, digest) is None


def test_no_challenge_of_cram_md5_comes_twice() -> None:
    challenges = {next(MECHANISMS["CRAM-MD5"].begin(CREDENTIALS, HOST)) for _ in range(50)}
    assert len(challenges) == 50
    # RFC 2195, section 2: "The syntax of the unencoded form must correspond to that of an RFC 822 'msg-id'".
    assert all(each.startswith(b"<") and each.endswith(b"@mail.example>") for each in challenges)


@pytest.mark.parametrize(
    ("name", "responses"),
    [
        ("PLAIN", [b"\0tim\0wrong"]),
        ("PLAIN", [b"\0tim\0\xff\xfe"]),
        ("LOGIN", [b"nobody", b"tanstaaftanstaaf"]),
        ("CRAM-MD5", [b"tim " + b"0" * 32]),
        ("XOAUTH2", [b"user=tim\1auth=Bearer wrong\1\1", b""]),
        ("XOAUTH2", [b"user=tim\1auth=Bearer mine\1\1", b""]),
        ("OAUTHBEARER", [b"n,a=user@example.com,\1auth=Bearer wrong\1\1", b"\1"]),
        ("OAUTHBEARER", [b"n,,\1auth=Bearer wrong\1\1", b"\1"]),
    ],
)
def test_wrong_credentials_log_nobody_in(name: str, responses: list[bytes]) -> None:
    verdict, _ = run(name, *responses)
    assert (verdict.account, verdict.succeeded) == (None, False)


@pytest.mark.parametrize(("name", "status"), [("XOAUTH2", "401"), ("OAUTHBEARER", "invalid_token")])
def test_a_wrong_token_is_answered_with_json_before_the_refusal(name: str, status: str) -> None:
    first = b"user=tim" if name == "XOAUTH2" else b"n,a=tim,"
    _, challenges = run(name, first + b"\1auth=Bearer wrong\1\1", b"\1")
    assert json.loads(challenges[1])["status"] == status  # RFC 7628, section 3.2.2


@pytest.mark.parametrize(
    ("name", "response"),
    [
        ("PLAIN", b"tim"),
        ("PLAIN", b"a\0b\0c\0d"),
        ("CRAM-MD5", b"tim"),
        ("CRAM-MD5", b"tim B913A602C7EDA7A495B4E6E7334D3890"),
        ("XOAUTH2", b""),
        ("XOAUTH2", b"user=tim\1auth=Bearer x\1"),
        ("XOAUTH2", b"user=tim\1auth=Basic x\1\1"),
        ("XOAUTH2", b"n,a=tim,\1auth=Bearer x\1\1"),
        ("OAUTHBEARER", b"user=tim\1auth=Bearer x\1\1"),
        ("OAUTHBEARER", b"n,a=tim,\1host=x\1\1"),
        ("OAUTHBEARER", b"p=tls-unique,a=tim,\1auth=Bearer x\1\1"),
        ("OAUTHBEARER", b"n,a=tim,\1auth=Bearer x\1auth=Bearer y\1\1"),
    ],
)
def test_what_is_no_response_of_the_mechanism_is_malformed(name: str, response: bytes) -> None:
    with pytest.raises(MalformedResponse):
        run(name, response)


def test_nobody_acts_as_somebody_else() -> None:
    verdict, _ = run("PLAIN", b"boss\0tim\0tanstaaftanstaaf")
    assert (verdict.account, verdict.authorized, verdict.succeeded) == (TIM, False, False)


def test_a_comma_in_the_user_name_is_written_as_rfc_5801_says() -> None:
    credentials = Credentials([Account("a,b=2C", "x", tokens=("mine",))])
    exchange = MECHANISMS["OAUTHBEARER"].begin(credentials, HOST)
    next(exchange)
    with pytest.raises(StopIteration) as ended:
        exchange.send(b"n,a=a=2Cb=3D2C,\1auth=Bearer mine\1\1")
    assert ended.value.value.succeeded


@pytest.mark.parametrize(("line", "response"), [(b"=", b""), (b"", b""), (b"AQ==", b"\1")])
def test_responses_are_base64(line: bytes, response: bytes) -> None:
    assert sasl.decoded(line) == response


@pytest.mark.parametrize("line", [b"*", b"A", b"A\x00==", b"AQ== "])
def test_what_is_no_base64_is_malformed(line: bytes) -> None:
    with pytest.raises(MalformedResponse):
        sasl.decoded(line)


@pytest.mark.parametrize(
    ("tokens", "names"),
    [((), ("PLAIN", "LOGIN")), (("x",), OFFERED_MECHANISMS)],
)
def test_mechanisms_by_token_are_offered_where_an_account_has_one(
    tokens: tuple[str, ...], names: tuple[str, ...]
) -> None:
    settings = MailServerSettings(HOST, (Account("a", "b", tokens=tokens),), (), Path("mail.sqlite"))
    assert tuple(sasl.offered(settings)) == names
