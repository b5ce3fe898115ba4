from __future__ import annotations

import pytest

from connector_sim.admin.endpoint import Endpoint
from connector_sim.admin.endpoints import ENDPOINTS
from connector_sim.admin.replies import no_content
from connector_sim.admin.roles import READ
from connector_sim.admin.router import Router, allowed


def endpoint(method: str, path: str) -> Endpoint:
    return Endpoint(method, path, READ, lambda _: no_content())


ROUTER = Router(
    [
        endpoint("GET", "/a/{one}"),
        endpoint("GET", "/a/fixed"),
        endpoint("PUT", "/a/{one}"),
        endpoint("GET", "/onPremises/x"),
    ]
)


def test_a_name_in_a_path_stands_for_one_segment() -> None:
    found = ROUTER.find("/a/b%20c")
    assert found
    assert (found.parameters, allowed(found)) == ({"one": "b c"}, "GET,OPTIONS,PUT")
    assert [ROUTER.find(path) for path in ("/a", "/a/", "/a/b/", "/a/b/c", "a/b", "")] == [None] * 6


def test_a_path_without_names_comes_first() -> None:
    found = ROUTER.find("/a/fixed")
    assert found
    assert found.parameters == {}


def test_the_older_word_is_taken_for_the_newer() -> None:
    assert ROUTER.find("/onPremise/x") == ROUTER.find("/onPremises/x")
    assert ROUTER.find("/onpremise/x") is None


def test_an_endpoint_is_there_once() -> None:
    Router(ENDPOINTS)
    with pytest.raises(ValueError, match="GET /a is there twice"):
        Router([endpoint("GET", "/a"), endpoint("GET", "/a")])
