"""A lab whose configuration is kept in a folder: to be started again and again."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

from certs.cast import Cast
from connector_sim.cloud.tokens import new_signing_key
from maco_lab.background import background_loop
from maco_lab.journal import Journal
from maco_lab.keeping import Keeping
from maco_lab.lab_file import LabFile
from maco_lab.state import StateFolder
from maco_lab.testing.lab import Lab
from maco_lab.testing.settings import Change, lab_text
from maco_lab.testing.thread import LabThread
from maco_lab.topology import running_lab
from tests.connector_sim.admin.client import AdminClient
from tests.connector_sim.admin.settings import administered

_signing_key = functools.cache(new_signing_key)


def administered_file(*changes: Change) -> LabFile:
    """Return the lab file of the administration's tests."""
    return lab_text(None, administered, *changes).parsed()


@contextlib.contextmanager
def kept_lab(file: LabFile, folder: Path, authority: Cast, told: list[str] | None = None) -> Iterator[Lab]:
    """Run a lab that keeps its configuration in ``folder``; ``told`` gets what a person would be told."""
    state, thread = StateFolder(folder), LabThread(background_loop())
    keeping = Keeping(state.configuration, (told if told is not None else []).append)
    landscape = running_lab(
        file, state, Journal(), free_ports=True, cast=authority, make_signing_key=_signing_key, keeping=keeping
    )
    with thread.loop.enter(landscape) as running:
        yield Lab(thread, running)


def admin_of(lab: Lab) -> AdminClient:
    """Return a client of its first Cloud Connector's administration."""
    return AdminClient(lab.cloud_connector.administration_url)
