"""The documentation names what the code has: nothing documented by hand may fall behind."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from maco_client.api.operations import OPERATIONS as MACO_OPERATIONS
from maco_lab import lab_model, maco_model, sending_model
from maco_lab.cli import app
from maco_lab.mail_server.command import app as mail_server_app
from maco_lab.page.operations import OPERATIONS
from maco_wire import observation
from maco_wire.observation import Observation
from mailserver_sim.api.operations import OPERATIONS as MAIL_OPERATIONS
from mailserver_sim.settings import LISTENER_PROTOCOLS

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
COMMON = {field.name for field in dataclasses.fields(Observation)}
KINDS = [
    each
    for each in vars(observation).values()
    if isinstance(each, type) and issubclass(each, Observation) and each is not Observation
]
SECTIONS = [
    each
    for model in (lab_model, maco_model, sending_model)
    for each in vars(model).values()
    if isinstance(each, type) and issubclass(each, BaseModel) and each.__module__ == model.__name__
]


def test_there_is_something_to_compare() -> None:
    assert len(KINDS) > 10
    assert len(SECTIONS) > 10
    assert len(PAGES) > 8


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_the_journal_page_names_every_field_of(kind: type[Observation]) -> None:
    page = (ROOT / "docs/journal.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{kind.kind}` \|.*$", page, re.MULTILINE)

    assert row is not None
    own = {field.name for field in dataclasses.fields(kind)} - COMMON
    assert {name for name in own if f"`{name}`" not in row[0]} == set()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_the_lab_file_page_names_every_key_of(section: type[BaseModel]) -> None:
    page = (ROOT / "docs/lab-file.md").read_text(encoding="utf-8")

    assert {name for name in section.model_fields if f"`{name}`" not in page} == set()


def test_the_commands_page_names_every_command() -> None:
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    names = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]

    assert "up" in names
    assert [name for name in names if f"`maco-lab {name}" not in page] == []


def test_the_api_page_names_every_operation_with_its_path() -> None:
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")

    assert [each.name for each in OPERATIONS if f"| `{each.name}` | {each.method} `{each.path}` |" not in page] == []


def test_the_page_of_macos_api_names_every_operation_with_its_path() -> None:
    page = (ROOT / "docs/maco-api.md").read_text(encoding="utf-8")

    assert [
        each.name for each in MACO_OPERATIONS if f"| `{each.name}` | {each.method} `{each.path}` |" not in page
    ] == []


def test_the_mail_server_page_names_every_operation_with_its_path() -> None:
    page = (ROOT / "docs/mail-server.md").read_text(encoding="utf-8")

    assert [
        each.name for each in MAIL_OPERATIONS if f"| `{each.name}` | {each.method} `{each.path}` |" not in page
    ] == []


def test_the_mail_server_page_names_every_option() -> None:
    page = (ROOT / "docs/mail-server.md").read_text(encoding="utf-8")
    printed = CliRunner().invoke(mail_server_app, ["--help"]).output
    options = set(re.findall(r"^  (--[a-z0-9-]+)", printed, re.MULTILINE)) - {"--help"}
    options -= {f"--{protocol}" for protocol in LISTENER_PROTOCOLS}  # one row tells of all of them

    assert {"--user", "--api"} <= options
    assert [each for each in sorted(options) if not re.search(rf"`{each}\b", page)] == []


def _links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    assert [target for target in _links(page) if not (page.parent / target).exists()] == []


def test_the_lab_file_of_the_repository_is_the_built_in_one() -> None:
    assert (ROOT / "lab.yaml").read_bytes() == (ROOT / "maco_lab/lab.yaml").read_bytes()
