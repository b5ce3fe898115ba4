from __future__ import annotations

import datetime as dt
import os
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import authority
from certs.authority import Authority, Issued, self_signed
from certs.cast import MAIL_HOST, Cast
from certs.plans import AUTHORITIES, MEMBERS
from tests.programs import require_program


@pytest.fixture
def temp_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def without_own_descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a system without /proc: the key goes to OpenSSL through a file on disk."""
    monkeypatch.setattr(authority, "_OWN_DESCRIPTORS", tmp_path / "none")


@pytest.fixture(params=["as it is here", "on disk"])
def either_way(request: pytest.FixtureRequest) -> None:
    if request.param == "on disk":
        request.getfixturevalue("without_own_descriptors")


def _everything(cast: Cast) -> dict[str, x509.Certificate]:
    found = {name: authority.certificate for name, authority in cast.all_authorities().items()}
    found |= {name + " (member)": issued.certificate for name, issued in cast.all_members().items()}
    found["subaccount"] = cast.subaccount_certificate("a").certificate
    assert len(found) == len(AUTHORITIES) + len(MEMBERS) + 1 > 40
    return found


@pytest.mark.slow
def test_ski_and_aki_are_in_every_certificate(cast: Cast) -> None:
    for name, certificate in _everything(cast).items():
        own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        issuers = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        assert own.value.digest, name
        assert issuers.value.key_identifier, name
        assert not own.critical, name  # RFC 5280, 4.2.1.2 and 4.2.1.1: MUST be non-critical
        assert not issuers.critical, name


def test_aki_of_a_leaf_names_its_issuers_key(cast: Cast) -> None:
    aki = cast.mail_server.certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    ski = cast.intermediate_certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    assert aki.value.key_identifier == ski.value.digest


def test_alternative_names_are_never_critical(cast: Cast) -> None:
    extension = cast.mail_server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert not extension.critical


def test_extended_key_usage_is_never_critical(cast: Cast) -> None:
    extension = cast.mail_server.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert not extension.critical


def test_key_usage_is_critical_everywhere(cast: Cast) -> None:
    for name, certificate in _everything(cast).items():
        assert certificate.extensions.get_extension_for_class(x509.KeyUsage).critical, name


def test_only_authorities_are_authorities(cast: Cast) -> None:
    for name, certificate in _everything(cast).items():
        extension = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert extension.value.ca == (name in cast.all_authorities() and name != "not_an_authority"), name
        assert extension.critical, name


def test_intermediate_may_issue_leaves_only(cast: Cast) -> None:
    extension = cast.intermediate_certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert extension.value.path_length == 0


@pytest.mark.parametrize(
    ("usage", "purposes"),
    [
        ("server", {ExtendedKeyUsageOID.SERVER_AUTH}),
        ("client", {ExtendedKeyUsageOID.CLIENT_AUTH}),
        ("both", {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}),
    ],
)
def test_usage_decides_the_extended_key_usage(cast: Cast, usage: str, purposes: set[x509.ObjectIdentifier]) -> None:
    issued = cast.root.issue("x", usage=usage)  # type: ignore[arg-type]  # a parameter of the test
    assert set(issued.certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == purposes


def test_key_is_ec_p256_by_default(cast: Cast) -> None:
    key = cast.mail_server.private_key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"


def test_key_is_rsa_2048_on_request(cast: Cast) -> None:
    key = cast.root.issue("x", key_type="rsa").private_key
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048


@pytest.mark.slow
def test_rsa_authority_issues_rsa_by_default(now: dt.datetime) -> None:
    issued = Authority.root("R", now=now, key_type="rsa").intermediate("I").issue("x")
    assert isinstance(issued.private_key, rsa.RSAPrivateKey)


def test_only_rsa_keys_may_encipher(cast: Cast) -> None:
    usages = [
        cast.root.issue("x", key_type=key_type).certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        for key_type in ("ec", "rsa")
    ]
    assert [usage.key_encipherment for usage in usages] == [False, True]


def test_leaf_of_an_intermediate_is_sent_with_it_and_without_the_root(cast: Cast) -> None:
    assert cast.mail_server.chain == (cast.intermediate_certificate,)


def test_leaf_of_a_root_is_sent_alone(cast: Cast) -> None:
    assert cast.root.issue("x").chain == ()


def test_leaf_below_two_intermediates_is_sent_with_both_nearest_first(now: dt.datetime) -> None:
    root = Authority.root("R", now=now)
    upper = Authority(root.intermediate("U").identity, now)
    lower = upper.intermediate("L")
    assert lower.issue("x").chain == (lower.certificate, upper.certificate)


def test_default_validity_is_an_hour_back_and_90_days_on(cast: Cast, now: dt.datetime) -> None:
    certificate = cast.root.issue("x").certificate
    second = now.replace(microsecond=0)
    assert certificate.not_valid_before_utc == second - dt.timedelta(hours=1)
    assert certificate.not_valid_after_utc == second + dt.timedelta(days=90)


def test_dates_without_time_zone_are_refused(cast: Cast) -> None:
    with pytest.raises(ValueError, match="time zone"):
        cast.root.issue("x", not_after=dt.datetime(2030, 1, 1))  # noqa: DTZ001 - that is the case


def test_dates_in_the_wrong_order_are_refused(cast: Cast, now: dt.datetime) -> None:
    with pytest.raises(ValueError, match="cannot end"):
        cast.root.issue("x", not_before=now, not_after=now - dt.timedelta(days=1))


def test_self_signed_leaf_names_itself_as_issuer(now: dt.datetime) -> None:
    certificate = self_signed("x", now=now).certificate
    assert certificate.issuer == certificate.subject
    certificate.verify_directly_issued_by(certificate)


def test_repr_shows_no_key(cast: Cast) -> None:
    assert "key" not in repr(cast.mail_server).lower()
    assert "key" not in repr(cast.root).lower()


def test_certificate_pem_is_the_leaf_alone(cast: Cast) -> None:
    assert x509.load_pem_x509_certificates(cast.mail_server.certificate_pem()) == [cast.mail_server.certificate]


def test_chain_pem_is_the_leaf_then_the_intermediate(cast: Cast) -> None:
    found = x509.load_pem_x509_certificates(cast.mail_server.chain_pem())
    assert found == [cast.mail_server.certificate, cast.intermediate_certificate]


def test_key_pem_is_pkcs8_of_the_certificates_key(cast: Cast) -> None:
    pem = cast.mail_server.key_pem()
    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")  # RFC 7468, section 10
    assert load_pem_private_key(pem, None).public_key() == cast.mail_server.certificate.public_key()


def test_pkcs12_holds_key_certificate_and_chain_under_its_name(cast: Cast) -> None:
    store = pkcs12.load_pkcs12(cast.mail_server.pkcs12("mail", "changeit"), b"changeit")
    assert store.key is not None
    assert store.cert == pkcs12.PKCS12Certificate(cast.mail_server.certificate, b"mail")
    assert [each.certificate for each in store.additional_certs] == [cast.intermediate_certificate]


def test_pkcs12_without_password_is_refused(cast: Cast) -> None:
    with pytest.raises(ValueError, match="1 or more bytes"):
        cast.mail_server.pkcs12("mail", "")


@pytest.mark.usefixtures("either_way")
def test_configuring_a_context_leaves_no_file_behind(cast: Cast, temp_folder: Path) -> None:
    cast.mail_server.configure_server(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    cast.system_certificate.configure_client(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert list(temp_folder.iterdir()) == []


@pytest.mark.usefixtures("either_way")
def test_failing_to_configure_a_context_leaves_no_file_behind(cast: Cast, temp_folder: Path) -> None:
    mismatch = Issued(cast.mail_server.certificate, cast.system_certificate.private_key)
    with pytest.raises(ssl.SSLError, match="KEY_VALUES_MISMATCH"):
        mismatch.configure_server(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    assert list(temp_folder.iterdir()) == []


class _Peeping:
    """Stand in for an SSLContext, to see the file while it exists."""

    def load_cert_chain(self, path: Path, password: str = "") -> None:
        self.path = path
        self.mode = path.stat().st_mode & 0o777
        self.content = path.read_bytes()
        self.password = password


@pytest.mark.skipif(sys.platform != "linux", reason="memfd_create(2) is Linux's")
def test_a_key_is_on_no_disk_and_gone_when_it_is_loaded(cast: Cast, temp_folder: Path) -> None:
    peeping = _Peeping()
    cast.mail_server.configure_server(peeping)  # type: ignore[arg-type]  # stands in for a context
    assert peeping.path.parent == Path("/proc/self/fd")
    assert peeping.content == cast.mail_server.key_pem() + cast.mail_server.chain_pem()
    assert not peeping.path.exists()
    assert list(temp_folder.iterdir()) == []


@pytest.mark.usefixtures("without_own_descriptors")
def test_key_file_is_private_and_encrypted_while_it_exists(cast: Cast, temp_folder: Path) -> None:
    peeping = _Peeping()
    cast.mail_server.configure_server(peeping)  # type: ignore[arg-type]  # stands in for a context
    assert peeping.mode == 0o600
    assert b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in peeping.content  # RFC 7468, section 11
    assert b"-----BEGIN PRIVATE KEY-----" not in peeping.content
    assert peeping.password.encode() not in peeping.content


def test_chain_verifies_with_cryptography(cast: Cast, now: dt.datetime) -> None:
    builder = verification.PolicyBuilder().store(verification.Store([cast.root_certificate])).time(now)
    chain = builder.build_server_verifier(x509.DNSName(MAIL_HOST)).verify(
        cast.mail_server.certificate, list(cast.mail_server.chain)
    )
    assert chain == [cast.mail_server.certificate, cast.intermediate_certificate, cast.root_certificate]


def test_client_certificates_verify_with_cryptography(cast: Cast, now: dt.datetime) -> None:
    store = verification.Store([cast.cloud_clients.certificate, cast.connector_ca.certificate])
    verifier = verification.PolicyBuilder().store(store).time(now)
    # The web's profile asks for alternative names even in client certificates; these clients go by their subject.
    verifier = verifier.extension_policies(
        ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
        ee_policy=verification.ExtensionPolicy.permit_all(),
    )
    for issued in (cast.system_certificate, cast.subaccount_certificate("a")):
        assert verifier.build_client_verifier().verify(issued.certificate, []).chain[0] == issued.certificate


@pytest.mark.real
@pytest.mark.parametrize("key_type", ["ec", "rsa"])
def test_chain_verifies_with_openssl(now: dt.datetime, key_type: str, tmp_path: Path) -> None:
    cast = Cast(now, "rsa" if key_type == "rsa" else "ec")
    for name, pem in (
        ("root", cast.root.identity.certificate_pem()),
        ("intermediate", cast.intermediate.identity.certificate_pem()),
        ("leaf", cast.mail_server.certificate_pem()),
    ):
        (tmp_path / name).write_bytes(pem)
    program = [require_program("openssl"), "verify", "-x509_strict", "-purpose", "sslserver"]
    names = ["-verify_hostname", MAIL_HOST, "-CAfile", "root", "-untrusted", "intermediate", "leaf"]
    done = subprocess.run([*program, *names], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (0, "leaf: OK\n"), done.stderr


@pytest.mark.real
def test_pkcs12_opens_with_openssl(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "mail.p12").write_bytes(cast.mail_server.pkcs12("mail", "changeit"))
    command = [require_program("openssl"), "pkcs12", "-in", "mail.p12", "-noenc", "-passin", "env:PASSWORD"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={**os.environ, "PASSWORD": "changeit"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("BEGIN CERTIFICATE") == 2
    assert done.stdout.count("BEGIN PRIVATE KEY") == 1
