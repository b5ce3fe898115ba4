"""Read a lab file: YAML 1.2 into the model, with every error told by its place.

An error reads ``lab.yaml:17:9: maco.email_connections[0].protection: found 'STARTTLS', allowed: ...``. All errors of a
file are told at once; what one section says of another (``lab_checks``) only once the shape of all of them is right.
Secrets are never repeated.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from maco_lab.lab_checks import check
from maco_lab.lab_findings import Finding, find_shape_errors, place
from maco_lab.lab_model import LabModel
from maco_lab.lab_yaml import YamlProblem, load_yaml

MAX_FILE_BYTES = 16 * 1024 * 1024
DEFAULT_NAME = "lab.yaml"


class LabFileError(Exception):
    """A lab file cannot be used; ``findings`` holds every reason."""

    def __init__(self, name: str, findings: Sequence[Finding]) -> None:
        lines = [f"{name}:{f.line}:{f.column}: {f.path + ': ' if f.path else ''}{f.text}" for f in findings]
        super().__init__("\n".join(lines))
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class LabFile:
    """A checked lab file; paths in it are relative to ``folder``."""

    name: str
    folder: Path
    model: LabModel
    text: str = field(default="", repr=False, compare=False)
    """What it was read from: a party in a process of its own reads the same."""


def default_text() -> str:
    """Return the text of the lab file that comes with the package."""
    return importlib.resources.files("maco_lab").joinpath(DEFAULT_NAME).read_text(encoding="utf-8")


def find_lab_file(path: Path | None) -> LabFile:
    """Read ``path``; without one, ``lab.yaml`` of this folder if there is one, else the package's own.

    Raises LabFileError.
    """
    chosen = path or Path(DEFAULT_NAME)
    if path is None and not chosen.is_file():
        return parse_lab(default_text(), name=f"{DEFAULT_NAME} (built in)", folder=Path())
    return parse_lab(_read(chosen), name=str(chosen), folder=chosen.resolve().parent)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise LabFileError(str(path), [Finding(1, 1, "", error.strerror or str(error))]) from error
    if len(content) > MAX_FILE_BYTES:
        raise LabFileError(str(path), [Finding(1, 1, "", f"larger than {MAX_FILE_BYTES} bytes")])
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise LabFileError(str(path), [Finding(line, column, "", "the file is not UTF-8 text")]) from error


def parse_lab(text: str, *, name: str, folder: Path) -> LabFile:
    """Check the text of a lab file. Raises LabFileError."""
    try:
        document = load_yaml(text)
        model = LabModel.model_validate(document)
    except YamlProblem as problem:
        raise LabFileError(name, [Finding(problem.line, problem.column, "", str(problem))]) from problem
    except ValidationError as error:
        raise LabFileError(name, find_shape_errors(document, error)) from error
    if findings := [place(document, location, text) for location, text in check(model)]:
        raise LabFileError(name, findings)
    return LabFile(name, folder, model, text)
