"""From the certificate names of a lab file to certificates, keys and TLS contexts.

The only place that opens certificate files. Parties receive what is made here and know nothing of where it came from.
"""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from certs.authority import CLOCK_TOLERANCE, Issued, self_signed
from certs.cast import Cast
from certs.files import share_cast
from certs.plans import AUTHORITIES, MEMBERS, SUBACCOUNT_LIFETIME, SUBACCOUNT_UNIT
from certs.profile import Validity
from certs.trust import client_context, server_context
from maco_lab.lab_model import Certificate as Choice
from maco_lab.lab_model import CertificateFile
from maco_lab.taps.key_files import KeyFiles
from maco_wire.observation import Party

MAX_CERTIFICATE_BYTES = 1024 * 1024


class CertificateFileError(Exception):
    """A certificate or key file cannot be used; the text names the file."""


class LabPki:
    """The certificates of one lab; ``folder`` is where relative files are looked for."""

    def __init__(self, folder: Path, cast: Cast) -> None:
        self._folder = folder
        self.cast = cast
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
        if isinstance(choice, CertificateFile):
            certificate = self._load_certificates(choice.file)[0]
        elif choice in AUTHORITIES:
            certificate = self.cast.authority(choice).certificate
        else:
            certificate = self.cast.by_name(choice).certificate
        return certificate.public_bytes(Encoding.DER)

    def server(self, choice: Choice) -> Issued:
        """Return what a server presents: certificate, chain and key. Raises CertificateFileError."""
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
            client_certificate=self.cast.subaccount_certificate(subaccount),
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
        return self.cast.subaccount_certificate(subaccount).certificate.public_bytes(Encoding.DER)

    def signed_tunnel_context(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
        """Return a connector's client context with a certificate that was signed at run time."""
        context = client_context(
            [self.cast.cloud_root.certificate], check_hostname=True, client_certificate=Issued(certificate, key)
        )
        return self.logged(context, Party.CLOUD_CONNECTOR)

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

    def offer_system_certificate(self) -> Callable[[ssl.SSLContext], None]:
        """Return what puts the connector's client certificate into a context."""
        return self.cast.system_certificate.configure_client

    def logged(self, context: ssl.SSLContext, party: Party) -> ssl.SSLContext:
        """Return ``context``, which from now on logs the keys of its sessions if the lab is tapped."""
        if self.key_files is not None:
            self.key_files.log_from(context, party)
        return context

    def _load_certificates(self, name: str) -> list[x509.Certificate]:
        content = self._read(name)
        try:
            if b"-----BEGIN" in content:
                return x509.load_pem_x509_certificates(content)
            return [x509.load_der_x509_certificate(content)]
        except ValueError as error:
            raise CertificateFileError(f"{name}: no certificate in PEM or DER: {error}") from error

    def _load_key(self, name: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
        try:
            key = load_pem_private_key(self._read(name), password=None)
        except (ValueError, TypeError) as error:
            raise CertificateFileError(f"{name}: no unencrypted private key in PEM: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise CertificateFileError(f"{name}: found a key of type {type(key).__name__}, allowed: EC or RSA")
        return key

    def _read(self, name: str) -> bytes:
        path = self._folder / name
        try:
            if path.stat().st_size > MAX_CERTIFICATE_BYTES:
                raise CertificateFileError(f"{path}: larger than {MAX_CERTIFICATE_BYTES} bytes")
            return path.read_bytes()
        except OSError as error:
            raise CertificateFileError(f"{path}: {error.strerror}") from error


def anchor_names() -> set[str]:
    """Return every name that may stand in a trust store."""
    return {*AUTHORITIES, *MEMBERS}


def server_names() -> set[str]:
    """Return every name that a mail server may present."""
    return set(MEMBERS)
