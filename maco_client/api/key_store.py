"""Answer what concerns the key store."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable

from cryptography import x509
from starlette.responses import Response

from maco_client.api import shapes
from maco_client.api.asked import Asked
from maco_client.api.office import Office
from maco_client.certificate_upload import aliases_for, as_pem, certificate_warnings, read_certificates
from maco_client.configuration import KEY_STORE_ENTRY, find
from maco_client.reporter import DescribeCertificate
from maco_http import requests
from maco_http.openapi import DER_TYPE, PEM_TYPE

MOST_UPLOAD_BYTES = 2 * 1024 * 1024  # CPI: an uploaded keystore


async def key_store(office: Office, _asked: Asked) -> shapes.KeyStore:
    """Return all entries."""
    return _entries(office, office.tenant.configuration.key_store)


async def key_store_entry(office: Office, asked: Asked) -> shapes.KeyStoreEntry:
    """Return one entry."""
    find(KEY_STORE_ENTRY, office.tenant.configuration.key_store, asked.name)
    return _entries(office, [asked.name]).entries[0]


async def import_certificates(office: Office, asked: Asked) -> shapes.KeyStore:
    """Add the certificates of the body and return their entries."""
    content = await requests.content(asked.request, [PEM_TYPE, DER_TYPE], MOST_UPLOAD_BYTES)
    certificates = read_certificates(content)
    aliases = aliases_for(asked.text("alias"), len(certificates))
    named = dict(zip(aliases, certificates, strict=True))
    await office.tenant.change(lambda now: now.with_certificates(named))
    return _entries(office, aliases)


async def export_certificate(office: Office, asked: Asked) -> Response:
    """Return one entry as PEM."""
    der = find(KEY_STORE_ENTRY, office.tenant.configuration.key_store, asked.name)
    return Response(as_pem([der]), media_type=PEM_TYPE)


async def delete_certificate(office: Office, asked: Asked) -> shapes.Done:
    """Remove an entry."""
    await office.tenant.change(lambda now: now.without_certificate(asked.name))
    return shapes.Done()


def certificate_shape(der: bytes, describe: DescribeCertificate) -> shapes.Certificate:
    """Describe a certificate, DER."""
    summary = describe(der)
    return shapes.Certificate(
        subject=summary.subject,
        issuer=summary.issuer,
        dns_names=list(summary.dns_names),
        not_before=summary.not_before,
        not_after=summary.not_after,
        sha256=summary.fingerprint,
        sha1=hashlib.sha1(der, usedforsecurity=False).hexdigest(),  # many administrators still compare this one
    )


def _entries(office: Office, aliases: Iterable[str]) -> shapes.KeyStore:
    store, now = office.tenant.configuration.key_store, dt.datetime.now(dt.UTC)
    return shapes.KeyStore(entries=[_entry(alias, store[alias], store.values(), now, office) for alias in aliases])


def _entry(
    alias: str, der: bytes, all_entries: Iterable[bytes], now: dt.datetime, office: Office
) -> shapes.KeyStoreEntry:
    not_after = x509.load_der_x509_certificate(der).not_valid_after_utc
    return shapes.KeyStoreEntry(
        alias=alias,
        certificate=certificate_shape(der, office.reach.describe_certificate),
        expired=not_after < now,
        days_left=(not_after - now).days,
        warnings=certificate_warnings(der, (each for each in all_entries if each != der), now),
    )
