"""Back up the configuration, and restore it (SAP, "Backup"). None was recorded; the file is ours (``backup_file``).

The product restarts after a restore. Here everything that a restart ends is ended: tunnels, connections and sessions.
A backup is read in memory and never written to the disk: the form that brings it has its password beside it. What
cannot be restored, as by a wrong password, is INTERNAL_SERVER_ERROR, as SAP's page says of a restore that failed;
nothing is changed then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from connector_sim.admin import multipart
from connector_sim.admin.backup_file import MOST_FILE_BYTES, BackupError, NoBackup, read_backup, write_backup
from connector_sim.admin.call import Call
from connector_sim.admin.configuration_records import UnreadableRecords
from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.errors import ErrorType, Refused, invalid
from connector_sim.admin.replies import Reply, no_content
from connector_sim.admin.roles import ADMINISTRATOR
from connector_sim.exceptions import SettingsError

PATH = "/api/v1/configuration/backup"
ZIP = "application/zip"
FILE_NAME = "scc_backup.zip"
MOST_FORM_BYTES = MOST_FILE_BYTES + 64 * 1024


async def _back_up(call: Call) -> Reply:
    """Return everything that is configured, encrypted by the password of the request."""
    password = call.fields().text("password")
    records = call.installation.records()
    try:
        content = await asyncio.get_running_loop().run_in_executor(None, write_backup, records, password)
    except BackupError as error:
        raise Refused(ErrorType.RUNTIME_FAILURE, f"There is no backup: {error}") from error
    return Reply(200, content, ZIP, (("Content-Disposition", f'attachment;filename="{FILE_NAME}"'),))


async def _restore(call: Call) -> Reply:
    """Take the configuration of a backup instead of the present one."""
    found = multipart.parts(call.request.headers.get("content-type", ""), call.request.body)
    file, password = (_part(found.get(name, ()), name) for name in ("backup", "password"))
    try:
        text = password.decode()
    except ValueError as error:
        raise invalid("password: allowed: text in UTF-8") from error
    try:
        records = await asyncio.get_running_loop().run_in_executor(None, read_backup, file, text)
        configuration = call.installation.read(records)
    except NoBackup as error:
        raise invalid(f"backup: {error}") from error
    except (BackupError, UnreadableRecords) as error:
        raise _failed(str(error)) from error
    try:
        await call.installation.replace(configuration)
    except SettingsError as error:
        raise _failed(str(error)) from error
    return no_content()


def _failed(why: str) -> Refused:
    return Refused(ErrorType.INTERNAL_SERVER_ERROR, f"The backup could not be restored: {why}")


def _part(contents: Sequence[bytes], name: str) -> bytes:
    if not contents or not contents[0]:
        raise invalid(f"{name}: found nothing")
    return contents[0]


ENDPOINTS = (
    Endpoint("POST", PATH, ADMINISTRATOR, _back_up, body="json"),
    Endpoint("PUT", PATH, ADMINISTRATOR, _restore, body="multipart", most_body_bytes=MOST_FORM_BYTES),
)
