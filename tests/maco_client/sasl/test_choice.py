from __future__ import annotations

import pytest

from maco_client.sasl.choice import NoMechanismError, choose
from maco_client.settings import Authentication, Credential, EmailConnection, EmailServer, Protection, ProxyType

ALL = ("LOGIN", "CRAM-MD5", "PLAIN", "OAUTHBEARER", "XOAUTH2", "NTLM")


def connection(authentication: Authentication, *, plain_fallback: bool = False) -> EmailConnection:
    secret = {"access_token": "token"} if authentication is Authentication.OAUTH2 else {"password": "sesame"}
    return EmailConnection(
        "market mail",
        EmailServer("stadtwerke", "mail.example:143", ProxyType.INTERNET),
        Protection.STARTTLS_MANDATORY,
        Credential("mailbox", "maco", **secret),
        authentication=authentication,
        plain_fallback=plain_fallback,
    )


def chosen(
    authentication: Authentication, *mechanisms: str, login_command: bool = True, plain_fallback: bool = False
) -> str:
    exchange = choose(
        connection(authentication, plain_fallback=plain_fallback), mechanisms, login_command=login_command
    )
    return exchange.mechanism if exchange else "the command"


@pytest.mark.parametrize(
    ("mechanisms", "mechanism"),
    # facts 2.6, mail.imap.auth.mechanisms: "PLAIN LOGIN", the first that the server names, else the LOGIN command
    [(ALL, "PLAIN"), (("CRAM-MD5", "LOGIN"), "LOGIN"), (("CRAM-MD5", "NTLM"), "the command"), ((), "the command")],
)
def test_plain_takes_javamails_order(mechanisms: tuple[str, ...], mechanism: str) -> None:
    assert chosen(Authentication.PLAIN, *mechanisms) == mechanism


def test_plain_has_nothing_where_the_command_is_disabled_and_no_mechanism_is_named() -> None:
    assert chosen(Authentication.PLAIN, "PLAIN", login_command=False) == "PLAIN"
    with pytest.raises(NoMechanismError) as caught:
        chosen(Authentication.PLAIN, "CRAM-MD5", login_command=False)
    assert caught.value.wanted == ("PLAIN", "LOGIN")


@pytest.mark.parametrize("plain_fallback", [False, True])
@pytest.mark.parametrize(
    ("mechanisms", "mechanism"),
    [(ALL, "CRAM-MD5"), ((*ALL, "DIGEST-MD5"), "DIGEST-MD5"), (("PLAIN", "DIGEST-MD5"), "DIGEST-MD5")],
)
def test_encrypted_is_digest_md5_or_cram_md5_whatever_else_there_is(
    mechanisms: tuple[str, ...], mechanism: str, *, plain_fallback: bool
) -> None:
    assert chosen(Authentication.ENCRYPTED, *mechanisms, plain_fallback=plain_fallback) == mechanism


def test_encrypted_fails_closed() -> None:
    with pytest.raises(NoMechanismError) as caught:
        chosen(Authentication.ENCRYPTED, "PLAIN", "LOGIN")
    assert caught.value.wanted == ("DIGEST-MD5", "CRAM-MD5")


def test_encrypted_falls_back_only_where_it_is_told_to() -> None:
    assert chosen(Authentication.ENCRYPTED, "PLAIN", "LOGIN", plain_fallback=True) == "PLAIN"
    assert chosen(Authentication.ENCRYPTED, plain_fallback=True) == "the command"


def test_a_token_goes_by_a_mechanism_for_tokens_alone() -> None:
    assert chosen(Authentication.OAUTH2, *ALL) == "XOAUTH2"
    assert chosen(Authentication.OAUTH2, "PLAIN", "OAUTHBEARER") == "OAUTHBEARER"
    with pytest.raises(NoMechanismError):
        chosen(Authentication.OAUTH2, "PLAIN", "LOGIN", "CRAM-MD5")
