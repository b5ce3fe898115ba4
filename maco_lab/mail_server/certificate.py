"""The certificate of a mail server that runs by itself, and what its clients have to trust."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from certs.authority import Authority, Issued
from certs.cast import MAIL_HOST, Cast
from certs.files import read_cast
from maco_lab.lab_section import CertificateFile
from maco_lab.mail_server.options import MailServerOptions, is_address
from maco_lab.parties import TUNNEL_HOST
from maco_lab.pki import LabPki
from mailserver_sim.settings import SettingsError

LOCAL_HOST = "localhost"
LOOPBACK = ("127.0.0.1", "::1")
ROOT_FILE = "root.pem"


@dataclass(frozen=True, slots=True)
class Presented:
    """What the server presents, the name that it is for, and the file that its clients have to trust."""

    issued: Issued
    host_name: str
    trusted: Path
    is_throw_away: bool = False


def presented(options: MailServerOptions, scratch: Path) -> Presented:
    """Return the certificate that the options ask for; the root of a throw-away CA goes to ``scratch`` if nowhere else.

    Raises SettingsError, CertificateFileError, CertificateError, OSError.
    """
    if options.certificate:
        return _own(options.certificate, options.key, options.host_name)
    if options.certificates:
        return _kept(options.certificates, options.host_name)
    return _throw_away(options.host_name or LOCAL_HOST, options.write_root or scratch / ROOT_FILE)


def _own(certificate: Path, key: Path | None, host_name: str) -> Presented:
    """Use certificate files; a client may trust the certificate itself, whoever issued it."""
    pki = LabPki(Path(), Cast(dt.datetime.now(dt.UTC), mail_host=MAIL_HOST, tunnel_host=TUNNEL_HOST))
    issued = pki.server(CertificateFile(file=str(certificate), key=str(key) if key else None))
    return Presented(issued, host_name or first_name(issued.certificate), certificate)


def _kept(folder: Path, host_name: str) -> Presented:
    """Use what ``python -m certs`` has written."""
    cast = read_cast(folder)
    return Presented(cast.mail_server, host_name or cast.settings.mail_host, folder / ROOT_FILE)


def _throw_away(host_name: str, root_file: Path) -> Presented:
    """Issue a certificate for this run, and write the root above it."""
    try:
        root = Authority.root("Mail server throw-away CA", now=dt.datetime.now(dt.UTC))
        names = {LOCAL_HOST} if is_address(host_name) else {host_name, LOCAL_HOST}
        addresses = {*LOOPBACK, host_name} if is_address(host_name) else set(LOOPBACK)
        issued = root.issue(host_name, dns_names=sorted(names), ip_addresses=sorted(addresses))
    except ValueError as error:
        raise SettingsError("--host-name", f"found {host_name!r}: {error}") from error
    try:
        root_file.write_bytes(root.identity.certificate_pem())
    except OSError as error:
        raise SettingsError("--write-root", f"{root_file}: {error.strerror}") from error
    return Presented(issued, host_name, root_file, is_throw_away=True)


def first_name(certificate: x509.Certificate) -> str:
    """Return the first DNS name of a certificate; localhost if it has none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return LOCAL_HOST
    return next(iter(names.get_values_for_type(x509.DNSName)), LOCAL_HOST)
