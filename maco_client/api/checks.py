"""Answer with the connectivity tests."""

from __future__ import annotations

from typing import Any

from maco_client.api import check_shapes
from maco_client.api.asked import Asked
from maco_client.api.key_store import certificate_shape
from maco_client.api.office import Office
from maco_client.certificate_upload import as_pem
from maco_client.configuration import CREDENTIAL, find
from maco_client.connectivity.connector import check_connector
from maco_client.connectivity.imap import Wanted, check_imap
from maco_client.connectivity.tls import check_tls
from maco_client.settings import EmailConnection, EmailServer


async def test_imap(office: Office, asked: Asked) -> check_shapes.ImapCheck:
    """Log in and look, as far as the request wants."""
    wanted = await asked.body(check_shapes.ImapCheckRequest)
    credential = find(CREDENTIAL, office.tenant.configuration.credentials, wanted.credential)
    connection = EmailConnection(
        "IMAP test",
        _server(wanted),
        wanted.protection,  # type: ignore[arg-type]  # the settings take labels
        credential,
        authentication=wanted.authentication,  # type: ignore[arg-type]
    )
    found = await check_imap(
        Wanted(connection, wanted.validate_certificate, wanted.list_folders, wanted.folder),
        office.reach,
        office.tenant.key_store,
    )
    content = found.content
    return check_shapes.ImapCheck(
        **_common(found, office),
        stage=found.stage,
        folders=list(found.folders),
        content=check_shapes.MailboxContent(folder=content.folder, total=content.total, unread=content.unread)
        if content
        else None,
    )


async def test_tls(office: Office, asked: Asked) -> check_shapes.TlsCheck:
    """Shake hands."""
    wanted = await asked.body(check_shapes.TlsCheckRequest)
    found = await check_tls(
        _server(wanted), office.reach, office.tenant.key_store, validate=wanted.validate_certificate
    )
    root = found.root
    return check_shapes.TlsCheck(**_common(found, office), root_pem=as_pem([root]) if root else "")


async def test_connector(office: Office, asked: Asked) -> check_shapes.ConnectorCheck:
    """Ask for a Cloud Connector."""
    wanted = await asked.body(check_shapes.ConnectorCheckRequest)
    found = await check_connector(wanted.location_id, office.reach, timeout_ms=wanted.timeout_ms)
    return check_shapes.ConnectorCheck(
        succeeded=found.succeeded, error=found.error, hint=found.hint, socks_reply=found.socks_reply
    )


def _server(wanted: check_shapes.HostRequest) -> EmailServer:
    return EmailServer(
        "connectivity test",
        f"{wanted.host}:{wanted.port}",
        wanted.proxy_type,  # type: ignore[arg-type]  # the settings take labels
        wanted.location_id,
        wanted.timeout_ms,
    )


def _common(found: Any, office: Office) -> dict[str, Any]:
    return {
        "succeeded": found.succeeded,
        "error": found.error,
        "hint": found.hint,
        "java_text": found.java_text,
        "tls_version": found.tls_version,
        "cipher": found.cipher,
        "vouched_by": found.vouched_by,
        "chain": [certificate_shape(der, office.reach.describe_certificate) for der in found.chain],
        "chain_pem": as_pem(found.chain),
        "duration_ms": found.duration_ms,
    }
