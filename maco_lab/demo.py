"""The demo: a lab of its own on free ports, one mail fetched by each e-mail connection, and where TLS ended.

A play in acts: one for each e-mail connection of the lab file, and a last one in which the first way with TLS is tried
again with the root certificate in the wrong store. What it says is what the parties observed (``sight``) and what
wiretaps saw (``taps.matrix``). An act fails when a connection fetched nothing, when the two ends of its TLS session did
not report the same one, or, in the last act, when it fetched something.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import RSAKey
from rich.console import Console
from rich.text import Text

from connector_sim.cloud.tokens import new_signing_key
from maco_lab.journal import Journal
from maco_lab.lab_file import LabFile
from maco_lab.lab_matrix import matrix_of_poll
from maco_lab.lab_model import LabModel
from maco_lab.plain_story import INTRODUCTION, does_tls
from maco_lab.sight import HOPS, Sight, sight_of
from maco_lab.state import StateFolder
from maco_lab.story import tell
from maco_lab.taps.matrix import PLACES, Matrix
from maco_lab.topology import RunningLab, running_lab
from maco_lab.wrong_store import WrongStore, with_ca_in_the_wrong_store
from maco_wire.observation import Handshake, Party

SCHEMA_VERSION = 1

OTHER_END_S = 1.0
"""How long the mail server has to report a handshake that failed."""

_WAYS: dict[Party | None, str] = {Party.MACO: "Way A", Party.CLOUD_CONNECTOR: "Way B"}
"""The ways are lettered by who does TLS with the mail server, as in the README and on the lab page."""


class NoSuchAct(Exception):
    """The lab file has no act of this number; the text says which there are."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One act of the demo: how its e-mail connection is configured, and what was seen."""

    connection: str
    protection: str
    address: str
    sight: Sight
    matrix: Matrix | None = None
    act: int = 1
    wrong_store: str = ""
    """Where the CA was put instead of where it belongs; empty unless that is what the act is about."""

    @property
    def failure(self) -> str:
        """Return why this act failed; empty if it went as it should."""
        if self.wrong_store:
            return "mail was fetched although the CA was in the wrong store" if self.sight.succeeded else ""
        if not self.sight.succeeded:
            return self.sight.error
        if not self.sight.stored:
            return "the poll found no mail, though one had been delivered"
        session = self.sight.mail_session
        if session is not None and not session.agreed:
            return "the two ends of the TLS session did not report the same one"
        return ""


async def run_demo(file: LabFile, act: int | None = None) -> list[Leg]:
    """Play every act in turn, or one of them (from 1). Raises NoSuchAct."""
    names = [each.name for each in file.model.maco.email_connections]
    wrong = with_ca_in_the_wrong_store(file.model)
    acts = len(names) + (wrong is not None)
    if act is not None and not 1 <= act <= acts:
        raise NoSuchAct(f"found --act {act}, allowed: 1 to {acts}" if acts else "the lab file has no e-mail connection")
    signing_key = functools.cache(new_signing_key)
    played = [(number, name) for number, name in enumerate(names, 1) if act in {None, number}]
    legs = await _play(file, played, signing_key) if played else []
    if wrong is not None and act in {None, acts}:
        legs += await _play(_with(file, wrong.model), [(acts, wrong.connection)], signing_key, wrong)
    return legs


def _with(file: LabFile, model: LabModel) -> LabFile:
    return dataclasses.replace(file, model=model)


async def _play(
    file: LabFile, acts: list[tuple[int, str]], signing_key: Callable[[], RSAKey], wrong: WrongStore | None = None
) -> list[Leg]:
    """Run the landscape once and poll the connections of ``acts`` in turn."""
    with tempfile.TemporaryDirectory(prefix="maco-lab-demo-") as folder:
        state, journal = StateFolder(Path(folder)), Journal()
        async with running_lab(file, state, journal, free_ports=True, make_signing_key=signing_key, tapped=True) as lab:
            await lab.seed_mail()
            return [await _leg(lab, number, name, wrong) for number, name in acts]


async def _leg(lab: RunningLab, act: int, name: str, wrong: WrongStore | None) -> Leg:
    await lab.maco.poll(name)
    matrix = await matrix_of_poll(lab, name)
    if wrong is not None:
        await _other_end(lab)
    sight = sight_of(lab.journal.entries(), name)
    if sight is None:
        raise AssertionError("a poll that returned has recorded its end")
    maco = lab.file.model.maco
    connection = next(each for each in maco.email_connections if each.name == name)
    server = next(each for each in maco.email_servers if each.name == connection.server)
    return Leg(name, connection.protection, server.address, sight, matrix, act, wrong.note if wrong else "")


async def _other_end(lab: RunningLab) -> None:
    """Return once the mail server has told its view of the handshake: it learns of a refusal last."""
    with contextlib.suppress(TimeoutError):
        await lab.journal.wait_for(
            lambda entry: isinstance(entry.observation, Handshake) and entry.observation.party is Party.MAIL_SERVER,
            timeout_s=OTHER_END_S,
        )


def print_legs(console: Console, legs: list[Leg]) -> None:
    """Say who takes part, then tell the story of every act."""
    if legs:
        console.print(Text(INTRODUCTION))
    for leg in legs:
        way = _WAYS.get(does_tls(leg.sight), "Without TLS")
        title = f"{way} · {leg.connection}: {leg.address}, Protection '{leg.protection}'"
        if leg.wrong_store:
            title = f"{way} again, with the root certificate in the wrong store · {leg.connection}"
        tell(console, leg.sight, title, matrix=leg.matrix, note=leg.wrong_store, protection=leg.protection)


def legs_as_data(legs: list[Leg]) -> dict[str, Any]:
    """Return the same as plain data, as ``maco-lab demo --json`` prints it; its keys are stable.

    ``v``: version of this schema (1). ``succeeded``: whether every act went as it should. ``ways``: one mapping for
    each act, in order:

    - ``act``: its number; ``wrong_store``: where the CA was put on purpose, or empty;
    - ``connection``, ``protection``, ``address``: how it is configured; ``failure``: why the act failed, or empty;
    - ``succeeded``, ``stage``, ``stored``, ``error``, ``hint``: how the poll ended (docs/journal.md);
    - ``connector``: the Cloud Connector that carried it, with its location ID;
    - ``virtual``, ``internal``, ``protocol``: the mapping that the Cloud Connector used, or empty;
    - ``sessions``: each TLS session with ``kind``, ``client``, ``server``, ``succeeded``, ``agreed`` (both ends told
      the same), ``version``, ``cipher``, ``server_name``, ``presented``, ``verified_against``, ``name_checked``,
      ``error`` and ``alert``; ``client_saw`` and ``server_saw``: what went wrong, from either end; ``hops``: which
      networks it crosses;
    - ``hops``: for each hop the kinds of the sessions that protected it, the outermost first;
    - ``secrets``: each planted secret with ``name`` and ``held_by``, the parties that saw it in clear;
    - ``matrix``: each secret of this poll with ``name`` and ``places``: for each system and each network on the way
      ``state`` (in clear, inside TLS, not there, unknown), ``inside`` (``client`` and ``server`` of the sessions
      around it, the outermost first) and ``why`` it is unknown;
    - ``taps``: for each network its ``marker``, the payload bytes ``passed`` (to the mail server, to MaCo) and what is
      ``missing`` to trust its silence, or empty; ``counts``: what each ``party`` at its ends has ``counted`` of
      ``payload`` or of all bytes of its ``socket``, what the tap saw of the same (``tapped``), why they are no
      proof (``differs``), and a ``note``;
    - ``client_hello_seen_by``: parties that saw TLS pass that was not theirs; ``refusals``: what the parties said;
      ``impostor``: whether somebody answered in the mail server's place.
    """
    return {
        "v": SCHEMA_VERSION,
        "succeeded": not any(leg.failure for leg in legs),
        "ways": [
            {"act": leg.act, "protection": leg.protection, "address": leg.address, "failure": leg.failure}
            | dataclasses.asdict(leg.sight)
            | {"hops": {hop: [s.kind for s in leg.sight.covering(hop)] for hop in HOPS}}
            | {"wrong_store": leg.wrong_store}
            | _matrix_as_data(leg.matrix)
            for leg in legs
        ],
    }


def _matrix_as_data(matrix: Matrix | None) -> dict[str, Any]:
    if matrix is None:
        return {"matrix": [], "taps": []}
    rows = [
        {
            "name": row.secret,
            "places": {str(place): dataclasses.asdict(cell) for place, cell in zip(PLACES, row.cells, strict=True)},
        }
        for row in matrix.rows
    ]
    return {"matrix": rows, "taps": [dataclasses.asdict(control) for control in matrix.controls]}
