"""When a process has no file descriptors left: how an error tells it, and what to tell a person.

Accepting pauses, what cannot be opened is refused, and what is open goes on.
"""

from __future__ import annotations

import errno
import resource

_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def is_out_of_descriptors(error: BaseException | None) -> bool:
    """Tell whether an error, or the one it was raised from, says that there is no descriptor or memory for a socket."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _OUT_OF_DESCRIPTORS:
            return True
        error = error.__cause__
    return False


def out_of_descriptors() -> str:
    """Return the trouble as a text that names the limit (RLIMIT_NOFILE) and how to raise it."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return f"out of file descriptors: this process may have {limit}; raise it with `ulimit -n`"
