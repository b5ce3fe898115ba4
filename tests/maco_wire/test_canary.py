"""Planted secrets are found however mail writes them and wherever reads cut them."""

from __future__ import annotations

import base64
import quopri
import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from maco_wire.canary import Canary, CanaryScanner, Sighting, base64_parts
from maco_wire.exceptions import LocalProtocolError
from tests.maco_wire.deliveries import Deliver, collect, either_way, in_pieces, whole

VALUE = "Qz7LmW3xKp"
CANARY = Canary(1, "password", VALUE)

values = st.text(string.ascii_letters + string.digits, min_size=8, max_size=40)
cut_places = st.lists(st.integers(0, 5000), max_size=12)
noise = st.binary(max_size=100)


def sightings(data: bytes, deliver: Deliver, *canaries: Canary) -> list[Sighting]:
    return collect(CanaryScanner(canaries or [CANARY]).receive_data, deliver(data))


def encodings(found: list[Sighting]) -> set[str]:
    return {sighting.encoding for sighting in found}


@either_way
def test_a_plain_canary_is_found_with_its_offset(deliver: Deliver) -> None:
    found = sightings(b"a1 LOGIN user " + VALUE.encode() + b"\r\n", deliver)
    assert found == [Sighting(1, "password", "plain", 14)]


@either_way
def test_a_canary_in_other_case_is_not_a_sighting(deliver: Deliver) -> None:
    assert sightings(VALUE.lower().encode(), deliver) == []


@either_way
def test_a_part_of_a_canary_is_not_a_sighting(deliver: Deliver) -> None:
    assert sightings(VALUE[:-1].encode() + b" " + VALUE[1:].encode(), deliver) == []


@either_way
def test_the_password_in_sasl_plain_is_found(deliver: Deliver) -> None:
    message = base64.b64encode(b"\0user@stadtwerke.example\0" + VALUE.encode())  # RFC 4616, section 2
    assert encodings(sightings(b"a1 AUTHENTICATE PLAIN " + message + b"\r\n", deliver)) == {"base64"}


@pytest.mark.parametrize(
    ("bytes_before", "part"),
    [
        # RFC 4648, section 4, by hand for eight times "A" (0x41 = 01000001), without the shared characters
        (0, b"QUFBQUFBQU"),
        (1, b"FBQUFBQUFB"),
        (2, b"BQUFBQUFBQ"),
    ],
)
def test_the_base64_part_is_what_no_neighbour_can_change(bytes_before: int, part: bytes) -> None:
    assert base64_parts(b"A" * 8)[bytes_before] == part


@given(values, st.binary(max_size=70), st.binary(max_size=70), cut_places)
def test_base64_is_found_in_every_alignment(value: str, before: bytes, after: bytes, cuts: list[int]) -> None:
    written = base64.b64encode(before + value.encode() + after)
    found = sightings(written, lambda data: in_pieces(data, cuts), Canary(7, "token", value))
    assert [(sighting.number, sighting.encoding) for sighting in found if sighting.encoding == "base64"] == [
        (7, "base64")
    ]


@given(st.binary(max_size=70), st.binary(max_size=70))
def test_the_offset_of_base64_is_its_first_character_of_the_value(before: bytes, after: bytes) -> None:
    written = base64.b64encode(before + VALUE.encode() + after)
    first_whole_character = -(-8 * len(before) // 6)
    assert Sighting(1, "password", "base64", 2 + first_whole_character) in sightings(b"\r\n" + written, whole)


@given(values, st.integers(50, 56), cut_places, st.sampled_from([b"\n", b"\r\n"]))
def test_base64_is_found_across_line_breaks(value: str, column: int, cuts: list[int], line_break: bytes) -> None:
    # RFC 2045, section 6.8: "lines of no more than 76 characters each", which hold 57 bytes: each value here is broken.
    written = base64.encodebytes(bytes(column) + value.encode() + b"tail").replace(b"\n", line_break)
    found = sightings(written, lambda data: in_pieces(data, cuts), Canary(7, "token", value))
    assert encodings(found) == {"base64"}


@given(values, st.integers(0, 80), st.text("ü =", max_size=40), cut_places)
def test_quoted_printable_is_found_across_soft_line_breaks(value: str, column: int, text: str, cuts: list[int]) -> None:
    mail = b"x" * column + value.encode() + text.encode()
    written = quopri.encodestring(mail).replace(b"\n", b"\r\n")
    found = sightings(written, lambda data: in_pieces(data, cuts), Canary(7, "line", value))
    assert encodings(found) == ({"plain"} if value.encode() in written else {"quoted-printable"})


@given(
    values.flatmap(lambda value: st.tuples(st.just(value), st.sets(st.integers(0, len(value) - 1), min_size=1))),
    st.sampled_from(["={:02X}", "={:02x}"]),
)
def test_quoted_printable_is_found_with_escapes_of_any_characters(escapes: tuple[str, set[int]], form: str) -> None:
    value, places = escapes
    written = "".join(form.format(ord(char)) if at in places else char for at, char in enumerate(value))
    assume(value not in written)  # "=30" ends in "0": eight times "0" would also be there plain
    found = sightings(b"a=3D " + written.encode(), whole, Canary(7, "line", value))
    assert found == [Sighting(7, "line", "quoted-printable", 5)]


@pytest.mark.parametrize("form", ["={:02X}", "={:02x}"])
def test_every_letter_and_digit_may_be_escaped(form: str) -> None:
    everything = string.ascii_letters + string.digits
    canaries = [Canary(at, "line", everything[at : at + 31]) for at in (0, 31)]
    written = "".join(form.format(ord(char)) for char in everything).encode()
    assert [sighting.number for sighting in sightings(written, whole, *canaries)] == [0, 31]


@either_way
def test_the_longest_writing_of_a_canary_survives_any_cut(deliver: Deliver) -> None:
    value = "Ab9" * 13 + "Z"
    written = b"".join(b"=\r\n=%02x" % char for char in value.encode())  # every character escaped behind a soft break
    assert sightings(b"noise" + written, deliver, Canary(7, "line", value)) == [
        Sighting(7, "line", "quoted-printable", 8)
    ]


@either_way
def test_a_plain_canary_beside_escapes_is_not_called_quoted_printable(deliver: Deliver) -> None:
    assert encodings(sightings(b"=41=42=\r\n" + VALUE.encode() + b"=\r\n", deliver)) == {"plain"}


@either_way
def test_each_encoding_of_a_canary_is_reported_once(deliver: Deliver) -> None:
    plain, coded = VALUE.encode(), base64.b64encode(VALUE.encode())
    quoted = VALUE[:4].encode() + b"=\r\n" + VALUE[4:].encode()
    found = sightings(b" ".join([plain, coded, quoted] * 3), deliver)
    assert [sighting.encoding for sighting in found] == ["plain", "base64", "quoted-printable"]


def test_offsets_count_from_the_start_of_the_stream() -> None:
    scanner = CanaryScanner([CANARY])
    scanner.receive_data(bytes(100_000))
    assert scanner.receive_data(b"12" + VALUE.encode()) == [Sighting(1, "password", "plain", 100_002)]


def test_sightings_come_in_the_order_of_the_stream() -> None:
    other = Canary(2, "line", "Another0Canary")
    found = sightings(b"Another0Canary " + VALUE.encode(), whole, CANARY, other)
    assert [sighting.number for sighting in found] == [2, 1]


def test_what_is_kept_between_reads_is_bounded() -> None:
    scanner = CanaryScanner([CANARY])
    for _ in range(10):
        scanner.receive_data(b"=\r\n" * 10_000)
    assert len(scanner._tail) < 256


@given(values, noise, noise, cut_places)
def test_a_plain_canary_is_found_wherever_reads_cut_it(
    value: str, before: bytes, after: bytes, cuts: list[int]
) -> None:
    data = before + value.encode() + after
    found = sightings(data, lambda data: in_pieces(data, cuts), Canary(7, "line", value))
    assert Sighting(7, "line", "plain", data.find(value.encode())) in found


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_bytes_without_the_canary_yield_nothing(pieces: list[bytes]) -> None:
    assert collect(CanaryScanner([CANARY]).receive_data, pieces) == []


@pytest.mark.parametrize("value", ["short", "x" * 41, "with space", "with-dash", "größer123"])
def test_a_value_that_cannot_be_found_in_every_encoding_is_refused(value: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        Canary(1, "password", value)
    assert value not in str(caught.value)


def test_no_representation_shows_the_value() -> None:
    (found,) = CanaryScanner([CANARY]).receive_data(VALUE.encode())
    assert not re.search(VALUE, repr(CANARY) + repr(CanaryScanner([CANARY])) + repr(found))
