"""Find a program from outside Python that a test needs; never silently go without it in CI."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def require_program(name: str, *more_folders: str) -> str:
    """Return the path of ``name``; skip the test loudly where it is absent, and fail it in CI.

    ``more_folders`` are searched after PATH (Debian keeps servers in /usr/sbin).
    """
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(("/usr/sbin", "/sbin", *more_folders)))
    if path is None:
        missing(f"{name} is not installed: this test proves nothing on this machine")
    return path


def missing(message: str) -> NoReturn:
    """Skip the test loudly for what the machine lacks, and fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
