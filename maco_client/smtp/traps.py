"""Settings for sending that the real product takes and that are rarely meant, each with what comes of it."""

from __future__ import annotations

from collections.abc import Iterator

from maco_client.settings import ProxyType
from maco_client.smtp.choices import BodyEncoding, SendingAuthentication, SendingProtection
from maco_client.smtp.settings import SMTP_PORT, SendingConnection

SUBMISSION_PORT, SMTPS_PORT = 587, 465


def sending_traps(connection: SendingConnection) -> list[str]:
    """Return what is allowed in one sending connection but rarely meant."""
    return [*_on_the_wire(connection), *_in_the_mail(connection)]


def _on_the_wire(connection: SendingConnection) -> Iterator[str]:
    port, protection = connection.server.port, connection.protection
    internet, off = connection.proxy_type is ProxyType.INTERNET, connection.protection is SendingProtection.OFF
    if ":" not in connection.address:
        yield f"Address without a port means {SMTP_PORT}: SAP advises to name it, {SUBMISSION_PORT} for STARTTLS"
    if protection is SendingProtection.STARTTLS_OPTIONAL:
        yield "'STARTTLS Optional' goes on in clear, mail and password included, when STARTTLS is not offered"
    if off and internet:
        yield "Protection 'Off' with Proxy Type Internet sends mail and password in clear over the internet"
    if off and not internet and port in (SMTP_PORT, SUBMISSION_PORT):
        yield (
            f"Protection 'Off' towards port {port}: unless the mapping is TCP TLS, nobody speaks TLS with the mail "
            "server, and it may refuse the login"
        )
    if (protection.is_starttls or (off and internet)) and port == SMTPS_PORT:
        yield f"'{protection}' on port {SMTPS_PORT}: a server that expects TLS at once never greets ('Read timed out')"
    if protection is SendingProtection.SMTPS and port in (SMTP_PORT, SUBMISSION_PORT):
        yield (
            f"'{protection}' on port {port}: a server that greets in clear is answered with 'Unsupported or "
            "unrecognized SSL message'"
        )
    if connection.plain_fallback:
        yield (
            f"'{SendingAuthentication.ENCRYPTED}' with plain_fallback sends the password as it is to a server that "
            "offers no encrypted way"
        )


def _in_the_mail(connection: SendingConnection) -> Iterator[str]:
    if connection.body_mime_type.is_text and connection.body_encoding is not BodyEncoding.UTF_8:
        yield f"Body Encoding {connection.body_encoding}: characters that it does not have become '?'"
