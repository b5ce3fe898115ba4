"""Settings that the real product takes and that are rarely meant, each with what comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from maco_client.settings.choices import (
    Authentication,
    PostProcessing,
    Protection,
    ProxyType,
    Selection,
    TransportProtocol,
)
from maco_client.settings.email_connection import EmailConnection
from maco_client.settings.email_server import IMAP_PORT, IMAPS_PORT, POP3_PORT, POP3S_PORT

ADVISED_INTERVAL_S = 60  # CPI mail adapter, Scheduler: not to go below 1 minute unless needed

_PORTS = {TransportProtocol.IMAP4: (IMAP_PORT, IMAPS_PORT), TransportProtocol.POP3: (POP3_PORT, POP3S_PORT)}
"""Where each protocol begins in clear, and where in TLS."""


def traps(connection: EmailConnection) -> list[str]:
    """Return what is allowed in one e-mail connection but rarely meant."""
    return [*_on_the_wire(connection), *_in_the_mailbox(connection)]


def shared_mailboxes(connections: Iterable[EmailConnection]) -> dict[str, str]:
    """Return the text of a trap by name for each e-mail connection whose mailbox an earlier one polls too."""
    first: dict[tuple[str, str, str], str] = {}
    found: dict[str, str] = {}
    for each in connections:
        mailbox = each.server.host.lower(), each.credential.user, each.folder
        holder = first.setdefault(mailbox, each.name)
        if holder != each.name:
            found[each.name] = (
                f"polls the same host, user and folder as {holder!r}: each waits for the other's lock, and a mail "
                "goes to whichever comes first"
            )
    return found


def _on_the_wire(connection: EmailConnection) -> Iterator[str]:
    port, protection = connection.server.port, connection.protection
    internet = connection.server.proxy_type is ProxyType.INTERNET
    off = protection is Protection.OFF
    in_clear, in_tls = _PORTS[connection.transport_protocol]
    if protection is Protection.STARTTLS_OPTIONAL:
        yield "'STARTTLS Optional' goes on in clear, password included, when STARTTLS is not offered"
    if off and internet:
        yield "Protection 'Off' with Proxy Type Internet sends the password in clear over the internet"
    if off and not internet and port == in_clear:
        yield (
            f"Protection 'Off' towards port {in_clear}: unless the mapping is TCP TLS, nobody speaks TLS with the "
            "mail server, and it may refuse the login"
        )
    if (protection.is_starttls or (off and internet)) and port == in_tls:
        yield (f"'{protection}' on port {in_tls}: a server that expects TLS at once never greets ('Read timed out')")
    if protection.is_implicit_tls and port == in_clear:
        yield (
            f"'{protection}' on port {in_clear}: a server that greets in clear is answered with "
            "'Unsupported or unrecognized SSL message'"
        )
    if any(port in ports for protocol, ports in _PORTS.items() if protocol is not connection.transport_protocol):
        yield f"Transport Protocol {connection.transport_protocol} on port {port}, where as a rule another is spoken"
    if connection.plain_fallback:
        yield (
            f"'{Authentication.ENCRYPTED}' with plain_fallback sends the password as it is to a server that offers no "
            "encrypted way"
        )


def _in_the_mailbox(connection: EmailConnection) -> Iterator[str]:
    how, limit = connection.post_processing, connection.max_messages_per_poll
    every_s = connection.scheduler.every_s
    if connection.selection is Selection.ALL and how is PostProcessing.MARK_READ:
        yield "Selection 'All Mails' with Post-Processing 'Mark as Read' meets every mail at every poll"
        if limit is not None:
            yield f"with a limit of {limit} mails a poll, MaCo would read the oldest ones again and again"
    if connection.transport_protocol is TransportProtocol.POP3 and not connection.automatically_disconnect:
        yield (
            "Automatically Disconnect off does nothing with POP3: a session sees what was there when it began, and "
            "deletes when it ends"
        )
    if connection.archive_folder and not how.archives:
        yield f"Archive Folder {connection.archive_folder!r} is not used with Post-Processing '{how}'"
    if every_s is not None and every_s < ADVISED_INTERVAL_S:
        yield f"polls every {every_s:g} s: SAP advises against less than a minute"
    if not connection.skip_failed_message:
        yield "skip_failed_message off: one mail that cannot be read holds up all mails behind it"
