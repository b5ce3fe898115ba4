"""Every observation can be written to the journal, and none can be mistaken for another."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from typing import Any

import pytest

from maco_wire import observation
from maco_wire.observation import (
    CertificateSummary,
    Handshake,
    Observation,
    Party,
    StreamClosed,
    StreamOpened,
    TlsSession,
)

# Not Observation.__subclasses__(): it also lists the classes that dataclasses replaced to add slots.
KINDS = [
    value
    for value in vars(observation).values()
    if isinstance(value, type) and issubclass(value, Observation) and value is not Observation
]


def sample(annotation: Any) -> Any:
    """Return a value of an annotated type that is neither empty nor None."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return next(each for each in arguments if each)
    if origin in {typing.Union, types.UnionType}:
        return sample(arguments[0])
    if origin is tuple:
        return tuple(sample(argument) for argument in arguments if argument is not Ellipsis)
    if annotation is CertificateSummary:
        return CertificateSummary("CN=mail", "CN=issuing", "ab" * 32, ("mail.stadtwerke.example",))
    if issubclass(annotation, str) and issubclass(annotation, enum.Enum):
        return next(iter(annotation))
    return {str: "text", int: 143, bool: True}[annotation]


def filled(kind: type[Observation]) -> Observation:
    """Return an observation of this kind with a value in every field."""
    hints = typing.get_type_hints(kind)
    return kind(**{item.name: sample(hints[item.name]) for item in dataclasses.fields(kind)})


def test_there_are_observations() -> None:
    assert len(KINDS) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_survives_json(kind: type[Observation]) -> None:
    observed = filled(kind)
    fields = observed.as_fields()
    assert set(fields) == {"kind"} | {item.name for item in dataclasses.fields(kind)}
    written = json.loads(json.dumps(fields))
    assert (written["kind"], written["party"], written["local"]) == (kind.kind, "MaCo", ["text", 143])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_frozen_and_without_dictionary(kind: type[Observation]) -> None:
    observed = filled(kind)
    with pytest.raises(dataclasses.FrozenInstanceError):
        observed.party = Party.MAIL_SERVER  # type: ignore[misc]
    assert not hasattr(observed, "__dict__")


def test_kinds_are_unique() -> None:
    names = [kind.kind for kind in KINDS]
    assert len(set(names)) == len(names)


def test_empty_values_are_left_out() -> None:
    opened = StreamOpened(Party.CONNECTIVITY, "mail.virtual", 143)
    assert set(opened.as_fields()) >= {"kind", "party", "virtual_host", "virtual_port"}
    assert not {"trace_id", "local", "peer", "back_end", "internal_port"} & set(opened.as_fields())


def test_a_chain_is_written_certificate_by_certificate() -> None:
    leaf, issuing = (CertificateSummary(name, "CN=root", "00" * 32) for name in ("CN=mail", "CN=issuing"))
    seen = Handshake(Party.MACO, TlsSession.IMAP_STARTTLS, "client", succeeded=True, peer_chain=(leaf, issuing))
    written = json.loads(json.dumps(seen.as_fields()))
    assert [certificate["subject"] for certificate in written["peer_chain"]] == ["CN=mail", "CN=issuing"]


def test_zero_and_false_are_values_and_stay() -> None:
    closed = StreamClosed(Party.CONNECTIVITY, bytes_to_mail_server=0, bytes_to_maco=0).as_fields()
    assert (closed["bytes_to_mail_server"], closed["bytes_to_maco"]) == (0, 0)
    assert Handshake(Party.MACO, TlsSession.TUNNEL, "client", succeeded=False).as_fields()["succeeded"] is False
