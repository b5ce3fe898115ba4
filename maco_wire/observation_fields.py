"""From the plain data that ``Observation.as_fields`` returns, after a way through JSON, back to the same value.

Pure. What is read here was written by another process: it is checked field by field against the annotations of the
class, so that a value that exists has the types it says.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any

from maco_wire import observation
from maco_wire.exceptions import WireError
from maco_wire.observation import CertificateSummary, Observation

_OPTIONAL = frozenset({typing.Union, types.UnionType})


class BadObservation(WireError):
    """These fields are not those of an observation; the text says which one is wrong and never repeats a value."""


def observation_from_fields(fields: Mapping[str, Any]) -> Observation:
    """Return the observation that ``as_fields`` turned into ``fields``. Raises BadObservation."""
    name = fields.get("kind")
    kind = observation_kinds().get(name) if isinstance(name, str) else None
    if kind is None:
        raise BadObservation("kind: not that of an observation")
    values = {key: value for key, value in fields.items() if key != "kind"}
    built: Observation = _built(kind, values)
    return built


@functools.cache
def observation_kinds() -> Mapping[str, type[Observation]]:
    """Return every class by its kind.

    Not by ``Observation.__subclasses__()``: it also lists the classes that dataclasses replaced to add slots.
    """
    found = [each for each in vars(observation).values() if isinstance(each, type) and issubclass(each, Observation)]
    return {each.kind: each for each in found if each is not Observation}


@functools.cache
def field_types(kind: Any) -> Mapping[str, Any]:
    """Return the annotation of every field; looked up once, because every line of a journal needs it."""
    hints = typing.get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if typing.get_origin(hint) is not typing.ClassVar}


def _built(kind: Any, values: Mapping[str, Any]) -> Any:
    """Build a dataclass; fields that are empty were left out and are their defaults, or empty texts and tuples."""
    hints = field_types(kind)
    if unknown := sorted(set(values) - set(hints)):
        raise BadObservation(f"{unknown[0]}: no field of {kind.__name__}")
    given = {name: _value(hints[name], value, name) for name, value in values.items()}
    for field in dataclasses.fields(kind):
        if field.name not in given and field.default is dataclasses.MISSING:
            given[field.name] = _empty(hints[field.name], field.name)
    return kind(**given)


def _empty(annotation: Any, name: str) -> Any:
    """Return what ``as_fields`` leaves out of a field that has no default."""
    if annotation is str:
        return ""
    raise BadObservation(f"{name}: missing")


def _value(annotation: Any, value: Any, name: str) -> Any:
    """Return ``value`` as the annotated type; JSON knows neither tuples nor enumerations."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in _OPTIONAL:
        annotation = next(each for each in arguments if each is not types.NoneType)
        return _value(annotation, value, name)
    if origin is typing.Literal and isinstance(value, str) and value in arguments:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        return _tuple(arguments, value, name)
    if annotation is CertificateSummary and isinstance(value, Mapping):
        return _built(CertificateSummary, value)
    if isinstance(annotation, type):
        return _simple(annotation, value, name)
    raise BadObservation(f"{name}: not of its type")


def _tuple(arguments: tuple[Any, ...], values: Any, name: str) -> tuple[Any, ...]:
    if arguments[-1] is Ellipsis:
        return tuple(_value(arguments[0], value, name) for value in values)
    if len(arguments) != len(values):
        raise BadObservation(f"{name}: not of its length")
    return tuple(_value(annotation, value, name) for annotation, value in zip(arguments, values, strict=True))


def _simple(annotation: type[Any], value: Any, name: str) -> Any:
    """Return a text, number or truth value; True is no number here."""
    if issubclass(annotation, enum.StrEnum) and isinstance(value, str):
        try:
            return annotation(value)
        except ValueError:
            raise BadObservation(f"{name}: not one of {annotation.__name__}") from None
    if annotation in (str, int, bool) and type(value) is annotation:
        return value
    raise BadObservation(f"{name}: not of its type")
