"""Run a mail server by itself until a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import tempfile
import urllib.parse
from collections.abc import AsyncIterator
from pathlib import Path

from certs.summary import summarize
from maco_http.loopback import LoopbackSocket
from maco_lab.draining import Draining, told_to_stop
from maco_lab.journal import Entry, Journal
from maco_lab.mail_server.certificate import Presented, presented
from maco_lab.mail_server.options import MEMORY, MailServerOptions
from maco_lab.mail_server.printing import LogPrinter, Printer
from maco_lab.mail_server.ready import Ready
from maco_lab.mail_tls import imap_context_factory, smtp_context
from maco_wire.observation import Address, MailAccepted
from mailserver_sim.archives.transfer import export_archive
from mailserver_sim.archives.values import Kind
from mailserver_sim.reactor import ensure_reactor
from mailserver_sim.server import MailServer
from mailserver_sim.settings import SettingsError
from mailserver_sim.store.values import MEMORY as IN_MEMORY

STANDARD_OUTPUT, STANDARD_ERROR = 1, 2
_LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


async def run_alone(options: MailServerOptions) -> int:
    """Run the mail server that the options describe and return the exit code.

    Raises SettingsError, StoreError, CertificateFileError, CertificateError, OSError.
    """
    with (
        tempfile.TemporaryDirectory(prefix="maco-mail-") as scratch,
        Printer(STANDARD_OUTPUT) as printer,
        Printer(STANDARD_ERROR) as complaints,
    ):
        logging.basicConfig(handlers=[LogPrinter(complaints)], level=logging.WARNING, format=_LOG_FORMAT)
        certificate = presented(options, Path(scratch))
        kept = None if options.store == MEMORY else Path(options.store)
        journal = Journal()
        journal.listen(functools.partial(_tell, printer, as_json=options.as_json))
        server = _server(options, certificate, kept or IN_MEMORY, journal)
        async with _api(server, options.api) as api, _running(server):
            ready = Ready(server.settings, certificate, server.addresses, kept, api)
            printer.print(ready.as_json() if options.as_json else ready.as_text())
            await told_to_stop(Draining())
            if options.export is not None:
                await _export(server, options.export, options.export_as or Kind.MAILDIR)
    return 0


async def _export(server: MailServer, folder: Path, kind: Kind) -> None:
    """Write each account's mail into a folder of its own. Raises StoreError."""
    for account in server.settings.accounts:
        await export_archive(server.store, account.user, folder / file_name(account.user), kind)


def file_name(user: str) -> str:
    """Return one name for a folder, whatever a user is called."""
    name = urllib.parse.quote(user, safe="@+")
    return name if name.strip(".") else name.replace(".", "%2E")


def _server(options: MailServerOptions, certificate: Presented, store: Path, journal: Journal) -> MailServer:
    settings = options.settings(certificate.host_name, store)
    ensure_reactor(asyncio.get_running_loop())
    return MailServer(
        settings,
        imap_tls=imap_context_factory(certificate.issued),
        smtp_tls=smtp_context(certificate.issued),
        record=journal.record,
        describe_certificate=summarize,
    )


@contextlib.asynccontextmanager
async def _running(server: MailServer) -> AsyncIterator[None]:
    """Run the server while the block runs. Raises SettingsError naming the option whose address it cannot have."""
    try:
        await server.start()
    except OSError as error:
        for each in server.settings.listeners:
            if error.filename == f"{each.host}:{each.port}":
                raise _cannot_listen(f"--{each.protocol}", error) from error
        raise
    try:
        yield
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def _api(server: MailServer, port: int | None) -> AsyncIterator[Address | None]:
    """Serve the API while the block runs, if it is asked for."""
    if port is None:
        yield None
        return
    from mailserver_sim.api.server import served

    try:
        taken = LoopbackSocket(port)
    except OSError as error:
        raise _cannot_listen("--api", error) from error
    with contextlib.closing(taken):
        async with served(server, taken.socket):
            yield taken.address


def _cannot_listen(option: str, error: OSError) -> SettingsError:
    return SettingsError(option, f"cannot listen at {error.filename}: {error.strerror}; choose another port")


def _tell(printer: Printer, entry: Entry, *, as_json: bool) -> None:
    """Tell a machine of everything, and a person of each mail that has come."""
    seen = entry.observation
    if as_json:
        printer.print(entry.as_json())
    elif isinstance(seen, MailAccepted):
        # What a sender wrote must do nothing to the terminal.
        subject = "".join(each if each.isprintable() else "?" for each in seen.subject)
        printer.print(f"{seen.account}: mail {seen.uid} in {seen.mailbox}, {seen.size} bytes: {subject}")
