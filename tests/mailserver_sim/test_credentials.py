from __future__ import annotations

import hmac

import pytest

from mailserver_sim.credentials import Credentials
from mailserver_sim.settings import Account

KNOWN = Credentials([Account("edifact", "gehéim", ("edifact@stadtwerke.example",))])


def test_the_right_password_gives_the_account() -> None:
    account = KNOWN.check("edifact", "gehéim")
    assert account is not None
    assert account.user == "edifact"


@pytest.mark.parametrize(("user", "password"), [("edifact", "x"), ("edifact", ""), ("nobody", ""), ("", "gehéim")])
def test_anything_else_gives_none(user: str, password: str) -> None:
    assert KNOWN.check(user, password) is None


def test_a_password_of_bytes_that_are_no_text_is_only_wrong() -> None:
    assert KNOWN.check("edifact", b"\xff\xfe".decode("utf-8", "surrogateescape")) is None


@pytest.mark.parametrize("user", ["edifact", "nobody"])
def test_known_and_unknown_users_are_compared_in_constant_time(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    real = hmac.compare_digest

    def compare(expected: bytes, got: bytes) -> bool:
        compared.append(expected)
        return real(expected, got)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    KNOWN.check(user, "x")
    assert len(compared) == 1


def test_recipients_are_found_in_any_case() -> None:
    assert KNOWN.recipient("EDIFACT@Stadtwerke.Example") is not None


def test_a_domain_is_the_same_in_unicode_and_as_a_labels() -> None:
    known = Credentials(
        [Account("a", "x", ("jürgen@bücher.example",)), Account("b", "x", ("b@xn--zhler-gra.example",))]
    )
    assert known.recipient("Jürgen@XN--bcher-kva.example") == known.recipient("jürgen@Bücher.example") is not None
    assert known.recipient("b@zähler.example") is not None
    assert known.is_local("x@bücher.example")


@pytest.mark.parametrize("domain", ["a..example", "x" * 70, "\u0378.example"])
def test_what_is_no_domain_is_nobodys(domain: str) -> None:
    assert KNOWN.recipient("a@" + domain) is None


def test_a_foreign_domain_is_not_local() -> None:
    assert KNOWN.is_local("x@stadtwerke.example")
    assert not KNOWN.is_local("x@other.example")
