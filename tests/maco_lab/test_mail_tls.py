"""TLS of single ports: what a client agrees with them, as the lab runs."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from certs.authority import Issued
from certs.trust import client_context
from maco_lab.page.trust import trust
from maco_lab.testing.lab import Lab
from maco_lab.testing.settings import Change
from maco_lab.tls_abilities import SSL_VERSIONS, speaks
from mailserver_sim.tls_settings import TLS_VERSIONS, TlsVersion

HOST = "mail.stadtwerke.example"
TIMEOUT_S = 10


def tls(**ports: dict[str, Any]) -> Change:
    """Give ports TLS of their own."""
    return lambda data: data["mail_server"].update(tls=ports)


def only(version: str) -> dict[str, str]:
    return {"minimum_version": version, "maximum_version": version}


class Client(imaplib.IMAP4_SSL):
    """Checks the name of the mail host, and connects to where it really is."""

    def _create_socket(self, timeout: float | None) -> Any:
        plain = imaplib.IMAP4._create_socket(self, timeout)  # type: ignore[attr-defined]
        return self.ssl_context.wrap_socket(plain, server_hostname=HOST)


class SmtpClient(smtplib.SMTP_SSL):
    """Does the same."""

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        plain = smtplib.SMTP._get_socket(self, host, port, timeout)  # type: ignore[attr-defined]
        return self.context.wrap_socket(plain, server_hostname=HOST)


def over_imaps(lab: Lab, context: ssl.SSLContext) -> tuple[str, str]:
    host, port = lab.addresses["imaps"]
    with Client(host, port, ssl_context=context, timeout=TIMEOUT_S) as client:
        return agreed(client.sock)


def over_smtps(lab: Lab, context: ssl.SSLContext) -> tuple[str, str]:
    host, port = lab.addresses["smtps"]
    with SmtpClient(host, port, context=context, timeout=TIMEOUT_S) as client:
        client.noop()
        return agreed(client.sock)


def agreed(connection: Any) -> tuple[str, str]:
    return connection.version(), connection.cipher()[0]


OVER: dict[str, Callable[[Lab, ssl.SSLContext], tuple[str, str]]] = {"imaps": over_imaps, "smtps": over_smtps}
REFUSED = (ssl.SSLError, OSError, imaplib.IMAP4.abort, smtplib.SMTPException)


def client(lab: Lab, version: TlsVersion | None = None, *, client_certificate: Issued | None = None) -> ssl.SSLContext:
    """Return a client's context, for one version only if one is given."""
    anchors = [lab.authority.root_certificate]
    context = client_context(anchors, check_hostname=True, client_certificate=client_certificate)
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = SSL_VERSIONS[version]
        if version < "1.2":
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


@pytest.mark.parametrize("port", OVER)
@pytest.mark.parametrize(
    "version",
    [
        pytest.param(each, id=each, marks=pytest.mark.maco_lab(change=tls(imaps=only(each), smtps=only(each))))
        for each in TLS_VERSIONS
        if speaks(each)
    ],
)
def test_a_port_speaks_one_version_only(maco_lab: Lab, port: str, version: TlsVersion) -> None:
    name = "TLSv1" if version == "1.0" else f"TLSv{version}"
    assert OVER[port](maco_lab, client(maco_lab, version))[0] == name

    other: TlsVersion = "1.3" if version != "1.3" else "1.2"
    with pytest.raises(REFUSED):
        OVER[port](maco_lab, client(maco_lab, other))


@pytest.mark.parametrize("port", OVER)
@pytest.mark.parametrize("version", [each for each in TLS_VERSIONS if each < "1.2"])
def test_no_port_speaks_an_old_version_unless_told(maco_lab: Lab, port: str, version: TlsVersion) -> None:
    with pytest.raises(REFUSED):
        OVER[port](maco_lab, client(maco_lab, version))


CIPHER = "ECDHE-ECDSA-AES128-GCM-SHA256"
OTHER_CIPHER = "ECDHE-ECDSA-AES256-GCM-SHA384"
ONE_CIPHER = {"ciphers": CIPHER, "maximum_version": "1.2"}


@pytest.mark.maco_lab(change=tls(imaps=ONE_CIPHER, smtps=ONE_CIPHER))
@pytest.mark.parametrize("port", OVER)
def test_a_port_takes_the_ciphers_that_it_was_given(maco_lab: Lab, port: str) -> None:
    assert OVER[port](maco_lab, client(maco_lab)) == ("TLSv1.2", CIPHER)

    without_it = client(maco_lab, "1.2")
    without_it.set_ciphers(OTHER_CIPHER)
    with pytest.raises(REFUSED):
        OVER[port](maco_lab, without_it)


ASKING = {"client_authorities": ["connector_ca"], "client_certificate": "required"}


@pytest.mark.maco_lab(change=tls(imaps=ASKING, smtps=ASKING))
@pytest.mark.parametrize("port", OVER)
def test_a_client_certificate_that_is_required_must_be_there_and_of_the_right_authority(
    maco_lab: Lab, port: str
) -> None:
    cast = maco_lab.authority
    assert OVER[port](maco_lab, client(maco_lab, client_certificate=cast.system_certificate))[0]

    for wrong in (None, cast.subaccount_certificate("stadtwerke")):
        with pytest.raises(REFUSED):
            OVER[port](maco_lab, client(maco_lab, client_certificate=wrong))


WANTING = {**ASKING, "client_certificate": "wanted"}


@pytest.mark.maco_lab(change=tls(imaps=WANTING, smtps=WANTING))
@pytest.mark.parametrize("port", OVER)
def test_a_client_certificate_that_is_wanted_may_be_missing_but_not_wrong(maco_lab: Lab, port: str) -> None:
    assert OVER[port](maco_lab, client(maco_lab))[0]

    wrong = maco_lab.authority.subaccount_certificate("stadtwerke")
    with pytest.raises(REFUSED):
        OVER[port](maco_lab, client(maco_lab, client_certificate=wrong))


@pytest.mark.maco_lab(change=tls(imaps={"certificate": "expired"}))
def test_one_port_presents_another_certificate_than_the_others(maco_lab: Lab) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        over_imaps(maco_lab, client(maco_lab))
    assert over_smtps(maco_lab, client(maco_lab))[0] == "TLSv1.3"


@pytest.mark.parametrize("port", OVER)
@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param(name, code, id=name, marks=pytest.mark.maco_lab(change=tls(imaps=own, smtps=own)))
        for name, code in (("sha1", 68), ("rsa_1024", 66))
        for own in ({"certificate": name},)
    ],
)
def test_a_weak_certificate_is_presented_and_refused_by_a_client_of_today(
    maco_lab: Lab, port: str, name: str, code: int
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        OVER[port](maco_lab, client(maco_lab))
    assert caught.value.verify_code == code

    lenient = client(maco_lab)
    lenient.set_ciphers("DEFAULT:@SECLEVEL=0")
    assert OVER[port](maco_lab, lenient)[0] == "TLSv1.3"


@pytest.mark.maco_lab(change=tls(imaps={"certificate": "expired"}, smtps={"maximum_version": "1.2"}))
def test_a_port_without_a_certificate_of_its_own_presents_that_of_the_server(maco_lab: Lab) -> None:
    server = maco_lab.running.file.model.mail_server

    presented = [server.certificate_of(protocol) for protocol in ("imaps", "smtps", "imap")]
    assert presented == ["expired", "mail_server", "mail_server"]


@pytest.mark.maco_lab(change=tls(imaps={"certificate": "expired"}, smtps={"maximum_version": "1.2"}))
def test_the_stores_beside_what_is_presented_tell_of_a_port_with_another_certificate(maco_lab: Lab) -> None:
    shown = trust(maco_lab.running.file.model, maco_lab.running.pki).presented

    purposes = [each.purpose for each in shown if each.system == "Mail server"]
    assert purposes == [
        "mail, presented to its TLS client",
        "mail on the port of imaps, presented to its TLS client",
    ]
