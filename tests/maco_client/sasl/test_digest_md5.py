"""DIGEST-MD5 by the RFC's own exchanges, and what a server must not get away with."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from maco_client.sasl.digest_md5 import LONGEST_CHALLENGE, digest_md5
from maco_client.sasl.exchanges import Exchange, SaslError, ServerUnproven

# RFC 2831, section 4: the exchange in IMAP4
HOST, USER, PASSWORD = "elwood.innosoft.com", "chris", "secret"
CHALLENGE = b'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8'
CNONCE = "OA6MHXh6VqTrRk"
RESPONSE = (
    b'charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,'
    b'cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth'
)
PROOF = b"rspauth=ea40f60335c427b5527b84dbabcdfffd"
# and the one in ACAP
ACAP_CHALLENGE = b'realm="elwood.innosoft.com",nonce="OA9BSXrbuRhWay",qop="auth",algorithm=md5-sess,charset=utf-8'
ACAP_CNONCE = "OA9BSuZWMSpW8m"
ACAP_PROOF = b"rspauth=2f0b3d7c3c2e486600ef710726aa2eae"


def exchange(
    user: str = USER, password: str = PASSWORD, cnonce: str = CNONCE, *, service: str = "imap", host: str = HOST
) -> Exchange:
    return digest_md5(user, password, service=service, host=host, new_cnonce=lambda: cnonce)


def test_the_exchange_in_imap_is_that_of_the_rfc() -> None:
    run = exchange()
    assert run.initial is None
    assert run.answer(0, CHALLENGE) == RESPONSE
    assert run.answer(1, PROOF) == b""
    run.check_success(2)
    with pytest.raises(SaslError):
        run.answer(2, b"")


def test_the_exchange_in_acap_is_that_of_the_rfc() -> None:
    run = exchange(cnonce=ACAP_CNONCE, service="acap")
    assert b"response=6084c6db3fede7352c551284490fd0fc," in run.answer(0, ACAP_CHALLENGE)
    assert run.answer(1, ACAP_PROOF) == b""


@pytest.mark.parametrize(
    "proof", [b"", b"rspauth=", b"rspauth=" + b"0" * 32, ACAP_PROOF, PROOF + b",x", PROOF + b"," + PROOF]
)
def test_a_server_that_does_not_know_the_password_is_unproven(proof: bytes) -> None:
    run = exchange()
    run.answer(0, CHALLENGE)
    with pytest.raises(ServerUnproven):
        run.answer(1, proof)


def test_a_proof_before_any_challenge_proves_nothing() -> None:
    with pytest.raises(ServerUnproven):
        exchange().answer(1, b"rspauth=")


@pytest.mark.parametrize("answered", [0, 1])
def test_success_without_the_proof_is_none(answered: int) -> None:
    with pytest.raises(ServerUnproven):
        exchange().check_success(answered)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda said: said.replace(b"md5-sess", b"md5"), "algorithm md5-sess"),
        (lambda said: said.replace(b",algorithm=md5-sess", b""), "algorithm"),
        (lambda said: said.replace(b'nonce="OA6MG9tEQGm2hh"', b'nonce=""'), "nonce"),
        (lambda said: said.replace(b'nonce="OA6MG9tEQGm2hh",', b""), "nonce"),
        (lambda said: said + b',nonce="another"', "nonce once"),
        (lambda said: said + b",charset=utf-8", "charset once"),
        (lambda said: said.replace(b"utf-8", b"utf-7"), "charset utf-8"),
        (lambda said: said.replace(b'qop="auth"', b'qop="auth-int,auth-conf"'), "qop auth"),
        (lambda said: said + b',realm="open', "directives of a digest-challenge"),
        (lambda said: said + b",=x", "directives of a digest-challenge"),
        (lambda said: said + b'"', "directives of a digest-challenge"),
        (lambda said: said + b',realm="\xff"', "a challenge in UTF-8"),
        (lambda said: said + b"," * LONGEST_CHALLENGE, f"a challenge of less than {LONGEST_CHALLENGE} bytes"),
    ],
)
def test_a_challenge_that_cannot_be_answered_is_not(change: Callable[[bytes], bytes], expected: str) -> None:
    with pytest.raises(SaslError) as caught:
        exchange().answer(0, change(CHALLENGE))
    assert caught.value.expected == expected


def test_the_first_realm_is_taken_and_none_is_made_up() -> None:
    two = exchange().answer(0, CHALLENGE + b',realm="other"')
    assert two == RESPONSE
    without = exchange().answer(0, CHALLENGE.replace(b'realm="elwood.innosoft.com",', b""))
    assert b"realm" not in without


def test_auth_is_found_among_several_qualities_and_is_what_nothing_means() -> None:
    assert exchange().answer(0, CHALLENGE.replace(b'"auth"', b'"auth-int, auth"')) == RESPONSE
    assert exchange().answer(0, CHALLENGE.replace(b'qop="auth",', b"")) == RESPONSE


def test_names_are_quoted_and_in_the_charset_of_the_challenge() -> None:
    said = exchange(user='a"b\\cü').answer(0, CHALLENGE)
    assert 'username="a\\"b\\\\cü"'.encode() in said
    latin = exchange(user="ü").answer(0, CHALLENGE.replace(b",charset=utf-8", b""))
    assert b'username="\xfc"' in latin


def test_what_latin_1_has_is_hashed_as_latin_1_in_either_charset() -> None:
    # RFC 2831, section 2.1.2.1: "it MUST be converted to ISO 8859-1 before being hashed"
    def proof(said: bytes) -> bytes:
        found = re.search(rb"response=([0-9a-f]{32})", said)
        assert found
        return found[1]

    in_utf8 = exchange(user="ü", password="ö").answer(0, CHALLENGE)
    in_latin = exchange(user="ü", password="ö").answer(0, CHALLENGE.replace(b",charset=utf-8", b""))
    assert proof(in_utf8) == proof(in_latin)


def test_a_name_that_the_servers_charset_does_not_have_is_not_changed() -> None:
    with pytest.raises(SaslError, match="charset utf-8"):
        exchange(user="Ж").answer(0, CHALLENGE.replace(b",charset=utf-8", b""))
    assert b"username" in exchange(user="Ж").answer(0, CHALLENGE)


def test_every_run_has_a_cnonce_of_its_own() -> None:
    said = {digest_md5(USER, PASSWORD, service="imap", host=HOST).answer(0, CHALLENGE) for _ in range(3)}
    assert len(said) == 3


def test_the_password_is_nowhere_in_what_is_said_or_shown() -> None:
    run = exchange()
    assert b"secret" not in run.answer(0, CHALLENGE)
    assert "'secret'" not in repr(run)
    assert run.detail == "by DIGEST-MD5, which sends no password"
