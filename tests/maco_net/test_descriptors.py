from __future__ import annotations

import errno
import resource

import pytest

from maco_net.descriptors import is_out_of_descriptors, out_of_descriptors
from maco_net.errors import ConnectError


def _raised_from(number: int) -> ConnectError:
    error = ConnectError("mail.corp", 143, "unreachable", "no")
    error.__cause__ = OSError(number, "why")
    return error


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_an_error_without_a_descriptor_is_known_itself_and_as_a_cause(number: int) -> None:
    assert is_out_of_descriptors(OSError(number, "x"))
    assert is_out_of_descriptors(_raised_from(number))


@pytest.mark.parametrize("error", [None, ValueError(errno.EMFILE), OSError("24"), _raised_from(errno.ECONNREFUSED)])
def test_any_other_error_is_not(error: BaseException | None) -> None:
    assert not is_out_of_descriptors(error)


def test_the_text_names_the_limit_of_this_process() -> None:
    assert f" {resource.getrlimit(resource.RLIMIT_NOFILE)[0]};" in out_of_descriptors()
