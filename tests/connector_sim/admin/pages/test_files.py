"""The pages' files: nothing from elsewhere, no script in the markup, only for who calls by a name of this machine."""

from __future__ import annotations

import re

import pytest

from connector_sim.admin.pages.files import FOLDER
from maco_http.page_files import page_files
from tests.connector_sim.admin.client import AdminClient

NAMES = [each.name for each in page_files("connector_sim.admin.pages")]


def anonymous(admin: AdminClient, path: str, **headers: str) -> tuple[int, str]:
    answer = admin.call("GET", path, headers={"Authorization": "", **headers})
    return answer.status, answer.text


def test_the_first_page_needs_no_signing_in_and_says_that_it_is_a_simulation(admin: AdminClient) -> None:
    status, text = anonymous(admin, "/")

    assert status == 200
    assert "simulation" in text
    assert "not SAP's Cloud Connector" in text


def test_every_file_that_the_page_names_is_there(admin: AdminClient) -> None:
    _, text = anonymous(admin, "/")
    names = re.findall(r'(?:src|href)="maco-lab/page/([\w.]+)"', text)
    imported = set()
    for name in NAMES:
        _, content = anonymous(admin, f"{FOLDER}/{name}") if name != "index.html" else (0, "")
        imported |= set(re.findall(r'from "\./([\w.]+)"', content))

    assert {"main.js", "base.css", "icon.svg"} <= set(names)
    assert set(names) | imported <= set(NAMES)
    assert "dom.js" in imported


@pytest.mark.parametrize("path", ["/", f"{FOLDER}/main.js", f"{FOLDER}/base.css"])
def test_a_file_binds_the_browser(admin: AdminClient, path: str) -> None:
    answer = admin.call("GET", path, headers={"Authorization": ""})

    policy = answer.header("Content-Security-Policy") or ""
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Access-Control-Allow-Origin") is None
    assert answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize("host", ["evil.example:8443", "evil.example"])
def test_another_name_gets_no_page(admin: AdminClient, host: str) -> None:
    status, text = anonymous(admin, "/", Host=host)

    assert status == 403
    assert "Host: allowed: an address, localhost" in text


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:8443", "LOCALHOST", "[::1]:8443", "192.0.2.7:8443"])
def test_addresses_and_localhost_get_the_page(admin: AdminClient, host: str) -> None:
    """A forwarded port has another number."""
    assert anonymous(admin, "/", Host=host)[0] == 200


def test_what_is_no_file_of_the_page_is_not_served(admin: AdminClient) -> None:
    for path in (f"{FOLDER}/../__init__.py", f"{FOLDER}/nothing.js", f"{FOLDER}/..%2f__init__.py"):
        assert admin.get(path).status == 404
