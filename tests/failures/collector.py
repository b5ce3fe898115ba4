"""Where a run that writes the page keeps its rows.

Nothing of the project is imported here: pytest must be the first to do that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pytest

COLLECTOR = "failure-matrix"
"""The name under which pytest knows the collector of such a run."""

COMMAND = "python -m tests.failures"

_Row = TypeVar("_Row")


@dataclass
class Collector(Generic[_Row]):
    """Takes the rows in the order of the tests."""

    rows: list[_Row] = field(default_factory=list)

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make this object known under its name."""
        config.pluginmanager.register(_Holder(self), COLLECTOR)


@dataclass
class _Holder(Generic[_Row]):
    collector: Collector[_Row]
