"""Load the text of a lab file as YAML 1.2, with the place of every value, and tell every problem by its place.

Pure. YAML 1.2 because in 1.1 ``22:22`` is a number and ``Off`` is false. What a problem quotes is never a value: it may
be a password.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, DuplicateKeyError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError)
"""What ruamel.yaml lets out beside its own errors, for a value that is not what its form or its tag says."""


class YamlProblem(Exception):
    """The text is not YAML; ``line`` and ``column`` count from 1."""

    def __init__(self, line: int, column: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.column = column


class _Constructor(RoundTripConstructor):
    """Tells where the value stands that could not be constructed."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except _UNREADABLE as error:
            raise ConstructorError(
                problem="a value that is not what its form or tag says", problem_mark=node.start_mark
            ) from error


def load_yaml(text: str) -> Any:
    """Return the document, of ruamel.yaml's classes that know their lines. Raises YamlProblem."""
    yaml = YAML(typ="rt")
    yaml.Constructor = _Constructor
    try:
        return yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlProblem(line, column, _without_values(error)) from error
    except ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - before.rfind("\n")
        raise YamlProblem(line, column, "found a character that YAML does not allow") from error
    except RecursionError as error:
        raise YamlProblem(1, 1, "nested too deeply") from error
    except (YAMLError, *_UNREADABLE) as error:
        raise YamlProblem(1, 1, "not YAML") from error


def _without_values(error: MarkedYAMLError) -> str:
    """Return the problem; that of a key that is there twice would name both values."""
    problem = str(error.problem or error.context or "not YAML")
    if isinstance(error, DuplicateKeyError):
        key = re.match(r'found duplicate key "(.*?)"', problem, re.DOTALL)
        return f"key {key.group(1)!r} is there twice" if key else "a key is there twice"
    return problem
