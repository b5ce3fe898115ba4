"""Tell a person what the taps saw: one table of secrets by places, and why it can be believed.

Only draws what ``taps.matrix`` found. Secrets that were alike everywhere share a column; one that was
nowhere was never sent, though one end has it. Every colour is backed by a
word.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.table import Table
from rich.text import Text

from maco_lab.plain_story import never_sent
from maco_lab.styles import CLEAR, ENCRYPTED, UNKNOWN
from maco_lab.taps.matrix import PLACES, Cell, Matrix, Place
from maco_wire.observation import Hop, Party

_STYLES = {"in clear": CLEAR, "inside TLS": ENCRYPTED, "not there": "", "unknown": UNKNOWN}
_WIRES = {Hop.CLOUD_NETWORK: "cloud network", Hop.TUNNEL: "tunnel", Hop.CUSTOMER_LAN: "customer LAN"}


def matrix_table(matrix: Matrix, called: Callable[[Party], str] = str) -> Table:
    """Return the table; a row for each place, because that fits a narrow terminal. ``called`` names a system."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Seen at")
    columns: dict[tuple[Cell, ...], list[str]] = {}
    for row in matrix.rows:
        columns.setdefault(row.cells, []).append(row.secret.partition(" of ")[0])
    unsent = {row.cells for row in matrix.rows if never_sent(row)}
    for names in columns.values():
        table.add_column(", ".join(names), overflow="fold")
    for number, place in enumerate(PLACES):
        table.add_row(
            _label(place, called),
            *(Text("never sent") if cells in unsent else _cell(cells[number], called) for cells in columns),
        )
    return table


def _label(place: Place, called: Callable[[Party], str]) -> Text:
    return Text(f"  wire: {_WIRES[place]}" if isinstance(place, Hop) else called(place))


def _cell(cell: Cell, called: Callable[[Party], str]) -> Text:
    style = _STYLES[cell.state]
    if not cell.inside:
        return Text(cell.state, style=style)
    around = [f"TLS of {called(ends.client)} with {called(ends.server)}" for ends in reversed(cell.inside)]
    return Text("inside " + ", inside ".join(around), style=style)


def taps_told(matrix: Matrix) -> list[Text]:
    """Say what the wires' rows rest on."""
    asleep = [control for control in matrix.controls if control.missing]
    if asleep:
        return [Text(f"Tap on the {control.hop}: {control.missing}.", style=UNKNOWN) for control in asleep]
    return [
        Text(
            "The taps had no keys. Each saw what must be in clear on its network, and as many bytes as the systems at "
            "both its ends counted: it missed nothing. Only afterwards the systems' own key logs were used, to name "
            "the TLS session that a secret was inside."
        ),
        *_notes(matrix),
    ]


def _notes(matrix: Matrix) -> list[Text]:
    noted = [(control.hop, count.note) for control in matrix.controls for count in control.counts if count.note]
    return [Text(f"Tap on the {hop}: {note}.") for hop, note in noted]
