from __future__ import annotations

import pytest

from certs.cast import Cast
from certs.plans import MAIL_SERVERS
from certs.verdicts import VERDICTS
from tests.certs.handshakes import handshake_with

HOST = "mail.stadtwerke.example"


def test_every_certificate_of_a_mail_server_has_its_verdict() -> None:
    assert list(VERDICTS) == list(MAIL_SERVERS)
    assert len(VERDICTS) >= 20


@pytest.mark.parametrize("name", VERDICTS)
def test_openssl_says_what_the_catalogue_says_of(cast: Cast, name: str) -> None:
    anchors = [cast.root_certificate, cast.authority("expired_root_ca").certificate]

    outcome = handshake_with(cast.by_name(name), anchors, HOST)

    assert outcome.verify_code == (VERDICTS[name].openssl or None)
    assert outcome.succeeded == (not VERDICTS[name].openssl)


def test_an_address_is_right_for_a_client_that_looks_for_it(cast: Cast) -> None:
    assert handshake_with(cast.by_name("ip_san"), [cast.root_certificate], "127.0.0.1").succeeded
