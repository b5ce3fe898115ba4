"""The demo: a lab of its own on free ports, one mail fetched by each e-mail connection, and where TLS ended.

What it says is what the parties observed (``sight``). It fails when a connection fetched nothing, or when the two ends
of its TLS session did not report the same one.
"""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile
from maco_lab.sight import HOPS, Sight, sight_of
from maco_lab.state import StateFolder
from maco_lab.story import tell
from maco_lab.topology import RunningLab, running_lab

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Leg:
    """One e-mail connection of the demo: how it is configured, and what was seen."""

    connection: str
    protection: str
    address: str
    sight: Sight

    @property
    def failure(self) -> str:
        """Return why this leg failed; empty if it did not."""
        if not self.sight.succeeded:
            return self.sight.error
        if not self.sight.stored:
            return "the poll found no mail, though one had been delivered"
        session = self.sight.mail_session
        if session is not None and not session.agreed:
            return "the two ends of the TLS session did not report the same one"
        return ""


async def run_demo(file: LabFile) -> list[Leg]:
    """Run the landscape once and poll each connection in turn."""
    with tempfile.TemporaryDirectory(prefix="maco-lab-demo-") as folder:
        journal = Journal()
        async with running_lab(file, StateFolder(Path(folder)), journal, free_ports=True) as lab:
            await lab.seed_mail()
            return [await _leg(lab, journal, name) for name in lab.maco.connections]


async def _leg(lab: RunningLab, journal: Journal, name: str) -> Leg:
    await lab.maco.poll(name)
    sight = sight_of(journal.entries(), name)
    if sight is None:
        raise AssertionError("a poll that returned has recorded its end")
    maco = lab.file.model.maco
    connection = next(each for each in maco.email_connections if each.name == name)
    server = next(each for each in maco.email_servers if each.name == connection.server)
    return Leg(name, connection.protection, server.address, sight)


def print_legs(console: Console, legs: list[Leg]) -> None:
    """Tell the story of every leg."""
    for number, leg in enumerate(legs):
        letter = chr(ord("A") + number) if number < 26 else str(number + 1)
        tell(console, leg.sight, f"Way {letter} · {leg.connection}: {leg.address}, Protection '{leg.protection}'")


def legs_as_data(legs: list[Leg]) -> dict[str, Any]:
    """Return the same as plain data, as ``maco-lab demo --json`` prints it; its keys are stable.

    ``v``: version of this schema (1). ``succeeded``: whether no way failed. ``ways``: one mapping for each e-mail
    connection, in the order of the lab file:

    - ``connection``, ``protection``, ``address``: how it is configured; ``failure``: why it failed, or empty;
    - ``succeeded``, ``stage``, ``stored``, ``error``, ``hint``: how the poll ended (docs/journal.md);
    - ``connector``: the Cloud Connector that carried it, with its location ID;
    - ``virtual``, ``internal``, ``protocol``: the mapping that the Cloud Connector used, or empty;
    - ``sessions``: each TLS session with ``kind``, ``client``, ``server``, ``succeeded``, ``agreed`` (both ends told
      the same), ``version``, ``cipher``, ``server_name``, ``presented``, ``verified_against``, ``name_checked``,
      ``error`` and ``alert``;
    - ``hops``: for each hop the kinds of the sessions that protected it, the outermost first;
    - ``secrets``: each planted secret with ``name`` and ``held_by``, the parties that saw it in clear;
    - ``client_hello_seen_by``: parties that saw TLS pass that was not theirs; ``refusals``: what the parties said.
    """
    return {
        "v": SCHEMA_VERSION,
        "succeeded": not any(leg.failure for leg in legs),
        "ways": [
            {"protection": leg.protection, "address": leg.address, "failure": leg.failure}
            | dataclasses.asdict(leg.sight)
            | {"hops": {hop: [s.kind for s in leg.sight.covering(hop)] for hop in HOPS}}
            for leg in legs
        ],
    }
