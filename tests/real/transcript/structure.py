"""BODY and BODYSTRUCTURE with the names in one case that MIME reads in any case (RFC 2045, sections 5.1 and 6.1)."""

from __future__ import annotations

import itertools

from tests.real.transcript.values import Text, Value

_MESSAGE = (Text(b"message"), Text(b"rfc822"))


def structure(value: Value) -> Value:
    """Return a structure with types, parameters' names, encodings and dispositions in lower case."""
    assert isinstance(value, tuple)
    if isinstance(value[0], tuple):
        count = len(list(itertools.takewhile(lambda each: isinstance(each, tuple), value)))
        subtype, *extension = value[count:]
        return (*map(structure, value[:count]), _lower(subtype), *_extension(extension, multipart=True))
    kind, subtype, parameters, content_id, description, encoding, size, *rest = value
    known: tuple[Value, ...] = (
        _lower(kind), _lower(subtype), _parameters(parameters), content_id, description, _lower(encoding), size,
    )  # fmt: skip
    if known[:2] == _MESSAGE:
        envelope, inner, *rest = rest
        known = (*known, envelope, structure(inner))
    if known[:2] == _MESSAGE or known[0] == Text(b"text"):
        lines, *rest = rest
        known = (*known, lines)
    return (*known, *_extension(rest, multipart=False))


def _extension(values: list[Value], *, multipart: bool) -> list[Value]:
    """Bring into one form what BODYSTRUCTURE alone has: parameters (of a multipart) or MD5, then the disposition."""
    if not values:
        return []
    first, disposition, *rest = values
    if isinstance(disposition, tuple):
        kind, parameters = disposition
        disposition = (_lower(kind), _parameters(parameters))
    return [_parameters(first) if multipart else first, disposition, *rest]


def _parameters(value: Value) -> Value:
    if not isinstance(value, tuple):
        return value
    return tuple(_lower(each) if at % 2 == 0 else each for at, each in enumerate(value))


def _lower(value: Value) -> Value:
    return Text(value.data.lower()) if isinstance(value, Text) else value
