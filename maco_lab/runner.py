"""Run a lab's coroutine to its end, and turn what keeps a lab from starting into one clear line and exit code 2."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

from certs.exceptions import CertificateError
from connector_sim.admin.store import StoreError as ConfigurationStoreError
from connector_sim.on_premise.settings import SettingsError as ConnectorSettingsError
from maco_client.failures import InboxError
from maco_client.failures import SettingsError as MacoSettingsError
from maco_lab.party_settings import PartyFailed
from maco_lab.pki import CertificateFileError
from maco_lab.state import StateError
from mailserver_sim.reactor import ReactorError
from mailserver_sim.settings import SettingsError as MailSettingsError
from mailserver_sim.store.errors import StoreError

_T = TypeVar("_T")

EXIT_CANNOT_START = 2
EXIT_TERMINATED = 128 + signal.SIGTERM

CANNOT_START = (
    OSError,
    PartyFailed,
    StateError,
    CertificateError,
    CertificateFileError,
    ConfigurationStoreError,
    ConnectorSettingsError,
    InboxError,
    MacoSettingsError,
    MailSettingsError,
    ReactorError,
    StoreError,
)


def run_lab(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run ``coroutine`` on a loop of its own; SIGTERM cancels it, so that nothing is left behind."""
    gc.freeze()  # what is imported by now stays; the collector need not walk it again
    try:
        return asyncio.run(_ended_by_sigterm(coroutine))
    except CANNOT_START as error:
        _stop(reason_of(error))
    except asyncio.CancelledError:
        raise SystemExit(EXIT_TERMINATED) from None
    finally:
        coroutine.close()  # a Ctrl-C before the loop took it leaves it unstarted


async def _ended_by_sigterm(coroutine: Coroutine[Any, Any, _T]) -> _T:
    task = asyncio.current_task()
    if task is None:
        raise AssertionError("asyncio runs every coroutine in a task")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await coroutine


def reason_of(error: BaseException) -> str:
    """Return the one line for an error of ``CANNOT_START``."""
    return _about_socket(error) if isinstance(error, OSError) else str(error)


def _about_socket(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    text = f"{where}{os.strerror(error.errno) if error.errno else error}"
    if error.errno == errno.EADDRINUSE:
        text += "; another program listens there: end it, change the port in the lab file, or use --ports auto"
    return text


def _stop(message: str) -> NoReturn:
    sys.stderr.write(message + "\n")
    raise SystemExit(EXIT_CANNOT_START)
