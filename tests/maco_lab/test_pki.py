"""From certificate names and files to contexts; every file that cannot be used is named."""

from __future__ import annotations

import contextlib
import datetime as dt
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from OpenSSL import SSL

from certs.authority import Issued
from certs.plans import AUTHORITIES, MEMBERS
from maco_lab.lab_section import CertificateFile, CertificateText
from maco_lab.mail_tls import imap_context_factory, smtp_context
from maco_lab.pki import MAX_CERTIFICATE_BYTES, CertificateFileError, LabPki, anchor_names, server_names

Step = Callable[[], None]

MAIL_HOST = "mail.stadtwerke.example"


@pytest.fixture
def pki(tmp_path: Path) -> LabPki:
    return LabPki.in_memory(tmp_path, mail_host=MAIL_HOST, tunnel_host="tunnel.lab.example")


def name_of(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).subject.rfc4514_string()


@pytest.mark.parametrize("name", sorted(anchor_names()))
def test_every_name_that_may_be_trusted_gives_a_certificate(pki: LabPki, name: str) -> None:
    assert name_of(pki.anchor(name))


@pytest.mark.parametrize("name", sorted(server_names()))
def test_every_name_that_a_server_may_present_gives_a_certificate_with_its_key(pki: LabPki, name: str) -> None:
    issued = pki.server(name)

    assert issued.certificate.public_key() == issued.private_key.public_key()


def test_names_are_those_of_the_authorities_and_the_cast() -> None:
    assert anchor_names() == {*AUTHORITIES, *MEMBERS}
    assert server_names() == set(MEMBERS)


def test_a_lab_issues_anew_at_every_start(pki: LabPki, tmp_path: Path) -> None:
    other = LabPki.in_memory(tmp_path, mail_host=MAIL_HOST, tunnel_host="tunnel.lab.example")

    assert pki.anchor("root") != other.anchor("root")


@pytest.mark.slow
def test_kept_certificates_are_shared_by_all_who_ask(tmp_path: Path) -> None:
    first, second = (
        LabPki.kept(tmp_path, tmp_path / "pki", mail_host=MAIL_HOST, tunnel_host="tunnel.lab.example") for _ in range(2)
    )

    for name in ("root", "mail_server", "cloud_root"):
        assert first.anchor(name) == second.anchor(name)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_file_may_be_pem_or_der(pki: LabPki, tmp_path: Path, encoding: Encoding) -> None:
    root = pki.cast.authority("root").certificate
    (tmp_path / "root.crt").write_bytes(root.public_bytes(encoding))

    assert pki.anchor(CertificateFile(file="root.crt")) == root.public_bytes(Encoding.DER)


def test_a_certificate_may_stand_in_the_lab_file_itself(pki: LabPki) -> None:
    root = pki.cast.authority("root").certificate

    assert pki.anchor(CertificateText(pem=root.public_bytes(Encoding.PEM).decode())) == pki.anchor("root")


def test_what_stands_in_the_lab_file_and_is_no_certificate_is_told(pki: LabPki) -> None:
    with pytest.raises(CertificateFileError, match="pem: no certificate in PEM or DER"):
        pki.anchor(CertificateText(pem="-----BEGIN nothing"))


def pem_of(issued: Issued) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in (issued.certificate, *issued.chain))


def key_of(issued: Issued) -> bytes:
    return issued.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("key_file", [None, "server.key"])
def test_a_servers_key_is_in_the_same_file_or_in_its_own(pki: LabPki, tmp_path: Path, key_file: str | None) -> None:
    mail_server = pki.server("mail_server")
    in_one = pem_of(mail_server) + (b"" if key_file else key_of(mail_server))
    (tmp_path / "server.pem").write_bytes(in_one)
    (tmp_path / "server.key").write_bytes(key_of(mail_server))

    issued = pki.server(CertificateFile(file="server.pem", key=key_file))

    assert issued.certificate == mail_server.certificate
    assert issued.chain == mail_server.chain
    assert issued.private_key.public_key() == mail_server.certificate.public_key()


def test_a_key_of_another_certificate_is_refused_when_the_server_is_built(pki: LabPki, tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_bytes(pem_of(pki.server("mail_server")))
    (tmp_path / "other.key").write_bytes(key_of(pki.server("expired")))

    with pytest.raises(CertificateFileError, match=r"other\.key: is not the key of the certificate in server\.pem"):
        pki.server(CertificateFile(file="server.pem", key="other.key"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no certificate in PEM or DER"),
        (b"nonsense", "no certificate in PEM or DER"),
        (b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", "no certificate in PEM or DER"),
        (b"x" * (MAX_CERTIFICATE_BYTES + 1), f"larger than {MAX_CERTIFICATE_BYTES} bytes"),
    ],
    ids=["empty", "nonsense", "broken pem", "too large"],
)
def test_a_file_that_is_no_certificate_is_named(pki: LabPki, tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "bad.crt").write_bytes(content)

    with pytest.raises(CertificateFileError, match=rf"bad\.crt: {told}"):
        pki.anchor(CertificateFile(file="bad.crt"))


def test_a_file_that_is_not_there_is_named_with_its_folder(pki: LabPki, tmp_path: Path) -> None:
    with pytest.raises(CertificateFileError) as caught:
        pki.anchor(CertificateFile(file="none.crt"))

    assert str(caught.value) == f"{tmp_path}/none.crt: No such file or directory"


def test_a_folder_instead_of_a_file_is_named(pki: LabPki, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(CertificateFileError, match="folder: Is a directory"):
        pki.anchor(CertificateFile(file="folder"))


def test_a_key_with_a_password_is_refused(pki: LabPki, tmp_path: Path) -> None:
    mail_server = pki.server("mail_server")
    (tmp_path / "server.pem").write_bytes(pem_of(mail_server))
    locked = mail_server.private_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    (tmp_path / "server.key").write_bytes(locked)

    with pytest.raises(CertificateFileError, match=r"server\.key: no unencrypted private key in PEM"):
        pki.server(CertificateFile(file="server.pem", key="server.key"))


def test_a_key_of_a_kind_that_is_not_supported_is_named(pki: LabPki, tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_bytes(pem_of(pki.server("mail_server")))
    key = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "ed.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    with pytest.raises(CertificateFileError, match=r"ed\.key: found a key of type Ed25519\w*, allowed: EC or RSA"):
        pki.server(CertificateFile(file="server.pem", key="ed.key"))


def shake_hands(server: ssl.SSLContext | SSL.Context, version: ssl.TLSVersion) -> str | None:
    """Run a handshake in memory with a client that speaks only ``version``; return what was agreed on."""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname, client_context.verify_mode = False, ssl.CERT_NONE
    client_context.set_ciphers("ALL:@SECLEVEL=0")
    _speak_only(client_context, version)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    accept = (
        _openssl_accept(server, to_server, to_client)
        if isinstance(server, SSL.Context)
        else _accept(server, to_server, to_client)
    )
    for _ in range(6):
        for step in (client.do_handshake, accept):
            try:
                step()
            except (ssl.SSLWantReadError, SSL.WantReadError):
                continue
            except (ssl.SSLError, SSL.Error):
                return None
    return client.version()


def _speak_only(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.1, which is the point
        context.minimum_version = context.maximum_version = version


def _accept(context: ssl.SSLContext, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> Step:
    return context.wrap_bio(incoming, outgoing, server_side=True).do_handshake


def _openssl_accept(context: SSL.Context, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> Step:
    connection = SSL.Connection(context, None)
    connection.set_accept_state()

    def step() -> None:
        if data := incoming.read():
            connection.bio_write(data)
        try:
            connection.do_handshake()
        finally:
            with contextlib.suppress(SSL.WantReadError):
                outgoing.write(connection.bio_read(65536))

    return step


@pytest.mark.parametrize("kind", ["imap", "smtp"])
@pytest.mark.parametrize(
    ("version", "agreed"),
    [(ssl.TLSVersion.TLSv1_1, None), (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")],
)
def test_the_mail_server_speaks_tls_1_2_and_newer_only(
    pki: LabPki, kind: str, version: ssl.TLSVersion, agreed: str | None
) -> None:
    issued = pki.server("mail_server")
    context = imap_context_factory(issued).getContext() if kind == "imap" else smtp_context(issued)

    assert shake_hands(context, version) == agreed


def test_the_mail_server_sends_its_intermediate(pki: LabPki) -> None:
    issued = pki.server("mail_server")

    assert [each.subject.rfc4514_string() for each in issued.chain] == [name_of(pki.anchor("intermediate"))]


def test_the_tunnel_endpoint_asks_for_a_client_certificate(pki: LabPki) -> None:
    assert pki.tunnel_endpoint_context().verify_mode is ssl.CERT_OPTIONAL


def test_a_connector_trusts_the_clouds_root_alone_and_checks_the_name(pki: LabPki) -> None:
    context = pki.tunnel_context("stadtwerke")

    assert context.check_hostname
    assert [name_of(each) for each in context.get_ca_certs(binary_form=True)] == [name_of(pki.anchor("cloud_root"))]


def test_certificates_are_valid_now(pki: LabPki) -> None:
    now = dt.datetime.now(dt.UTC)
    certificate = pki.server("mail_server").certificate

    assert certificate.not_valid_before_utc < now < certificate.not_valid_after_utc
