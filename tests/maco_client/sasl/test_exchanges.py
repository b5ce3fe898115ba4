from __future__ import annotations

import base64

import pytest

from maco_client.sasl.exchanges import SaslError, cram_md5, login, oauthbearer, plain, xoauth2


def test_plain_says_all_at_once() -> None:
    exchange = plain("tim", "tanstaaftanstaaf")  # RFC 4616, section 4
    assert exchange.initial == b"\0tim\0tanstaaftanstaaf"
    with pytest.raises(SaslError):
        exchange.answer(0, b"")


def test_login_answers_whatever_it_is_asked() -> None:
    exchange = login("tim", "secret")
    assert exchange.initial is None
    assert [exchange.answer(0, b"User Name\0"), exchange.answer(1, b"Password\0")] == [b"tim", b"secret"]
    with pytest.raises(SaslError, match="one too many for LOGIN"):
        exchange.answer(2, b"")


def test_cram_md5_is_that_of_the_rfc() -> None:
    exchange = cram_md5("tim", "tanstaaftanstaaf")  # RFC 2195, section 2
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    assert exchange.answer(0, challenge) == b"tim b913a602c7eda7a495b4e6e7334d3890"
    with pytest.raises(SaslError):
        exchange.answer(1, challenge)


def test_xoauth2_is_that_of_its_makers() -> None:
    exchange = xoauth2("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    # developers.google.com/gmail/imap/xoauth2-protocol, "Initial Client Response"
    assert exchange.initial is not None
    assert base64.b64encode(exchange.initial) == (
        b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0"
        b"Q2cBAQ=="
    )
    assert exchange.answer(0, b'{"status":"401"}') == b""


def test_oauthbearer_is_that_of_the_rfc() -> None:
    exchange = oauthbearer(
        "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", host="server.example.com", port=143
    )
    # RFC 7628, section 4.1
    assert exchange.initial == (
        b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
        b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
    )
    assert exchange.answer(0, b'{"status":"invalid_token"}') == b"\x01"


def test_a_user_cannot_break_out_of_his_field() -> None:
    initial = oauthbearer("a,b=c", "t", host="h", port=1).initial
    assert initial is not None
    assert initial.startswith(b"n,a=a=2Cb=3Dc,\x01host=h\x01")
