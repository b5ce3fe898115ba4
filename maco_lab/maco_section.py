"""MaCo's configuration and the lab file's section ``maco``: each made from the other. Pure, but for certificate files.

What runs can so be written as a lab file (``section_of``), and shown wherever a lab file is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Collection
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import SecretStr

from maco_client.configuration import Configuration
from maco_client.settings import Credential, EmailConnection, EmailServer, Schedule, Selection
from maco_lab import maco_model
from maco_lab.lab_section import Certificate, CertificateText
from maco_lab.maco_checks import credential, email_connections, email_server
from maco_lab.pki import CertificateFileError, LabPki
from maco_lab.sending_section import section_of_sending, sending_connection


def configuration_of(maco: maco_model.MaCo, pki: LabPki) -> Configuration:
    """Return what a checked section configures. Raises CertificateFileError."""
    credentials = {each.name: credential(each) for each in maco.credentials}
    return Configuration(
        MappingProxyType({alias: pki.anchor(choice) for alias, choice in maco.key_store.items()}),
        MappingProxyType(credentials),
        MappingProxyType({each.name: email_server(each) for each in maco.email_servers}),
        MappingProxyType({each.name: each for each in email_connections(maco)}),
        MappingProxyType(
            {
                each.name: sending_connection(each, credentials.get(each.credential), pki.folder)
                for each in maco.sending_connections
            }
        ),
    )


def section_of(configuration: Configuration, written: maco_model.MaCo, pki: LabPki) -> maco_model.MaCo:
    """Return the section that configures this; ``written`` is the one of the lab file.

    A certificate that the lab file has under the same alias keeps its name there, one of the lab's own PKI gets it, and
    any other stands in the section as PEM.
    """
    common = Schedule(every_s=written.poll_every_s)
    selecting = {each.name for each in written.email_connections if each.selection}
    return written.model_copy(
        update={
            "key_store": {alias: _choice(alias, der, written, pki) for alias, der in configuration.key_store.items()},
            "credentials": [_credential(each) for each in configuration.credentials.values()],
            "email_servers": [_server(each) for each in configuration.servers.values()],
            "email_connections": [_connection(each, common, selecting) for each in configuration.connections.values()],
            "sending_connections": [section_of_sending(each, pki.folder) for each in configuration.sending.values()],
        }
    )


def _choice(alias: str, der: bytes, written: maco_model.MaCo, pki: LabPki) -> Certificate:
    known = written.key_store.get(alias)
    with contextlib.suppress(CertificateFileError):  # a file may be gone, or be another one by now
        if known is not None and pki.anchor(known) == der:
            return known
    if name := pki.name_of(der):
        return name
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
    return CertificateText(pem=pem.decode("ascii"))


def _credential(held: Credential) -> maco_model.Credential:
    return maco_model.Credential(
        name=held.name,
        user=held.user,
        password=SecretStr(held.password),
        access_token=SecretStr(held.access_token),
    )


def _server(server: EmailServer) -> maco_model.EmailServer:
    return maco_model.EmailServer(**_plain(server))


def _connection(
    connection: EmailConnection, common: Schedule, selecting: Collection[str]
) -> maco_model.EmailConnection:
    """Return the entry; what Selection is by itself is said only for those that are ``selecting`` in the lab file."""
    scheduler = None if connection.scheduler == common else maco_model.Scheduler(**_plain(connection.scheduler))
    said = {"server": connection.server.name, "credential": connection.credential.name, "scheduler": scheduler}
    if connection.selection is Selection.UNREAD and connection.name not in selecting:
        said["selection"] = None
    return maco_model.EmailConnection(**{**_plain(connection), **said})


def _plain(settings: EmailServer | EmailConnection | Schedule) -> dict[str, Any]:
    """Return the fields of settings, which have the same names in the section; those choices as text."""
    values = {each.name: getattr(settings, each.name) for each in dataclasses.fields(settings)}
    return {name: str(value) if isinstance(value, str) else value for name, value in values.items()}


def as_data(section: maco_model.MaCo, *, defaults: bool = False) -> dict[str, Any]:
    """Return a section as the data of a lab file, secrets included, and what is a default only if so told."""
    data: dict[str, Any] = _revealed(section.model_dump(exclude_defaults=not defaults))
    return data


def _revealed(value: Any) -> Any:
    match value:
        case dict():
            return {key: _revealed(each) for key, each in value.items()}
        case list():
            return [_revealed(each) for each in value]
        case SecretStr():
            return value.get_secret_value()
        case dt.date():
            return value.isoformat()
    return value
