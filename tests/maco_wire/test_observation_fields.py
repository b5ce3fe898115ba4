"""An observation that another process reported is the same value again, and nothing else becomes one."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maco_wire import observation
from maco_wire.observation import CertificateSummary, Observation, Party, Problem, StreamOpened
from maco_wire.observation_fields import BadObservation, observation_from_fields

KINDS = [
    value
    for value in vars(observation).values()
    if isinstance(value, type) and issubclass(value, Observation) and value is not Observation
]


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for every value of an annotated type."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin in {typing.Union, types.UnionType}:
        # An empty text that could also be None is None again: "fields that are empty are left out".
        return st.one_of(*(st.text(min_size=1, max_size=20) if each is str else values_of(each) for each in arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(values_of(each) for each in arguments))
    if annotation is types.NoneType:
        return st.none()
    if annotation is CertificateSummary:
        return st.builds(CertificateSummary, **fields_of(CertificateSummary))
    if issubclass(annotation, enum.Enum):
        return st.sampled_from(list(annotation))
    return {str: st.text(max_size=20), int: st.integers(), bool: st.booleans()}[annotation]


def fields_of(kind: type[Any]) -> dict[str, st.SearchStrategy[Any]]:
    hints = typing.get_type_hints(kind)
    return {field.name: values_of(hints[field.name]) for field in dataclasses.fields(kind)}


OBSERVATIONS = st.one_of(*(st.builds(kind, **fields_of(kind)) for kind in KINDS))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def test_there_are_kinds() -> None:
    assert len(KINDS) > 10


@given(OBSERVATIONS)
def test_every_observation_is_the_same_again_after_its_way_through_json(observed: Observation) -> None:
    assert observation_from_fields(json.loads(json.dumps(observed.as_fields()))) == observed


@given(OBSERVATIONS, st.data())
def test_whatever_stands_in_a_field_it_is_an_observation_or_refused(observed: Observation, data: st.DataObject) -> None:
    fields = json.loads(json.dumps(observed.as_fields()))
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(JSON)
    try:
        again = observation_from_fields(fields)
    except BadObservation:
        return
    json.dumps(again.as_fields())


@given(st.dictionaries(st.text(max_size=5) | st.just("kind"), JSON, max_size=4))
def test_any_other_mapping_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadObservation):
        observation_from_fields(fields)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"kind": "rumour"}, "kind: not that of an observation"),
        ({"virtual_host": 1}, "virtual_host: not of its type"),
        ({"virtual_port": True}, "virtual_port: not of its type"),
        ({"virtual_port": "143"}, "virtual_port: not of its type"),
        ({"party": "Nobody"}, "party: not one of Party"),
        ({"local": ["127.0.0.1"]}, "local: not of its length"),
        ({"more": "x"}, "more: no field of StreamOpened"),
    ],
)
def test_what_is_wrong_is_told_by_its_field(wrong: dict[str, Any], text: str) -> None:
    fields = StreamOpened(Party.CONNECTIVITY, "mail.virtual", 143).as_fields() | wrong

    with pytest.raises(BadObservation, match=f"^{text}$"):
        observation_from_fields(fields)


def test_a_missing_number_is_told_and_not_made_up() -> None:
    fields = StreamOpened(Party.CONNECTIVITY, "mail.virtual", 143).as_fields()
    del fields["virtual_port"]

    with pytest.raises(BadObservation, match="virtual_port: missing"):
        observation_from_fields(fields)


def test_an_empty_text_that_was_left_out_is_empty_again() -> None:
    problem = Problem(Party.MACO, "")

    assert "text" not in problem.as_fields()
    assert observation_from_fields(problem.as_fields()) == problem
