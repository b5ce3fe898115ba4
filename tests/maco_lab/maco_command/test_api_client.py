from __future__ import annotations

import socket

import pytest

from maco_lab.maco_command.api_client import ApiClient, ApiError, path
from maco_lab.maco_command.tables import printable, table
from maco_lab.state import RunNote


def test_names_are_quoted_in_a_path() -> None:
    assert path("keystore", "a b/\u00fc", "pem") == "/api/keystore/a%20b%2F%C3%BC/pem"
    assert path("inbox", connection=None, after=3) == "/api/inbox?after=3"


def test_a_lab_without_the_api_is_told() -> None:
    with pytest.raises(ApiError, match="serve: false under maco"):
        ApiClient.of_running_lab(RunNote(1, "lab.yaml", "", {}, ()))


def test_an_api_that_does_not_answer_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = nobody.getsockname()
    with pytest.raises(ApiError, match="does not answer"):
        ApiClient(address).get("/api/inbox")


def test_a_terminal_gets_no_control_characters() -> None:
    assert "\x1b" not in table(("subject",), [("red \x1b[31m",)], empty="")
    assert printable("a\nb") == "a\ufffdb"


def test_an_empty_table_says_so() -> None:
    assert table(("a",), [], empty="nothing") == "nothing"
