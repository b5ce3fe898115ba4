"""What ``maco-lab up --tap`` says of its taps: what they saw of the first polls, and at the end how much passed them.

Only prints what ``taps`` and ``matrix_story`` found.
"""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from maco_lab.lab_matrix import TappedLab, matrix_of_poll
from maco_lab.matrix_story import matrix_table
from maco_lab.sight import HOPS
from maco_lab.story import printable
from maco_lab.taps.copies import Passed
from maco_lab.taps.matrix import Control, Matrix
from maco_lab.taps.taps import Taps
from maco_wire.observation import Hop


class TapsTeller:
    """Tells of the taps of one lab; of one without taps it tells nothing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._taps: Taps | None = None

    async def tell_first_polls(self, lab: TappedLab) -> None:
        """Print what the taps saw of the newest poll of each e-mail connection."""
        if lab.taps is None:
            return
        self._taps = lab.taps
        names = [connection.name for connection in lab.file.model.maco.email_connections]
        matrices = {name: await matrix_of_poll(lab, name) for name in names}
        found = {name: matrix for name, matrix in matrices.items() if matrix}
        self._console.print()
        for name, matrix in found.items():
            self._console.print(Text(printable(f"{name}, as the taps saw it:")))
            self._console.print(Padding(matrix_table(matrix), (0, 0, 0, 2)))
            self._console.print()
        for hop in HOPS:
            self._console.print(Text(f"Tap on the {hop}: {_state(hop, found)}; {_told(lab.taps.passed(hop))}"))

    def tell_end(self) -> None:
        """Print how much has passed each tap in all."""
        if self._taps is not None:
            for hop in HOPS:
                self._console.print(Text(f"Tap on the {hop}: {_told(self._taps.passed(hop))}"))


def _told(passed: Passed) -> str:
    connections = f"{passed.connections} connection{'' if passed.connections == 1 else 's'}"
    lost = f", of which {passed.lost} are not kept" if passed.lost else ""
    return f"{connections}, {passed.from_client + passed.to_client} bytes{lost}"


def _state(hop: Hop, matrices: dict[str, Matrix]) -> str:
    """Say whether the tap's silence means anything, and if not, for which poll and why."""
    controls = [(name, control) for name, matrix in matrices.items() for control in matrix.controls]
    of_hop: list[tuple[str, Control]] = [(name, control) for name, control in controls if control.hop is hop]
    asleep = [f"{name}: {control.missing}" for name, control in of_hop if control.missing]
    if asleep or not of_hop:
        return printable("; ".join(asleep)) or "no poll was seen"
    notes = [f"; {name}: {count.note}" for name, control in of_hop for count in control.counts if count.note]
    return printable("awake, both ends agree" + "".join(notes))
