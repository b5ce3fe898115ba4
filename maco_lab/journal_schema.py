"""The JSON Schema of a line of the journal (draft 2020-12), made from the classes of ``maco_wire.observation``.

Pure. Types, required fields and allowed values follow from the classes; what each field means is in
``journal_fields``. The same text is shipped as ``journal.schema.json`` for programs that are not Python.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import json
import types
import typing
from collections.abc import Mapping
from typing import Any

from maco_lab.journal import SCHEMA_VERSION
from maco_lab.journal_fields import CERTIFICATE_FIELDS, COMMON_FIELDS, FIELDS, LINE_FIELDS
from maco_wire.observation import Address, CertificateSummary
from maco_wire.observation_fields import field_types, observation_kinds

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ADDRESS = {
    "description": "A socket address: numeric host and port.",
    "type": "array",
    "prefixItems": [{"type": "string"}, {"type": "integer", "minimum": 0, "maximum": 65535}],
    "minItems": 2,
    "maxItems": 2,
}
_SIMPLE: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
}
_WORDS: Mapping[str, str] = {"string": "text", "integer": "whole number", "boolean": "true or false"}
_OPTIONAL = frozenset({typing.Union, types.UnionType})
_EMPTY = (None, (), "")


@functools.cache
def schema_text() -> str:
    """Return the schema as it is shipped."""
    return json.dumps(journal_schema(), indent=2, ensure_ascii=False) + "\n"


def journal_schema() -> dict[str, Any]:
    """Return the schema; what is not in it is in no line."""
    kinds = observation_kinds()
    return {
        "$schema": DIALECT,
        "$id": f"urn:maco-lab:journal:{SCHEMA_VERSION}",
        "title": "A line of maco-lab's journal",
        "description": f"Version {SCHEMA_VERSION} (schema_version; `v` in each line). See docs/journal.md.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in kinds],
        "$defs": {name: _kind(name, each) for name, each in kinds.items()}
        | {"address": _ADDRESS, "certificate": _certificate()},
    }


def _kind(name: str, kind: Any) -> dict[str, Any]:
    meanings = {**COMMON_FIELDS, **FIELDS[name]}
    hints = field_types(kind)
    own = {field.name: _described(hints[field.name], meanings[field.name]) for field in dataclasses.fields(kind)}
    required = [field.name for field in dataclasses.fields(kind) if is_always_there(field, hints[field.name])]
    return {
        "description": summary(kind),
        "type": "object",
        "properties": _line(name) | own,
        "required": [*LINE_FIELDS, *required],
        "additionalProperties": False,
    }


def _line(kind: str) -> dict[str, Any]:
    """Return what the journal adds to an observation."""
    said: dict[str, dict[str, Any]] = {
        "v": {"const": SCHEMA_VERSION},
        "n": {"type": "integer", "minimum": 1},
        "t": {"type": "number"},
        "kind": {"const": kind},
    }
    return {name: {"description": meaning} | said[name] for name, meaning in LINE_FIELDS.items()}


def _certificate() -> dict[str, Any]:
    hints = field_types(CertificateSummary)
    names = [field.name for field in dataclasses.fields(CertificateSummary)]
    return {
        "description": summary(CertificateSummary),
        "type": "object",
        "properties": {name: _described(hints[name], CERTIFICATE_FIELDS[name]) for name in names},
        "required": names,
        "additionalProperties": False,
    }


def summary(kind: type[Any]) -> str:
    """Return the first sentence that the class says of itself."""
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split()).replace("``", "`")


def is_always_there(field: dataclasses.Field[Any], annotation: Any) -> bool:
    """Tell whether ``as_fields`` writes a field whatever its value: one that is empty is left out."""
    if field.default is dataclasses.MISSING:
        return annotation is not str
    return field.default not in _EMPTY


def _described(annotation: Any, meaning: str) -> dict[str, Any]:
    return {"description": meaning} | _shape(annotation)


def _shape(annotation: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation == Address:
        return {"$ref": "#/$defs/address"}
    if annotation is CertificateSummary:
        return {"$ref": "#/$defs/certificate"}
    if origin in _OPTIONAL:  # None is empty, and left out
        return _shape(next(each for each in arguments if each is not types.NoneType))
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return _array(arguments)
    if inspect.isclass(annotation) and issubclass(annotation, enum.StrEnum):
        return {"enum": [each.value for each in annotation]}
    return dict(_SIMPLE[annotation])


def _array(items: tuple[Any, ...]) -> dict[str, Any]:
    if items[-1] is Ellipsis:
        return {"type": "array", "items": _shape(items[0])}
    return {
        "type": "array",
        "prefixItems": [_shape(each) for each in items],
        "minItems": len(items),
        "maxItems": len(items),
    }


def type_of(annotation: Any) -> str:
    """Return a type in the words of the documentation."""
    shape = _shape(annotation)
    match shape:
        case {"enum": list(values)}:
            return ", ".join(f"`{value}`" for value in values)
        case {"$ref": reference}:
            return str(reference).rpartition("/")[2]
        case {"items": dict(items)}:
            return f"list of {_word(items)}"
        case {"prefixItems": list(items)}:
            return " and ".join(_word(each) for each in items)
    return _word(shape)


def _word(shape: Mapping[str, Any]) -> str:
    """Return what one value is; an address and a certificate have a name of their own."""
    reference = str(shape.get("$ref", ""))
    return reference.rpartition("/")[2] or _WORDS[shape["type"]]
