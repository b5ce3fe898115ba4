from __future__ import annotations

import pytest

from connector_sim.signing import MAX_TEXT, CloudLogin, SigningRequest

REQUEST = SigningRequest("stadtwerke", CloudLogin("me", "secret"), "PEM")
BY_DATA = SigningRequest("stadtwerke", CloudLogin("me", authentication_data="secret"), "PEM")


@pytest.mark.parametrize("request_", [REQUEST, BY_DATA])
def test_a_request_comes_back_from_its_message(request_: SigningRequest) -> None:
    assert SigningRequest.from_message(request_.as_message()) == request_


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {**REQUEST.as_message(), "user": None},
        {**REQUEST.as_message(), "password": "x" * (MAX_TEXT + 1)},
        {**REQUEST.as_message(), "authentication_data": "x" * (MAX_TEXT + 1)},
        {"subaccount": "stadtwerke", "user": "me", "password": "secret"},
    ],
)
def test_what_is_no_request_is_none(message: object) -> None:
    assert SigningRequest.from_message(message) is None


def test_a_request_shows_no_secret() -> None:
    assert "secret" not in repr(REQUEST) + repr(BY_DATA)
