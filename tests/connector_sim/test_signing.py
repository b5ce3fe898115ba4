from __future__ import annotations

import pytest

from connector_sim.signing import MAX_TEXT, SigningRequest

REQUEST = SigningRequest("stadtwerke", "me", "secret", "PEM")


def test_a_request_comes_back_from_its_message() -> None:
    assert SigningRequest.from_message(REQUEST.as_message()) == REQUEST


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {**REQUEST.as_message(), "user": None},
        {**REQUEST.as_message(), "password": "x" * (MAX_TEXT + 1)},
        {"subaccount": "stadtwerke", "user": "me", "password": "secret"},
    ],
)
def test_what_is_no_request_is_none(message: object) -> None:
    assert SigningRequest.from_message(message) is None


def test_a_request_shows_no_secret() -> None:
    assert "secret" not in repr(REQUEST)
