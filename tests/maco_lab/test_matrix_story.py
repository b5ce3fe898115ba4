"""What a person is told of the taps: what their rows rest on, and clearly what they lack."""

from __future__ import annotations

import dataclasses
import io

from rich.console import Console

from maco_lab.matrix_story import matrix_table, taps_told
from maco_lab.taps.counts import Count
from maco_lab.taps.matrix import PLACES, Cell, Control, Matrix, Row
from maco_wire.observation import Hop, Party

COUNT = Count(Party.MACO, "socket", (140, 2_022), (140, 2_022))


def told(*controls: Control) -> list[str]:
    return [text.plain for text in taps_told(Matrix((), controls))]


def control(hop: Hop, count: Count) -> Control:
    return Control(hop, "marker", (100, 2_000), count.differs, (count,))


def test_taps_whose_counts_are_those_of_both_ends_say_so_once() -> None:
    (text,) = told(control(Hop.CLOUD_NETWORK, COUNT), control(Hop.CUSTOMER_LAN, COUNT))

    assert text.startswith("The taps had no keys. Each saw what must be in clear on its network, and as many bytes as ")
    assert "Only afterwards the systems' own key logs were used, to name the TLS session" in text


def table_of(*rows: Row) -> str:
    out = io.StringIO()
    Console(file=out, width=120).print(matrix_table(Matrix(rows, ())))
    return out.getvalue()


def test_a_secret_that_was_nowhere_was_never_sent_and_is_not_missing_at_its_owner() -> None:
    password = Row("mailbox password of a", (Cell("not there"),) * len(PLACES))

    assert table_of(password).count("never sent") == len(PLACES)


def test_a_secret_that_was_somewhere_is_not_there_elsewhere() -> None:
    token = Row("token of maco", (Cell("in clear"), *(Cell("not there"),) * (len(PLACES) - 1)))

    assert table_of(token).count("not there") == len(PLACES) - 1
    assert "never sent" not in table_of(token)


def test_what_is_to_be_known_of_a_count_is_added() -> None:
    late = dataclasses.replace(COUNT, note="the last 24 bytes came after MaCo had closed")

    assert told(control(Hop.CLOUD_NETWORK, late))[1:] == [
        "Tap on the cloud network: the last 24 bytes came after MaCo had closed."
    ]


def test_a_count_that_differs_or_is_missing_is_told_in_place_of_the_proof() -> None:
    silent = dataclasses.replace(COUNT, differs="MaCo did not tell how many bytes its socket carried", counted=None)

    assert told(control(Hop.CLOUD_NETWORK, silent), control(Hop.CUSTOMER_LAN, COUNT)) == [
        "Tap on the cloud network: MaCo did not tell how many bytes its socket carried."
    ]
