"""From the certificate names of a lab file to certificates, keys and TLS contexts.

The only place that opens certificate files. Parties receive what is made here and know nothing of where it came from.
"""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from certs.authority import CLOCK_TOLERANCE, Issued, self_signed
from certs.cast import Cast
from certs.files import share_cast
from certs.plans import AUTHORITIES, DAY, MEMBERS, SUBACCOUNT_LIFETIME, SUBACCOUNT_UNIT
from certs.profile import Validity
from certs.trust import client_context, server_context
from maco_lab.lab_model import KeyPairText
from maco_lab.lab_section import Certificate as Choice
from maco_lab.lab_section import CertificateFile, CertificateText
from maco_lab.taps.key_files import KeyFiles
from maco_wire.observation import Party

MAX_CERTIFICATE_BYTES = 1024 * 1024


class CertificateFileError(Exception):
    """A certificate or key file cannot be used; the text names the file."""


class LabPki:
    """The certificates of one lab; ``folder`` is where relative files are looked for."""

    def __init__(self, folder: Path, cast: Cast) -> None:
        self.folder = folder
        self.cast = cast
        self._expired: dict[str, Issued] = {}
        self.key_files: KeyFiles | None = None
        """Where all parties log their TLS keys; nowhere unless the lab is tapped."""

    @classmethod
    def in_memory(cls, folder: Path, *, mail_host: str, tunnel_host: str) -> LabPki:
        """Issue everything anew, relative to now."""
        now = dt.datetime.now(dt.UTC)
        return cls(folder, Cast(now, mail_host=mail_host, tunnel_host=tunnel_host))

    @classmethod
    def kept(cls, folder: Path, certificates: Path, *, mail_host: str, tunnel_host: str) -> LabPki:
        """Use the certificates that are kept in a folder; the first one to ask makes them.

        Raises CertificateError.
        """
        fresh = cls.in_memory(folder, mail_host=mail_host, tunnel_host=tunnel_host)
        return cls(folder, share_cast(fresh.cast, certificates))

    def anchor(self, choice: Choice) -> bytes:
        """Return a certificate to be trusted (DER). Raises CertificateFileError."""
        if isinstance(choice, CertificateText):
            certificate = _certificates_in("pem", choice.pem.encode())[0]
        elif isinstance(choice, CertificateFile):
            certificate = self._load_certificates(choice.file)[0]
        elif choice in AUTHORITIES:
            certificate = self.cast.authority(choice).certificate
        else:
            certificate = self.cast.by_name(choice).certificate
        return certificate.public_bytes(Encoding.DER)

    def name_of(self, der: bytes) -> str | None:
        """Return the name of a certificate of this lab's own PKI; None for any other, and for one not issued yet."""
        return self.cast.name_of(x509.load_der_x509_certificate(der))

    def server(self, choice: Choice) -> Issued:
        """Return what a server presents: certificate, chain and key. Raises CertificateFileError."""
        if isinstance(choice, CertificateText):
            raise CertificateFileError("a server's certificate needs its key: name a file instead of 'pem'")
        if not isinstance(choice, CertificateFile):
            return self.cast.by_name(choice)
        first, *chain = self._load_certificates(choice.file)
        key_file = choice.key or choice.file
        key = self._load_key(key_file)
        if key.public_key() != first.public_key():
            raise CertificateFileError(f"{key_file}: is not the key of the certificate in {choice.file}")
        return Issued(first, key, tuple(chain))

    def tunnel_endpoint_context(self) -> ssl.SSLContext:
        """Return the server context of the tunnel endpoint: asks for subaccount certificates."""
        anchors = [self.cast.cloud_clients.certificate]
        context = server_context(self.cast.tunnel_endpoint, client_anchors=anchors, client_certificate="optional")
        return self.logged(context, Party.CONNECTIVITY)

    def tunnel_context(self, subaccount: str) -> ssl.SSLContext:
        """Return a connector's client context with the certificate of one of its subaccounts."""
        context = client_context(
            [self.cast.cloud_root.certificate],
            check_hostname=True,
            client_certificate=self._subaccount(subaccount),
        )
        return self.logged(context, Party.CLOUD_CONNECTOR)

    def sign_subaccount_request(self, request: x509.CertificateSigningRequest, subaccount: str) -> bytes:
        """Sign a subaccount certificate as the cloud side does: 365 days, an hour back (recorded). Returns PEM."""
        key = request.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            raise TypeError(f"found a key of type {type(key).__name__}, allowed: EC or RSA")
        now = dt.datetime.now(dt.UTC)
        validity = Validity(now - CLOCK_TOLERANCE, now + SUBACCOUNT_LIFETIME)
        return self.cast.cloud_clients.certify(key, subaccount, validity, usage="client", unit=SUBACCOUNT_UNIT)

    def subaccount_certificate(self, subaccount: str) -> bytes:
        """Return the certificate (DER) that ``tunnel_context`` shows."""
        return self._subaccount(subaccount).certificate.public_bytes(Encoding.DER)

    def expire(self, subaccount: str) -> None:
        """Let the certificate of a subaccount be one that expired yesterday."""
        now = dt.datetime.now(dt.UTC)
        self._expired[subaccount] = self.cast.cloud_clients.issue(
            subaccount,
            unit=SUBACCOUNT_UNIT,
            usage="client",
            not_before=now - SUBACCOUNT_LIFETIME,
            not_after=now - DAY,
        )

    def _subaccount(self, subaccount: str) -> Issued:
        return self._expired.get(subaccount) or self.cast.subaccount_certificate(subaccount)

    def signed_tunnel_context(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
        """Return a connector's client context with a certificate that was signed at run time."""
        context = client_context(
            [self.cast.cloud_root.certificate], check_hostname=True, client_certificate=Issued(certificate, key)
        )
        return self.logged(context, Party.CLOUD_CONNECTOR)

    def named(self, name: str) -> x509.Certificate | None:
        """Return the certificate of this lab that has a name; None if there is none."""
        if name in AUTHORITIES:
            return self.cast.authority(name).certificate
        return self.cast.by_name(name).certificate if name in MEMBERS else None

    def signed_subaccount(self, certificate: x509.Certificate) -> bool:
        """Tell whether the cloud side of this lab signed a subaccount certificate."""
        try:
            certificate.verify_directly_issued_by(self.cast.cloud_clients.certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def ui_certificate(self, host: str) -> Issued:
        """Return a new certificate of an administration, self-signed as the product installs it."""
        addresses = sorted({"127.0.0.1", "::1", host})
        now = dt.datetime.now(dt.UTC)
        return self_signed("localhost", now=now, dns_names=["localhost"], ip_addresses=addresses)

    def token_service_context(self) -> ssl.SSLContext:
        """Return the server context of the token service: the cloud side's certificate, nothing asked of clients."""
        return server_context(self.cast.tunnel_endpoint)

    def token_client_context(self) -> ssl.SSLContext:
        """Return the client context for the token service: trusts the cloud side's root and checks the name."""
        return client_context([self.cast.cloud_root.certificate], check_hostname=True)

    def pair_server_context(self) -> ssl.SSLContext:
        """Return the server context of a master or shadow: it hears only who has a certificate of their authority."""
        anchors = [self.cast.connector_ca.certificate]
        return server_context(
            self.cast.by_name("administration"), client_anchors=anchors, client_certificate="required"
        )

    def pair_client_context(self) -> ssl.SSLContext:
        """Return the context with which master and shadow ask each other."""
        anchors = [self.cast.connector_ca.certificate]
        return client_context(anchors, check_hostname=True, client_certificate=self.cast.system_certificate)

    def offer_system_certificate(self, choice: bool | KeyPairText) -> Callable[[ssl.SSLContext], None] | None:
        """Return what puts the connector's client certificate into a context; None if it has none."""
        if isinstance(choice, KeyPairText):
            return key_pair_of(choice).configure_client
        return self.cast.system_certificate.configure_client if choice else None

    def logged(self, context: ssl.SSLContext, party: Party) -> ssl.SSLContext:
        """Return ``context``, which from now on logs the keys of its sessions if the lab is tapped."""
        if self.key_files is not None:
            self.key_files.log_from(context, party)
        return context

    def _load_certificates(self, name: str) -> list[x509.Certificate]:
        return _certificates_in(name, self._read(name))

    def _load_key(self, name: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
        return _key_in(name, self._read(name))

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        try:
            if path.stat().st_size > MAX_CERTIFICATE_BYTES:
                raise CertificateFileError(f"{path}: larger than {MAX_CERTIFICATE_BYTES} bytes")
            return path.read_bytes()
        except OSError as error:
            raise CertificateFileError(f"{path}: {error.strerror}") from error


def _certificates_in(name: str, content: bytes) -> list[x509.Certificate]:
    try:
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except ValueError as error:
        raise CertificateFileError(f"{name}: no certificate in PEM or DER: {error}") from error


def _key_in(name: str, content: bytes) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise CertificateFileError(f"{name}: no unencrypted private key in PEM: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CertificateFileError(f"{name}: found a key of type {type(key).__name__}, allowed: EC or RSA")
    return key


def key_pair_of(text: KeyPairText) -> Issued:
    """Return a certificate with its chain and key from the lab file itself. Raises CertificateFileError."""
    content = text.pem.encode()
    first, *chain = _certificates_in("pem", content)
    key = _key_in("pem", content)
    if key.public_key() != first.public_key():
        raise CertificateFileError("pem: its key is not that of the first certificate")
    return Issued(first, key, tuple(chain))


def anchor_names() -> set[str]:
    """Return every name that may stand in a trust store."""
    return {*AUTHORITIES, *MEMBERS}


def server_names() -> set[str]:
    """Return every name that a mail server may present."""
    return set(MEMBERS)
