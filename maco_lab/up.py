"""``maco-lab up``: run the landscape until it is told to stop, and say what happens in it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.text import Text

from maco_client.configuration import UnknownEntry
from maco_client.results import PollResult
from maco_lab.application import environment_answer
from maco_lab.binding import binding_answer
from maco_lab.checking import Wanted
from maco_lab.control import control_socket
from maco_lab.draining import Draining
from maco_lab.failure import settled_failure
from maco_lab.journal import Journal
from maco_lab.keeping import Keeping
from maco_lab.lab_file import LabFile, LabFileError
from maco_lab.lab_matrix import TappedLab
from maco_lab.lab_warnings import warnings
from maco_lab.landscape_table import Landscape, landscape_table
from maco_lab.maco_side import MacoSide
from maco_lab.page.serving import PageSocket, page_socket
from maco_lab.parties import longest_drain_s
from maco_lab.party_settings import PartyFailed
from maco_lab.pki import LabPki
from maco_lab.poll_answer import poll_answer
from maco_lab.sight import sight_of
from maco_lab.state import RunNote, StateFolder
from maco_lab.story import printable, where_tls_ended
from maco_lab.styles import CLEAR, ENCRYPTED, FAILED
from maco_lab.topology import running_lab
from maco_lab.up_options import UpOptions
from maco_lab.up_taps import TapsTeller
from maco_net.background import in_background
from maco_wire.observation import Address, PartyProcess


class Lab(Landscape, TappedLab, Protocol):
    """What ``up`` needs of a lab, whatever its parties run in."""

    @property
    def pki(self) -> LabPki:
        """Its certificates."""

    @property
    def maco(self) -> MacoSide:
        """What polls."""

    async def described(self) -> dict[str, dict[str, Any]]:
        """Return what administration has made of the Cloud Connectors, as keys of a lab file, by name."""

    async def seed_mail(self) -> None:
        """Deliver one sample mail to every mailbox."""

    async def check(self, wanted: Wanted) -> list[dict[str, Any]]:
        """Check whether Cloud Connectors reach what their mappings lead to. Raises PartyFailed."""


async def run_up(file: LabFile, state: StateFolder, options: UpOptions, console: Console) -> None:
    """Run the lab until SIGINT, SIGTERM or ``maco-lab down``.

    Each of them ends MaCo's polls at once; connections of others may finish up to the parties' ``drain_s``.
    """
    began = time.monotonic()
    stop = _Stop()
    try:
        with (
            state.locked(),
            contextlib.closing(Journal(state.journal)) as journal,
            page_socket(file.model.page, free_port=options.free_ports) as page,
        ):
            teller = _Teller(console, began)
            try:
                await _run(file, state, journal, options, teller, stop, page)
            finally:
                teller.taps.tell_end()
    except asyncio.CancelledError:
        if not stop.asked:
            raise


class _Stop:
    """Cancels the task that made it, once: a second Ctrl-C waits for nobody, but disturbs not what is put away."""

    def __init__(self) -> None:
        self.draining = Draining()
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("asyncio runs every coroutine in a task")
        self._task = task
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self)

    def __call__(self) -> None:
        if self.asked:
            self.draining.cut_short()
        else:
            self.asked = True
            self._task.cancel()


async def _run(
    file: LabFile,
    state: StateFolder,
    journal: Journal,
    options: UpOptions,
    teller: _Teller,
    stop: _Stop,
    page: PageSocket | None,
) -> None:
    polled = asyncio.Event()
    async with (
        _lab(file, state, journal, options, teller, stop.draining) as lab,
        page.served(lab, polled) if page else contextlib.nullcontext(),
        control_socket(_control(lab, stop)) as control,
    ):
        mailboxes = tuple(account.user for account in file.model.mail_server.accounts)
        api = {"maco": lab.maco_api} if lab.maco_api else {}
        state.write_note(RunNote(os.getpid(), file.name, str(control), {**lab.addresses, **api}, mailboxes))
        teller.tell_landscape(lab, page.address if page else None)
        _tell_parent(options.ready_fd, b"up\n")
        if options.seed:
            await lab.seed_mail()
        async with in_background(_after_first_polls(polled, lab, options, teller, page)):
            await lab.maco.run_schedule(functools.partial(teller.tell_poll, lab.journal), polled.set)


async def _after_first_polls(
    polled: asyncio.Event, lab: Lab, options: UpOptions, teller: _Teller, page: PageSocket | None
) -> None:
    """Say what the first polls have shown, and what comes now; then nobody waits for us any more."""
    await polled.wait()
    await teller.taps.tell_first_polls(lab)
    teller.tell_schedule(lab, page.address if page else None)
    _tell_parent(options.ready_fd, b"polled\n")
    if options.ready_fd is not None:
        os.close(options.ready_fd)


def _lab(
    file: LabFile,
    state: StateFolder,
    journal: Journal,
    options: UpOptions,
    teller: _Teller,
    draining: Draining,
) -> AbstractAsyncContextManager[Lab]:
    """Return the landscape, in this process or with a process for each party."""
    certificates = options.certificates or (state.certificates if options.keep else None)
    if not options.isolate:
        return running_lab(
            file,
            state,
            journal,
            free_ports=options.free_ports,
            certificates=certificates,
            draining=draining,
            tapped=options.tap,
            keeping=Keeping(state.configuration, teller.warn) if options.keep else None,
        )
    from maco_lab.isolate import isolated_lab

    return isolated_lab(
        file,
        state,
        journal,
        free_ports=options.free_ports,
        certificates=certificates,
        keeps=options.keep,
        verbose=options.verbose,
        tell=teller.tell_process,
        draining=draining,
        tapped=options.tap,
    )


def _tell_parent(ready_fd: int | None, word: bytes) -> None:
    if ready_fd is not None:
        with contextlib.suppress(BrokenPipeError):  # it no longer waits
            os.write(ready_fd, word)


class _Teller:
    """Says on the terminal what happens. Names and errors are printed as they are: they are no mark-up."""

    def __init__(self, console: Console, began: float) -> None:
        self._console = console
        self._began = began
        self._told: dict[str, int] = {}
        self.taps = TapsTeller(console)

    def tell_landscape(self, lab: Lab, page: Address | None) -> None:
        took = time.monotonic() - self._began
        self._print(Text.assemble(("maco-lab", "bold"), f" runs {lab.file.name}, ready after {took:.1f} s\n"))
        self._console.print(landscape_table(lab, page))
        for warning in warnings(lab.file.model):
            self._print(Text.assemble(("!", CLEAR), printable(f" {warning}")))
        self._console.print()

    def warn(self, text: str) -> None:
        self._print(Text.assemble(("!", CLEAR), printable(f" {text}")))

    async def tell_poll(self, journal: Journal, result: PollResult) -> None:
        before, self._told[result.connection] = self._told.get(result.connection, 0), journal.last
        if not result.succeeded:
            failure = await settled_failure(journal, result, after=before)
            self._print(Text.assemble(("✗", FAILED), " ", printable(failure.line)))
            if failure.hint:
                self._print(Text(printable(f"    look at: {failure.hint}")))
            return
        sight = sight_of(journal.view(after=before), result.connection)
        count = f"{result.stored} mail{'' if result.stored == 1 else 's'} fetched"
        ended = f"; {where_tls_ended(sight)}" if sight else ""
        told = f" {result.connection}: {count} in {result.duration_ms} ms{ended}"
        self._print(Text.assemble(("✓", ENCRYPTED), printable(told)))

    def tell_process(self, seen: PartyProcess) -> None:
        if seen.state == "ended":
            told = f" {seen.name}: its process (pid {seen.pid}) ended: {seen.reason}; it is started again"
            self._print(Text.assemble(("✗", FAILED), printable(told)))
        else:
            self._print(Text.assemble(("✓", ENCRYPTED), printable(f" {seen.name}: runs again (pid {seen.pid})")))

    def tell_schedule(self, lab: Lab, page: Address | None) -> None:
        every_s = lab.file.model.maco.poll_every_s
        self._print(Text(f"\nMaCo polls every {every_s:g} s. Ctrl-C or `maco-lab down` ends the lab."))
        if page:
            self._print(Text(f"See it at http://{page[0]}:{page[1]}"))

    def _print(self, text: Text) -> None:
        self._console.print(text)


def _control(lab: Lab, stop: _Stop) -> Callable[[dict[str, Any]], Any]:
    async def answer(request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"command": "down"}:
                stop()
                return {"ok": True, "drain_s": longest_drain_s(lab.file.model)}
            case {"command": "poll", "connections": list(names)}:
                return await _poll(lab, names)
            case {"command": "check", "mapping": str(target)}:
                return await _check(lab, Wanted(target))
            case {"command": "binding"}:
                return binding_answer(lab.file.model, lab.addresses, lab.pki)
            case {"command": "export"}:
                return await _export(lab)
            case {"command": "environment", "client": str(client_id)}:
                return environment_answer(lab.file.model, lab.addresses, client_id)
            case {"command": "capture", "out": str(out), "keys": bool(keys)}:
                from maco_lab.capture_run import capture_answer

                return await capture_answer(lab, Path(out), with_keys=keys)
        return {
            "ok": False,
            "error": "unknown command; allowed: binding, capture, check, down, environment, export, poll",
        }

    return answer


async def _export(lab: Lab) -> dict[str, Any]:
    from maco_lab.export import exported

    try:
        return {"ok": True, "text": exported(lab.file, await lab.described(), lab.maco.section)}
    except (LabFileError, PartyFailed) as error:
        return {"ok": False, "error": str(error)}


async def _check(lab: Lab, wanted: Wanted) -> dict[str, Any]:
    try:
        checks = await lab.check(wanted)
    except PartyFailed as error:
        return {"ok": False, "error": str(error)}
    if not checks:
        found = f"found {wanted.target!r}, allowed: a mapping" if wanted.target else "there is no mapping"
        return {"ok": False, "error": f"{found} of a Cloud Connector of {lab.file.name}"}
    return {"ok": True, "checks": checks}


async def _poll(lab: Lab, names: list[Any]) -> dict[str, Any]:
    try:
        results = await poll_answer(lab.maco, lab.journal, [str(name) for name in names])
    except UnknownEntry as error:
        return {"ok": False, "error": str(error)}
    return {"ok": True, "results": results}
